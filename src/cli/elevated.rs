//! A command of easy-bhyve itself, as the caller can run it as root.

use crate::config::{Config, resolve};
use crate::host::Look;
use crate::model::privilege::Elevation;
use crate::process::Process;
use crate::quote;

/// The command with the word of the escalator; none if there is no escalator.
///
/// root may find neither the program nor the configuration by itself.
pub(super) fn command(
    process: &Process,
    config: Option<&Config>,
    look: &mut dyn Look,
    words: &str,
) -> Option<String> {
    let config = config?;
    let choice = resolve::privilege(config);
    let chosen = choice.and_then(|choice| Elevation::choose(choice, process.uid, look));
    let word = chosen.ok().and_then(Elevation::word)?;
    let program = quote::shown(&process.program);
    let config = quote::shown(config.main_file());
    Some(format!("{word} {program} --config {config} {words}"))
}
