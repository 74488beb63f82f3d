//! The rules for a VM: reactions to a reboot and a crash, time limits, start with the host.

use super::name::{NameError, error};
use std::fmt;

/// The rules for a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The reaction to a reboot of the guest.
    pub on_reboot: OnReboot,
    /// The reaction to a crash of the guest.
    pub on_crash: OnCrash,
    /// The time limit of the loader in the background.
    pub loader_timeout: Seconds,
    /// The time limit for the guest to shut down.
    pub stop_timeout: Seconds,
    /// Whether the VM starts with the host.
    pub autostart: bool,
    /// The delay of the next VM when the host starts.
    pub autostart_delay: Delay,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_reboot: OnReboot::Restart,
            on_crash: OnCrash::Stop,
            loader_timeout: Seconds(120),
            stop_timeout: Seconds(60),
            autostart: false,
            autostart_delay: Delay(0),
        }
    }
}

/// The maximum number of seconds in a setting: a day.
const MOST: u32 = 86_400;

/// A time limit in seconds: 1 to 86400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u32);

/// A delay in seconds: 0 to 86400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay(pub u32);

impl Seconds {
    /// Parses digits.
    ///
    /// # Errors
    /// If the text is not a whole number of seconds from 1 to a day.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        whole(text, 1).map(Self)
    }
}

impl Delay {
    /// Parses digits.
    ///
    /// # Errors
    /// If the text is not a whole number of seconds from 0 to a day.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        whole(text, 0).map(Self)
    }
}

fn whole(text: &str, least: u32) -> Result<u32, NameError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| is_number && (least..=MOST).contains(number))
        .ok_or_else(|| {
            error(format!(
                "\"{text}\" is not a number of seconds from {least} to {MOST}"
            ))
        })
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reaction to a reboot of the guest: bhyve(8) exits with 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReboot {
    /// The VM starts again.
    Restart,
    /// The VM ends.
    Stop,
}

/// The reaction to a crash of the guest: bhyve(8) exits with 3 or more, or by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCrash {
    /// The VM ends.
    Stop,
    /// The VM starts again.
    Restart,
}

impl OnReboot {
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
        match text {
            "restart" => Ok(Self::Restart),
            "stop" => Ok(Self::Stop),
            _ => Err(neither(text)),
        }
    }
}

impl OnCrash {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    /// Parses the words of [`Self::as_str`].
    ///
    /// # Errors
    /// If the text is another word.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "stop" => Ok(Self::Stop),
            "restart" => Ok(Self::Restart),
            _ => Err(neither(text)),
        }
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

fn neither(text: &str) -> NameError {
    error(format!("\"{text}\" is neither restart nor stop"))
}

#[cfg(test)]
mod tests {
    use super::{Delay, OnCrash, OnReboot, Seconds, yes_or_no};

    #[test]
    fn times_are_whole_seconds_up_to_a_day() {
        assert_eq!(Seconds::parse("1"), Ok(Seconds(1)));
        assert_eq!(Seconds::parse("86400"), Ok(Seconds(86_400)));
        assert_eq!(Delay::parse("0"), Ok(Delay(0)));
        for wrong in ["", "0", "86401", "1.5", "+1", "1m", "99999999999"] {
            assert!(Seconds::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_follows_is_one_of_two_words() {
        for word in ["restart", "stop"] {
            assert_eq!(OnReboot::parse(word).map(OnReboot::as_str), Ok(word));
            assert_eq!(OnCrash::parse(word).map(OnCrash::as_str), Ok(word));
        }
        assert!(OnReboot::parse("Restart").is_err() && OnCrash::parse("YES").is_err());
    }

    #[test]
    fn yes_and_no_have_any_case_and_no_other_word_counts() {
        assert_eq!(yes_or_no("Yes"), Ok(true));
        assert_eq!(yes_or_no("NO"), Ok(false));
        assert!(yes_or_no("true").is_err());
    }
}
