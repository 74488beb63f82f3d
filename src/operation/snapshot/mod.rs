//! `snapshot`: takes, lists and destroys snapshots of a VM's disks.

mod delete;
mod list;
mod prune;
mod take;

use super::Operation;
use super::context::{Context, Outcome};
use super::options::DryRunOrFormat;
use super::taken::{chosen, once, volumes};
use super::wanted::Wanted;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{NameError, SnapName, error};
use crate::verb::Verb;
use chrono::NaiveDateTime;
pub use delete::DeleteSnapshot;
pub use prune::{Keep, PruneSnapshots};
pub use take::TakeSnapshot;

/// The version of `--format json`, raised with each change that a reader would notice.
pub(super) const SCHEMA: u32 = 3;

/// Options of `snapshot`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// Only the disk hdN instead of all that are ZFS volumes; with --delete a snapshot of these disks and no others; may be repeated
    #[arg(long = "disk", value_name = "N")]
    pub disks: Vec<u8>,
    /// Destroy this snapshot of all its disks: NAME, @NAME, VOLUME@NAME, or a word or the beginning of its label
    #[arg(long, value_name = "SNAP", conflicts_with_all = ["words", "prune"])]
    pub delete: Option<String>,
    /// Destroy all snapshots that this verb has taken, but of each set of disks the newest N that are complete; and those that clone has taken, of which no clone is left
    #[arg(long, value_name = "keep=N", value_parser = Keep::parse, conflicts_with_all = ["words", "disks"])]
    pub prune: Option<Keep>,
    /// With --delete or --prune, do not ask; SNAP is then a whole name
    #[arg(short = 'f', long, conflicts_with = "words")]
    pub force: bool,
    /// Purpose of the snapshot; without words the snapshots are listed
    #[arg(value_name = "WORD", index = 2)]
    pub words: Vec<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let volumes = volumes(&vm, &context.process.devices, Verb::Snapshot)?;
        let volumes = chosen(&vm, volumes, &self.disks, Verb::Snapshot)?;
        let is_list = self.words.is_empty() && self.delete.is_none() && self.prune.is_none();
        let (wants_json, dry_run) = (self.dry_run.wants_json()?, self.dry_run.into());
        if wants_json && !is_list {
            return Err(Error::usage(
                "--format json is for the list of snapshots, and with -d for the plan",
            ));
        }
        if is_list && self.force {
            return Err(Error::usage("-f is for --delete and --prune"));
        }
        context.need_host(dry_run)?;
        if is_list {
            return list::list(context, &vm, volumes, &self.disks, dry_run, wants_json);
        }
        if let Some(keep) = self.prune {
            let job = PruneSnapshots {
                keep,
                force: self.force,
            };
            return Ok(context.asked(vm, job, dry_run).into());
        }
        if let Some(text) = &self.delete {
            let job = DeleteSnapshot {
                wanted: Wanted::typed(&vm, &volumes, Some(text), &self.disks)?,
                force: self.force,
            };
            return Ok(context.asked(vm, job, dry_run).into());
        }
        let job = TakeSnapshot {
            name: name(context.process.clock.now(), &self.words)?,
            disks: once(&self.disks),
        };
        Ok(context.asked(vm, job, dry_run).into())
    }
}

/// The name of a snapshot of the local time `now`: `_YYYYMMDDHHMM-WORD_WORD`.
///
/// Differs: The words of a snapshot are taken as typed
///
/// # Errors
/// If ZFS does not accept the name.
pub fn name(now: NaiveDateTime, words: &[String]) -> Result<SnapName> {
    let words: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split_ascii_whitespace())
        .collect();
    if words.is_empty() {
        return Err(Error::usage("the words of the snapshot are blank")
            .help("give the purpose of the snapshot, or no words to list the snapshots"));
    }
    let label = words.join("_");
    SnapName::parse(&format!("{}-{label}", Stamp::of(now).as_str()))
        .map_err(|error| Error::usage(error.to_string()))
}

/// The local time in a snapshot's name: `_YYYYMMDDHHMM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    const FORM: &str = "_%Y%m%d%H%M";

    /// This time.
    pub fn of(now: NaiveDateTime) -> Self {
        Self(now.format(Self::FORM).to_string())
    }

    /// Parses the text of [`Self::as_str`].
    ///
    /// # Errors
    /// If it is another text.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let time = NaiveDateTime::parse_from_str(text, Self::FORM);
        let stamp = time.ok().map(Self::of).filter(|stamp| stamp.0 == text);
        stamp.ok_or_else(|| error(format!("\"{text}\" is not a time as _YYYYMMDDHHMM")))
    }

    /// The time with which the name of a snapshot begins, and its label.
    pub fn split(name: &SnapName) -> Option<(Self, &str)> {
        let (stamp, label) = name.as_str().split_once('-')?;
        Some((Self::parse(stamp).ok()?, label))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a temporary run (`boot -T`) has taken a snapshot, by its name.
pub(super) fn is_temporary(name: &SnapName) -> bool {
    Stamp::split(name).is_some_and(|(_, label)| label == TEMPORARY)
}

/// Whether `clone` has taken a snapshot of disks as they were, by its name: see [`CLONE_BASE`].
pub(super) fn is_base(name: &SnapName) -> bool {
    let label = Stamp::split(name).and_then(|(_, label)| label.strip_prefix(CLONE_BASE));
    label.is_some_and(|rest| {
        let number = rest.strip_prefix('_').map(str::parse::<u32>);
        rest.is_empty() || matches!(number, Some(Ok(_)))
    })
}

/// The label of a snapshot that `clone` takes, before `_2`, `_3` and so on.
pub(super) const CLONE_BASE: &str = "clone_base";

/// The label of a snapshot of a temporary run.
pub(super) const TEMPORARY: &str = "temp";
