//! The clock of the host.

use super::Caller;
use super::system::System;
use std::time::{Duration, Instant};

/// Time: how much has passed, and waiting. Planning may ask and wait, too: neither changes the host.
pub trait Clock {
    /// The time since some moment that stays the same: since boot, in the terms of ps(1).
    fn uptime(&mut self) -> Duration;

    /// Lets time pass.
    fn pause(&mut self, time: Duration);
}

impl Clock for System {
    fn uptime(&mut self) -> Duration {
        // Since boot, so that it goes on while the machine's clock is set.
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
            .map_or(Duration::ZERO, Duration::from)
            .checked_div(self.pace)
            .unwrap_or_default()
    }

    fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let had = self.interrupted();
        // A signal that comes meanwhile ends it; one that has come before does not.
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
