//! Bounded waits for a condition.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A limit that is reached only by a hang, however busy the machine is.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// The time between two tries.
const EVERY: Duration = Duration::from_millis(5);

/// Tries until there is a value; `None` if there is none within the limit.
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
/// If there is none within the limit; `what` names what the test waits for.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match look_for(look) {
        Some(found) => found,
        None => panic!("{what}: not within {LIMIT:?}"),
    }
}

/// Waits until a condition holds.
///
/// # Panics
/// As [`wait_for`].
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}

/// Runs a command to its end, and to the end of the output of the command and of its children.
///
/// # Panics
/// If the end is not reached within the limit.
#[track_caller]
pub(crate) fn output_of(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = format!("{command:?}");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(command.output().unwrap()));
    let output = receiver.recv_timeout(LIMIT).ok();
    output.unwrap_or_else(|| panic!("the end of {shown}: not within {LIMIT:?}"))
}
