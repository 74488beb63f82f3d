//! The timings of a start (`--timings`): its phases by the clock of the host, which the caller and the
//! root side share.

use super::Request;
use super::context::json;
use super::options::Format;
use crate::error::Result;
use crate::model::name::{NameError, VmName, error};
use crate::run::{Output, not_written};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A request for the timings of a start, with what the caller has measured; times are since the host's
/// boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// The format in which they are shown.
    pub format: Format,
    /// When the caller began.
    pub began: Duration,
    /// When the caller called the root side.
    pub called: Duration,
}

impl Timings {
    /// The value of the word in a request, in microseconds: `text:BEGAN:CALLED`.
    pub fn word(self) -> String {
        let format = self.format.as_str();
        let [began, called] = [self.began, self.called].map(|time| time.as_micros());
        format!("{format}:{began}:{called}")
    }

    /// Parses the value of a word.
    ///
    /// # Errors
    /// If [`Self::word`] does not write such a value.
    pub fn parse(word: &str) -> Result<Self, NameError> {
        let parsed = || {
            let (format, times) = word.split_once(':')?;
            let (began, called) = times.split_once(':')?;
            let time = |text: &str| text.parse().ok().map(Duration::from_micros);
            Some(Self {
                format: Format::parse(format)?,
                began: time(began)?,
                called: time(called)?,
            })
        };
        parsed().ok_or_else(|| error(format!("{word} has no format and two times")))
    }
}

/// A phase of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The caller reads the configuration, queries the host and makes the plan.
    Plan,
    /// The root side is started: the time of the escalator, with its question for a password.
    Escalation,
    /// The root side ends the VM that runs.
    Ending,
    /// The root side waits for its locks, and sets up modules, bridges and taps.
    Network,
    /// The loader loads the guest.
    Loader,
    /// bhyve(8) is started, until its title is seen.
    Start,
}

impl Part {
    /// The name, in both formats.
    fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Escalation => "escalation",
            Self::Ending => "ending",
            Self::Network => "network",
            Self::Loader => "loader",
            Self::Start => "start",
        }
    }
}

/// Measures the phases of a start, each of which ends when the next one begins.
#[derive(Clone, Debug)]
pub struct Stopwatch(Vec<(Part, Duration)>);

impl Stopwatch {
    /// Begins with the phases that the caller has measured.
    pub fn new(timings: Timings) -> Self {
        Self(vec![
            (Part::Plan, timings.began),
            (Part::Escalation, timings.called),
        ])
    }

    /// Begins a phase, except one of a further round of the guest.
    pub fn begin(&mut self, part: Part, now: Duration) {
        if self.0.iter().all(|(other, _)| *other != part) {
            self.0.push((part, now));
        }
    }

    /// Ends the last phase.
    pub fn stop(self, now: Duration) -> Took {
        let begins = self.0.iter().map(|(_, began)| *began);
        let ends = begins.skip(1).chain([now]);
        let lengths = self.0.iter().zip(ends).map(|((part, began), end)| {
            let length = end.saturating_sub(*began).as_micros();
            (*part, u64::try_from(length).unwrap_or(u64::MAX))
        });
        Took(lengths.collect())
    }
}

/// How long each phase of a start took, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took(Vec<(Part, u64)>);

/// The timings as `--format json` shows them.
#[derive(Debug, Serialize)]
struct Shown<'vm> {
    schema: u32,
    vm: &'vm VmName,
    phases: Vec<ShownPart>,
    total_us: u64,
}

#[derive(Debug, Serialize)]
struct ShownPart {
    phase: Part,
    us: u64,
}

impl Took {
    /// The version of `--format json`, raised with each change that a reader would notice.
    const SCHEMA: u32 = 1;

    /// Writes the timings to standard output, in the format of the request.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, request: &Request, output: &mut Output<'_>) -> Result<()> {
        let Some(timings) = request.timings else {
            return Ok(());
        };
        let text = self.show(&request.vm()?.name, timings.format)?;
        let written = output.out.write_all(text.as_bytes());
        let written = written.and_then(|()| output.out.flush());
        written.map_err(not_written)
    }

    /// The timings in this format: a table in milliseconds, or JSON in microseconds.
    ///
    /// # Errors
    /// If they have no form in JSON.
    fn show(&self, vm: &VmName, format: Format) -> Result<String> {
        let total = self.0.iter().map(|(_, time)| *time);
        let total = total.fold(0, u64::saturating_add);
        if format == Format::Json {
            let phases = self.0.iter();
            let phases = phases.map(|&(phase, us)| ShownPart { phase, us });
            return json(&Shown {
                schema: Self::SCHEMA,
                vm,
                phases: phases.collect(),
                total_us: total,
            });
        }
        let rows = self.0.iter().map(|(part, time)| (part.as_str(), *time));
        let lines = rows.chain([("total", total)]).map(|(name, time)| {
            let (whole, tenth) = (time / 1000, time / 100 % 10);
            format!("{name:<10}  {whole:>7}.{tenth} ms\n")
        });
        Ok(lines.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Stopwatch, Timings};
    use crate::model::name::VmName;
    use crate::operation::options::Format;
    use std::time::Duration;

    const TIMINGS: Timings = Timings {
        format: Format::Json,
        began: Duration::from_millis(1),
        called: Duration::from_micros(4_250),
    };

    #[test]
    fn a_word_is_parsed_as_it_was_written() {
        assert_eq!(TIMINGS.word(), "json:1000:4250");
        assert_eq!(Timings::parse("json:1000:4250"), Ok(TIMINGS));
        for wrong in ["", "json", "json:1", "sh:1:2", "json:1:-2", "json:1:2:3"] {
            assert!(Timings::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_phases_are_those_of_the_first_round_and_add_up() {
        let mut watch = Stopwatch::new(TIMINGS);
        let at = |micros| Duration::from_micros(micros);
        watch.begin(Part::Network, at(1_004_250));
        watch.begin(Part::Loader, at(1_004_300));
        watch.begin(Part::Start, at(1_104_300));
        watch.begin(Part::Loader, at(9_000_000));
        let took = watch.stop(at(1_204_999));
        let vm = VmName::parse("deb0").unwrap();
        let text = "plan              3.2 ms\n\
                    escalation     1000.0 ms\n\
                    network           0.0 ms\n\
                    loader          100.0 ms\n\
                    start           100.6 ms\n\
                    total          1203.9 ms\n";
        assert_eq!(took.show(&vm, Format::Text).unwrap(), text);
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_negative_time() {
        let took = Stopwatch::new(TIMINGS).stop(Duration::ZERO);
        let vm = VmName::parse("deb0").unwrap();
        let text = took.show(&vm, Format::Json).unwrap();
        assert!(text.contains("\"total_us\": 3250"), "{text}");
    }
}
