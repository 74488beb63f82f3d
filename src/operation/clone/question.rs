//! The questions of `clone` about labels of snapshots.

use super::MakeClones;
use crate::error::Result;
use crate::host::Look;
use crate::model::Vm;
use crate::model::name::{Dataset, SnapName};
use crate::operation::label;
use crate::operation::refuse::lists_of;
use crate::operation::taken::DiskVolume;
use crate::plan::{Guard, Refusal, Test};
use crate::quote;
use crate::tools::zfs;
use crate::verb::Verb;

/// The question about a snapshot of which only a part of the label was typed.
pub(super) fn by_label(volume: &Dataset, name: &SnapName) -> Guard {
    Guard {
        test: Test::Confirmed {
            question: format!("Clone {volume}@{name}?"),
            otherwise: format!("to clone without the question, name the whole snapshot: @{name}"),
        },
        refusal: Refusal::host("nothing was cloned"),
    }
}

impl MakeClones {
    /// The question of this request for a caller who asks it before the caller's own changes: the root side
    /// does not ask it again.
    pub(super) fn asked_first(
        &mut self,
        look: &mut dyn Look,
        vm: &Vm,
        volume: &Dataset,
        sources: &[DiskVolume],
    ) -> Result<Option<Guard>> {
        if let Some(base) = &mut self.base {
            let name = base.wanted.name().filter(|_| base.is_by_label);
            let question = name.map(|name| by_label(volume, name));
            base.is_by_label = false;
            return Ok(question);
        }
        if !self.may_be_label {
            return Ok(None);
        }
        let sources: Vec<&Dataset> = sources.iter().map(|one| &one.volume).collect();
        let found = lists_of(look, vm, &sources)?;
        let question = found
            .first()
            .and_then(|found| self.label(vm, volume, found));
        self.may_be_label = false;
        Ok(question)
    }

    /// The question whether the first new name, which is a part of the label of a snapshot, is one.
    pub(super) fn label(&self, vm: &Vm, volume: &Dataset, found: &zfs::Volume) -> Option<Guard> {
        let firsts = self.targets.iter().filter(|target| target.number == 0);
        let mut names = firsts.filter_map(|target| target.volume.as_str().rsplit('/').next());
        let first = names.next().filter(|_| self.may_be_label)?;
        let typed = SnapName::parse(first).ok()?;
        let chosen = label::choose(volume, &typed, found).ok()?;
        let others: Vec<&str> = names.collect();
        let otherwise = format!(
            "to clone the snapshot: {} {} {}",
            vm.command(Verb::Clone),
            quote::shown(format!("@{}", chosen.name)),
            others.join(" ")
        );
        Some(Guard {
            test: Test::Confirmed {
                question: format!(
                    "{first} is the label of a snapshot: {volume}@{}\nMake a new VM of the name {first}, too?",
                    chosen.name
                ),
                otherwise: otherwise.clone(),
            },
            refusal: Refusal::host("nothing was cloned").help(otherwise),
        })
    }
}
