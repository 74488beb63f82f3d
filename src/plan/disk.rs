//! Makes the first disk of a VM.

use super::{FileChange, Guard, NoReturn, Plan, Refusal, Test, Undo, Wait, When, gone};
use crate::error::Kind;
use crate::model::size::DiskSize;
use crate::model::{Vm, Volume};
use crate::tools::{file, zfs};
use std::path::Path;
use std::time::Duration;

/// Whether a disk's blocks are its own from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// All of them.
    Full,
    /// None of them until they are written.
    Sparse,
}

/// The plan that makes the disk at `path`, the first of `vm`; what exists is never touched. `token`
/// tells the directory of a file that is being made from those of others.
pub fn plan(vm: &Vm, path: &Path, size: &DiskSize, allocation: Allocation, token: &str) -> Plan {
    let mut plan = Plan::default();
    plan.push(Guard {
        test: !Test::Exists(path.to_owned()),
        refusal: exists(path),
    });
    match &vm.volume {
        Volume::Zfs(dataset) => {
            plan.push(zfs::create(dataset, size, allocation == Allocation::Sparse));
            plan.push(Undo {
                forms: vec![gone::volume(dataset).into()],
                when: When::Failure,
                what: dataset.to_string(),
            });
            plan.push(Wait {
                until: Test::Exists(path.to_owned()),
                limit: Duration::from_secs(5),
                every: Duration::from_millis(100),
                refusal: Some(Refusal {
                    kind: Kind::Host,
                    what: format!(
                        "volume {dataset} was made, but {} did not appear within 5 s",
                        path.display()
                    ),
                    help: Some(format!("look at its volmode: zfs get volmode {dataset}")),
                }),
                progress: None,
            });
        }
        Volume::File(path) => {
            // Nothing has its name before it is whole, and then the other one goes.
            let workshop = file::workshop(path, token);
            let unfinished = workshop.join("disk");
            plan.push(FileChange::MakeScratch(workshop.clone()));
            plan.push(Undo {
                forms: vec![FileChange::RemoveScratch(workshop.clone()).into()],
                when: When::End,
                what: workshop.display().to_string(),
            });
            plan.push(file::make_empty(&unfinished));
            plan.push(match allocation {
                // Differs: `-V` without `-s` allocates a file in full
                Allocation::Full => file::make_full(&unfinished, size),
                Allocation::Sparse => file::make_sparse(&unfinished, size),
            });
            plan.push(file::name(&unfinished, path));
        }
    }
    plan.push(NoReturn {
        done: format!("made the disk {}", path.display()),
    });
    plan
}

/// The refusal where there is a disk already.
pub fn exists(path: &Path) -> Refusal {
    Refusal {
        kind: Kind::Host,
        what: format!("disk {} exists already", path.display()),
        help: Some(
            "it is never overwritten or resized; remove it yourself if you mean to".to_owned(),
        ),
    }
}
