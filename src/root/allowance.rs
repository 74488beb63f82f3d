//! A rate limit for the logged output of a child: excess lines are dropped and counted.

use std::time::Duration;

/// The most bytes that are logged at once.
const MOST: u64 = 32 * 1024;
/// The average rate at which excess output is logged, in bytes per second.
const RATE: u64 = 1024;
/// The room at which excess output is logged again, in bytes: consecutive lines are more useful than
/// single lines.
const ENOUGH: u64 = MOST / 4;
/// The cost of a line in addition to its text, in bytes: the timestamp.
const TIME: u64 = 20;

/// The amount of output that may be logged.
#[derive(Debug)]
pub(super) struct Allowance {
    room: u64,
    /// The host's uptime when `room` was computed.
    since: Duration,
    dropped: Dropped,
}

/// The output that was not logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dropped {
    lines: u64,
    bytes: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            room: MOST,
            since: Duration::ZERO,
            dropped: Dropped::default(),
        }
    }
}

impl Allowance {
    /// A line about the output dropped before `lines`, and the first part of `lines` that may be
    /// logged now; the rest is dropped.
    pub(super) fn of<'text>(
        &mut self,
        lines: &'text str,
        now: Duration,
    ) -> (Option<String>, &'text str) {
        self.grow(now);
        let (mut told, mut kept) = (None, 0);
        if self.dropped == Dropped::default() || self.room >= ENOUGH {
            told = self.told();
            for line in lines.split_inclusive('\n') {
                let cost = bytes(line) + TIME;
                if cost > self.room {
                    break;
                }
                self.room -= cost;
                kept += line.len();
            }
        }
        let (kept, dropped) = lines.split_at_checked(kept).unwrap_or((lines, ""));
        self.dropped.lines += u64::try_from(dropped.lines().count()).unwrap_or(u64::MAX);
        self.dropped.bytes += bytes(dropped);
        (told, kept)
    }

    /// A line about the output dropped since the previous such line; `None` if nothing was dropped.
    pub(super) fn told(&mut self) -> Option<String> {
        let Dropped { lines, bytes } = std::mem::take(&mut self.dropped);
        (lines > 0).then(|| format!("… {lines} lines ({bytes} bytes) were dropped"))
    }

    fn grow(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since);
        let grown = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let grown = grown.saturating_mul(RATE) / 1000;
        if grown > 0 {
            self.room = self.room.saturating_add(grown).min(MOST);
            self.since = now;
        }
    }
}

fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Allowance, ENOUGH, MOST, RATE, TIME};
    use std::time::Duration;

    #[test]
    fn a_flood_is_cut_off_counted_and_logged_again_once_there_is_room() {
        let mut allowance = Allowance::default();
        let now = Duration::from_secs(1_000_000);
        let line = "x".repeat(79) + "\n";
        let flood = line.repeat(1000);
        let fitting = usize::try_from(MOST / (80 + TIME)).unwrap();
        let (told, kept) = allowance.of(&flood, now);
        assert_eq!((told, kept), (None, line.repeat(fitting).as_str()));
        // A single line waits until there is room for the beginning of a flood.
        let nearly = Duration::from_secs(ENOUGH / RATE - 1);
        assert_eq!(allowance.of(&line, now + nearly), (None, ""));
        let lines = 1000 - fitting + 1;
        let told = format!("… {lines} lines ({} bytes) were dropped", lines * 80);
        assert_eq!(
            allowance.of(&line, now + nearly + Duration::from_secs(1)),
            (Some(told), line.as_str())
        );
        assert_eq!(allowance.told(), None);
    }

    #[test]
    fn what_is_said_in_its_time_is_logged_whole() {
        let mut allowance = Allowance::default();
        for second in 0..10_000 {
            let line = format!("{}\n", "x".repeat(900));
            let now = Duration::from_secs(second);
            assert_eq!(allowance.of(&line, now), (None, line.as_str()));
        }
    }

    #[test]
    fn short_lines_cost_what_they_take_in_the_log() {
        let mut allowance = Allowance::default();
        let flood = "\n".repeat(100_000);
        let (_, kept) = allowance.of(&flood, Duration::ZERO);
        let logged = u64::try_from(kept.len()).unwrap() * (1 + TIME);
        assert!(logged <= MOST && logged > MOST - 2 * TIME, "{logged}");
    }
}
