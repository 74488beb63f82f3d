//! `resize`: makes a disk of a VM larger.

use super::context::{Context, Outcome, rivals};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::media::{Medium, There, look_for, refuse_everybodys};
use super::refuse::refuse_protected;
use super::refuse::state::stopped;
use super::wire::{self, Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob, guest};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::Look;
use crate::host::identity::Identity;
use crate::model::device::{Disk, disk_number};
use crate::model::name::Dataset;
use crate::model::size::{DiskSize, exact, short};
use crate::model::{Vm, Volume};
use crate::plan::{Guard, NoReturn, Plan, Refusal};
use crate::survey::record::Record;
use crate::survey::{self, Processes, State, Traces};
use crate::tools::file;
use crate::tools::zfs::volume::{self, Sizes};
use crate::verb::Verb;
use crate::{quote, vis};
use std::fmt::Display;
use std::path::Path;

/// Options of `resize`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Also while the VM runs
    #[arg(short = 'f', long)]
    pub force: bool,
    /// The number of the disk: 0 for hd0
    #[arg(long, value_name = "N", default_value = "0", value_parser = disk_number)]
    pub disk: u8,
    /// The new size, for example 40G; a disk never becomes smaller
    #[arg(value_name = "SIZE", index = 2, value_parser = DiskSize::parse)]
    pub size: DiskSize,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        refuse_protected(&vm)?;
        disk_of(&vm, self.disk)?;
        context.need_host(self.dry_run)?;
        let rivals = rivals(context, &vm)?;
        let job = Resize {
            number: self.disk,
            size: self.size,
            force: self.force,
        };
        Ok(context
            .asked(vm, job, self.dry_run)
            .with_rivals(rivals)
            .into())
    }
}

/// The disk of this number.
///
/// # Errors
/// If the VM has no such disk; the error names those that it has.
pub(crate) fn disk_of(vm: &Vm, number: u8) -> Result<&Disk> {
    let found = vm.disks.iter().find(|disk| disk.number == number);
    found.ok_or_else(|| {
        let disks = vm.disks.iter();
        let known: Vec<String> = disks.map(|disk| format!("hd{}", disk.number)).collect();
        Error::usage(format!("{} has no hd{number}", vm.name))
            .note(format!("its disks: {}", known.join(", ")))
    })
}

/// Makes a disk larger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The number of the disk.
    pub number: u8,
    /// The new size.
    pub size: DiskSize,
    /// Whether the VM may run.
    pub force: bool,
}

impl RootJob for Resize {
    const VERB: &'static str = "resize";
    const DOES: &'static str = "has a disk resized";

    fn locks(&self) -> Locks {
        if self.force {
            Locks::Size(self.number)
        } else {
            Locks::VmAndSize(self.number)
        }
    }

    fn while_it_runs(&self, vm: &Vm) -> Option<String> {
        Some(self.by_force(vm))
    }

    fn write(&self, words: &mut Words) {
        words.add("disk", &self.number.to_string());
        words.add("size", self.size.as_str());
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self {
            number: wire::needed("disk", options.parsed("disk", disk_number)?)?,
            size: wire::needed("size", options.parsed("size", DiskSize::parse)?)?,
            force: options.flag("force")?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        refuse_protected(vm)?;
        let disk = disk_of(vm, self.number)?;
        let mut plan = Plan::default();
        let is_running = if self.force {
            is_running(context, vm)?
        } else {
            let stopped = stopped(context, vm, &request.rivals);
            plan.push(stopped.map_err(|error| error.help(self.by_force(vm)))?);
            Some(false)
        };
        let growth = match disk.volume(context.devices()) {
            Volume::Zfs(dataset) => self.of_volume(context, vm, &dataset)?,
            Volume::File(path) => self.of_file(context, vm, disk, &path)?,
        };
        let Some(growth) = growth else {
            let done = format!("hd{} of {} has this size already", self.number, vm.name);
            return Ok(Planned {
                done: Some(done),
                ..Planned::default()
            });
        };
        plan.append(growth.plan);
        let grown = match growth.was {
            Some(was) => format!(
                "hd{} of {} has grown from {} to {}",
                self.number,
                vm.name,
                exact(was),
                exact(growth.will_be)
            ),
            None => format!(
                "hd{} of {} has grown to {}",
                self.number,
                vm.name,
                exact(growth.will_be)
            ),
        };
        plan.push(NoReturn {
            done: grown.clone(),
        });
        let mut done = vec![grown];
        done.extend(growth.also.map(str::to_owned));
        if is_running == Some(true) {
            done.extend(self.until_end(context, vm, disk));
        }
        done.push(guest::sees_size(vm, disk, is_running));
        done.push(guest::grow(vm, disk));
        Ok(Planned {
            plan,
            notes: growth.notes,
            done: Some(done.join("\n")),
            reserved: growth.reserved,
            ..Planned::default()
        })
    }
}

/// Whether the VM runs, if that can be determined.
fn is_running(context: &mut PlanContext<'_>, vm: &Vm) -> Result<Option<bool>> {
    if !context.is_freebsd {
        return Ok(None);
    }
    let (at, look) = context.asking();
    let traces = Traces::ask(look, &at)?;
    if !traces.has(vm.name.as_str()) {
        return Ok(Some(false));
    }
    let processes = Processes::ask(look, &at, &traces)?;
    Ok(match processes.state(vm.name.as_str(), &traces) {
        State::Busy(..) => Some(true),
        State::Stopped | State::LeftOver => Some(false),
        State::Unknown => None,
    })
}

/// The change of a size.
struct Growth {
    plan: Plan,
    /// The size before, in bytes, if the host can be asked.
    was: Option<u64>,
    /// The size after, in bytes.
    will_be: u64,
    notes: Vec<String>,
    /// What else has changed: a sentence.
    also: Option<&'static str>,
    /// The volume, if the pool reserves something for it.
    reserved: Option<Dataset>,
}

/// What the pool reserves for a volume that has grown: ZFS decides whether the reservation grows, too.
pub(crate) fn reservation(look: &mut dyn Look, volume: &Dataset) -> String {
    let answer = survey::answer(look, &volume::sizes(volume)).ok();
    match answer.and_then(|answer| Sizes::parse(&answer)) {
        Some(sizes) => format!(
            "the pool reserves {} for {volume} now",
            short(sizes.refreservation)
        ),
        None => format!("could not determine what the pool reserves for {volume} now"),
    }
}

/// The refusal of a disk that has not the size for which the plan was made.
fn changed(disk: &dyn Display) -> Refusal {
    Refusal::state(format!("the size of {disk} has changed meanwhile"))
        .help("repeat the command, which looks at the size again")
}

/// The note about a disk that is larger than the pool or the file system that holds it: a sparse one may be.
fn too_large(holder: &str, bytes: u64, room: Option<u64>) -> Option<String> {
    let room = room.filter(|room| bytes > *room)?;
    Some(format!(
        "{} is more than {holder} can hold, {}: the guest gets errors when {holder} is full, and no disk becomes smaller again",
        exact(bytes),
        short(room)
    ))
}

impl Resize {
    /// The change of a volume; none if it has the size.
    fn of_volume(
        &self,
        context: &mut PlanContext<'_>,
        vm: &Vm,
        dataset: &Dataset,
    ) -> Result<Option<Growth>> {
        let mut growth = Growth {
            plan: Plan::default(),
            was: None,
            will_be: self.size.bytes(),
            notes: Vec::new(),
            also: None,
            reserved: None,
        };
        if context.is_freebsd {
            let question = volume::sizes(dataset).works_for(vm);
            let answer = survey::answer(context.look, &question)?;
            let none = || Error::host(format!("{dataset} has no size: it is not a ZFS volume"));
            let sizes = Sizes::parse(&answer).ok_or_else(none)?;
            growth.will_be = sizes.rounded(self.size.bytes());
            if !self.is_larger(vm, sizes.volsize, growth.will_be)? {
                return Ok(None);
            }
            growth.was = Some(sizes.volsize);
            growth.plan.push(Guard {
                test: volume::has_size(dataset, sizes.volsize),
                refusal: changed(dataset),
            });
            growth.reserved = (sizes.refreservation > 0).then(|| dataset.clone());
            let question = volume::room(dataset).works_for(vm);
            let room = volume::parse_room(&survey::answer(context.look, &question)?);
            // ZFS refuses what it would have to reserve.
            let room = room.filter(|_| sizes.refreservation < sizes.volsize);
            let holder = format!("the pool {}", dataset.pool());
            let warning = too_large(&holder, growth.will_be, room);
            growth.notes.extend(warning);
            if sizes.is_partly_reserved() {
                growth.notes.push(format!(
                    "the pool reserves {} for {dataset}, which is not its whole size; this stays; to reserve all: zfs set refreservation=auto {}",
                    exact(sizes.refreservation),
                    quote::shown(dataset)
                ));
            }
        }
        let set = volume::set_size(dataset, growth.will_be).works_for(vm);
        growth.plan.push(set);
        Ok(Some(growth))
    }

    /// The change of an image file; none if it has the size.
    fn of_file(
        &self,
        context: &mut PlanContext<'_>,
        vm: &Vm,
        disk: &Disk,
        path: &Path,
    ) -> Result<Option<Growth>> {
        let unknown = || {
            let path = vis::shown(path);
            Error::host(format!("could not determine the size of {path}")).at(disk.origin)
        };
        if !context.is_freebsd {
            return Err(unknown().note("this host is not FreeBSD"));
        }
        let medium = Medium::from(disk);
        match look_for(context, path)? {
            There::Something => {}
            There::Hidden => return Err(unknown().note("its directory is closed").hidden()),
            There::Nothing => return Err(medium.missing(vm)),
            There::Dangling(target) => return Err(medium.dangling(&target)),
        }
        let about = context.look.about(path);
        let about = about.map_err(|error| unknown().note(error.to_string()))?;
        if matches!(about.identity, Identity::Device(_)) {
            return Err(Error::state(format!(
                "{} is a device, whose size easy-bhyve cannot change",
                vis::shown(path)
            ))
            .at(disk.origin));
        }
        if let Some(directory) = path.parent() {
            refuse_everybodys(context, directory, "changes", disk.origin)?;
        }
        let will_be = self.size.bytes();
        if !self.is_larger(vm, about.size, will_be)? {
            return Ok(None);
        }
        let mut plan = Plan::default();
        plan.push(Guard {
            test: file::has_size(path, about.size),
            refusal: changed(&vis::shown(path)),
        });
        plan.push(file::grow(path, will_be.saturating_sub(about.size)));
        Ok(Some(Growth {
            plan,
            was: Some(about.size),
            will_be,
            notes: too_large("the file system", will_be, Some(about.room))
                .into_iter()
                .collect(),
            also: Some("the new part of the file takes space only when the guest writes to it"),
            reserved: None,
        }))
    }

    /// Whether a disk grows, and has not the size already.
    ///
    /// # Errors
    /// If it would become smaller.
    fn is_larger(&self, vm: &Vm, was: u64, will_be: u64) -> Result<bool> {
        if will_be < was {
            return Err(Error::usage(format!(
                "hd{} of {} has {}, and {} is smaller: a disk never becomes smaller",
                self.number,
                vm.name,
                exact(was),
                exact(will_be)
            ))
            .note("the guest would lose what is at the end of the disk"));
        }
        Ok(will_be > was)
    }

    /// What a temporary run means for the new size: its end rolls the disk back.
    fn until_end(&self, context: &mut PlanContext<'_>, vm: &Vm, disk: &Disk) -> Option<String> {
        let Volume::Zfs(volume) = disk.volume(context.devices()) else {
            return None;
        };
        if !context.is_freebsd {
            return None;
        }
        let (at, look) = context.asking();
        let noted = Record::of(look, at.run, &vm.name)?;
        let snapshot = noted.temp.iter().find(|one| {
            let of = one.split_once('@').map(|(of, _)| of);
            of == Some(volume.as_str())
        })?;
        Some(format!(
            "if {} was started with -T, its end rolls hd{} back to {snapshot}, and to the old size",
            vm.name, self.number
        ))
    }

    /// The command for a VM that runs.
    fn by_force(&self, vm: &Vm) -> String {
        let disk = match self.number {
            0 => String::new(),
            number => format!(" --disk {number}"),
        };
        format!(
            "to resize the disk while the VM runs: {} -f{disk} {}",
            vm.command(Verb::Resize),
            self.size.as_str()
        )
    }
}
