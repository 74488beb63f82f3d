//! Bounded waits for a condition.

use std::time::{Duration, Instant};

/// Far longer than anything that a test waits for takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// The time between two looks.
const EVERY: Duration = Duration::from_millis(5);

/// Looks until there is a value; `None` if there is none within the limit.
pub(crate) fn look_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() > LIMIT {
            return None;
        }
        std::thread::sleep(EVERY);
    }
}

/// Waits until there is a value.
///
/// # Panics
/// If there is none within the limit: `what` says for what it was waited.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match look_for(look) {
        Some(found) => found,
        None => panic!("{what}: not within {LIMIT:?}"),
    }
}

/// Waits until something holds.
///
/// # Panics
/// As [`wait_for`].
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}
