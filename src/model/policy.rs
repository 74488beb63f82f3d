//! The rules for a VM: reactions to a reboot and a crash, time limits, start with the host.

use super::name::{NameError, error};

/// The rules for a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The reaction to a reboot of the guest.
    pub on_reboot: Reaction,
    /// The reaction to a crash of the guest.
    pub on_crash: Reaction,
    /// The time limit of the loader in the background.
    pub loader_timeout: Seconds<1>,
    /// The time limit for the guest to shut down.
    pub stop_timeout: Seconds<1>,
    /// Whether the VM starts with the host.
    pub autostart: bool,
    /// The delay of the next VM when the host starts.
    pub autostart_delay: Seconds<0>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_reboot: Reaction::Restart,
            on_crash: Reaction::Stop,
            loader_timeout: Seconds(120),
            stop_timeout: Seconds(60),
            autostart: false,
            autostart_delay: Seconds(0),
        }
    }
}

/// The maximum number of seconds in a setting: a day.
const MOST: u32 = 86_400;

/// A time limit or a delay in seconds: `LEAST` to 86400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds<const LEAST: u32>(pub u32);

impl<const LEAST: u32> Seconds<LEAST> {
    /// Parses digits.
    ///
    /// # Errors
    /// If the text is not a whole number of seconds from `LEAST` to a day.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok();
        let number = number.filter(|number| is_number && (LEAST..=MOST).contains(number));
        number.map(Self).ok_or_else(|| {
            error(format!(
                "\"{text}\" is not a number of seconds from {LEAST} to {MOST}"
            ))
        })
    }
}

/// The reaction to the end of a guest: to a reboot, at which bhyve(8) exits with 0, or to a crash, at
/// which it exits with 3 or more, or by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The VM starts again.
    Restart,
    /// The VM ends.
    Stop,
}

impl Reaction {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Stop => "stop",
        }
    }

    /// Parses the words of [`Self::as_str`].
    ///
    /// # Errors
    /// If the text is another word.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let all = [Self::Restart, Self::Stop].into_iter();
        let mut all = all.filter(|one| one.as_str() == text);
        all.next()
            .ok_or_else(|| error(format!("\"{text}\" is neither restart nor stop")))
    }
}

/// Parses `YES` or `NO`, in any case.
///
/// Differs: `freebsd` is `YES` or `NO` in any case, all else is an error
///
/// # Errors
/// If the text is another word.
pub fn yes_or_no(text: &str) -> Result<bool, NameError> {
    if text.eq_ignore_ascii_case("yes") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("no") {
        Ok(false)
    } else {
        Err(error(format!(
            "\"{text}\" is neither YES nor NO; write one of them"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reaction, Seconds, yes_or_no};

    #[test]
    fn times_are_whole_seconds_up_to_a_day() {
        assert_eq!(Seconds::<1>::parse("1"), Ok(Seconds(1)));
        assert_eq!(Seconds::<1>::parse("86400"), Ok(Seconds(86_400)));
        assert_eq!(Seconds::<0>::parse("0"), Ok(Seconds(0)));
        for wrong in ["", "0", "86401", "1.5", "+1", "1m", "99999999999"] {
            assert!(Seconds::<1>::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_follows_is_one_of_two_words() {
        for word in ["restart", "stop"] {
            assert_eq!(Reaction::parse(word).map(Reaction::as_str), Ok(word));
        }
        assert!(Reaction::parse("Restart").is_err() && Reaction::parse("YES").is_err());
    }

    #[test]
    fn yes_and_no_have_any_case_and_no_other_word_counts() {
        assert_eq!(yes_or_no("Yes"), Ok(true));
        assert_eq!(yes_or_no("NO"), Ok(false));
        assert!(yes_or_no("true").is_err());
    }
}
