//! The clock of the host.

use super::Caller;
use super::system::System;
use std::time::{Duration, Instant};

/// The clock, and waiting. Available to planning, because neither changes the host.
pub trait Clock {
    /// The time since boot, as in ps(1).
    fn uptime(&mut self) -> Duration;

    /// Waits for a duration, or until a signal arrives.
    fn pause(&mut self, time: Duration);
}

impl Clock for System {
    fn uptime(&mut self) -> Duration {
        // Independent of changes to the time of day.
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
            .map_or(Duration::ZERO, Duration::from)
            .checked_div(self.pace)
            .unwrap_or_default()
    }

    fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let had = self.interrupted();
        // A signal during the pause ends the pause; an earlier signal does not.
        while Instant::now() < end && self.interrupted() == had {
            if self.sleep(&[], Some(end), false).is_err() {
                std::thread::sleep(end.saturating_duration_since(Instant::now()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, System};
    use std::time::{Duration, Instant};

    #[test]
    fn a_pause_lasts_as_long_as_it_is_to() {
        let mut host = System::new("/bin", "/nonexistent", "/nonexistent");
        let (time, began) = (Duration::from_millis(20), Instant::now());
        host.pause(time);
        assert!(began.elapsed() >= time);
    }
}
