//! Encryption: `zfs load-key`, and which key a dataset needs (lib/libzfs/libzfs_crypto.c).

use super::super::Host;
use super::super::call::{Answer, Call};
use super::super::state::State;
use super::name::{self, Types};
use super::usage::{options, wrong};
use super::{denied, refused};

/// The encryption root of a dataset: the nearest ancestor with a key of its own.
pub(super) fn root<'name>(state: &State, dataset: &'name str) -> Option<&'name str> {
    let mut at = Some(dataset);
    while let Some(here) = at {
        if state.datasets.get(here)?.local.contains_key("keyformat") {
            return Some(here);
        }
        at = name::parent(here);
    }
    None
}

/// The refusal of a new dataset below one whose key is not loaded (libzfs_dataset.c, zfs_create); a clone
/// is made.
pub(super) fn check(state: &State, parent: &str, cannot: &str) -> Result<(), Answer> {
    match root(state, parent).filter(|root| state.locked.contains(*root)) {
        Some(_) => Err(refused(
            cannot,
            "encryption root's key is not loaded or provided",
        )),
        None => Ok(()),
    }
}

/// `zfs load-key dataset`; the passphrase is always right.
pub(super) fn load(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, "load-key", "rnL:a", args)?;
    let [dataset] = words.operands.as_slice() else {
        return Err(wrong(
            &host.state,
            "load-key",
            "Missing dataset argument or -a option",
        ));
    };
    name::open(&host.state, dataset, Types::HEADS).map_err(|line| Answer::fail(1, line))?;
    let problem = |text: String| Answer::fail(255, format!("Key load error: {text}"));
    match root(&host.state, dataset) {
        None => return Err(problem(format!("'{dataset}' is not encrypted."))),
        Some(root) if root != dataset => {
            return Err(problem(format!(
                "Keys must be loaded for encryption root of '{dataset}' ({root})."
            )));
        }
        Some(_) if !host.state.locked.contains(dataset) => {
            return Err(problem(format!("Key already loaded for '{dataset}'.")));
        }
        Some(_) => {}
    }
    if let Some(answer) = denied(call, "Key load error") {
        return Err(answer);
    }
    host.state.locked.remove(dataset);
    Ok(Answer::ok())
}
