//! `resources`: every resolved setting, and with `-V` the VM's first disk.

mod shown;

use super::context::{Asked, CallersPlan, Context, Outcome, json};
use super::gone;
use super::options::{DryRunOrFormat, Override};
use super::plan_context::PlanContext;
use super::refuse::media::{Medium, There, look_for, refuse_everybodys};
use super::resize::disk_of;
use super::wire::{self, Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob, zvol};
use crate::config::resolve::Wanted;
use crate::config::resolve::origin::origins;
use crate::config::settings::Need;
use crate::config::settings_text;
use crate::config::{lint, unsilenced};
use crate::error::{Error, Result};
use crate::model::device::{Disk, disk_number};
use crate::model::name::Dataset;
use crate::model::size::DiskSize;
use crate::model::{Vm, Volume};
use crate::plan::{Action, FileChange, Guard, NoReturn, Plan, Refusal, Step, Test, Undo, When};
use crate::process::Process;
use crate::quote;
use crate::survey;
use crate::tools::{file, zfs};
use crate::vis;
use shown::{comments, derived_addresses, document, pairs, shown, shown_with};
use std::path::Path;

/// Options of `resources`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// Show all settings, including defaults
    #[arg(short = 'a', long)]
    pub all: bool,
    /// Show where each value comes from, too
    #[arg(long)]
    pub origin: bool,
    /// First make the VM's disk of this size
    #[arg(short = 'V', long, value_name = "SIZE", value_parser = DiskSize::parse)]
    pub size: Option<DiskSize>,
    /// With -V, allocate blocks only when they are written
    #[arg(short = 's', long, requires = "size")]
    pub sparse: bool,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}

impl Operation for Args {
    const NEED: Need = Need::Settings;

    fn given(&self) -> Option<&Override> {
        Some(&self.with)
    }

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let mut settings =
            settings_text::lines(&vm, context.process.host(), &context.process.devices);
        settings.retain(|line| self.all || !line.is_usual);
        let origins = self.origin.then(|| {
            let wanted = Wanted {
                cpu: self.with.cpu.clone(),
                mem: self.with.mem.clone(),
                ..context.wanted(Self::NEED)
            };
            let names = settings.iter().map(|line| line.name.as_str());
            origins(context.config, &vm, &wanted, names)
        });
        let derived = derived_addresses(&vm);
        let notes = unlocked_note(&vm).into_iter().collect();
        let mut text = match (self.dry_run.wants_json()?, origins) {
            (false, None) => shown(&settings),
            (false, Some(origins)) => shown_with(&settings, &origins),
            (true, None) => json(&pairs(&settings, &derived))?.into_bytes(),
            (true, Some(origins)) => json(&document(&settings, origins))?.into_bytes(),
        };
        if self.all && !self.dry_run.wants_json()? {
            text.extend(comments(&derived));
        }
        let found = lint::of_vm(context.config, vm.name.as_str());
        let warnings = unsilenced(context.config, found);
        let show = Plan::new(vec![Step::from(Action::Print(text)).into()]);
        let Some(size) = &self.size else {
            return Ok(Outcome::Plan(CallersPlan {
                plan: show,
                dry_run: self.dry_run.into(),
                warnings,
                notes,
                ..CallersPlan::default()
            }));
        };
        context.need_host(self.dry_run.into())?;
        let job = MakeDisk {
            number: 0,
            size: size.clone(),
            allocation: if self.sparse {
                Allocation::Sparse
            } else {
                Allocation::Full
            },
        };
        Ok(Asked {
            warnings,
            notes,
            after: show,
            ..context.asked(vm, job, self.dry_run.into())
        }
        .into())
    }
}

/// The note about devices that no lock keeps apart from other VMs.
fn unlocked_note(vm: &Vm) -> Option<String> {
    let args = vm.bhyve_args.as_ref()?;
    args.has_device()
        .then(|| "the devices in bhyve_args are not locked against other VMs".to_owned())
}

/// When the blocks of a disk are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// All at the beginning.
    Full,
    /// Each when it is written.
    Sparse,
}

/// Makes a disk of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MakeDisk {
    /// Its number.
    pub number: u8,
    /// Its size.
    pub size: DiskSize,
    /// When its blocks are allocated.
    pub allocation: Allocation,
}

impl RootJob for MakeDisk {
    const VERB: &'static str = "resources";
    const DOES: &'static str = "is being given a disk";
    const STAYS: Option<&'static str> = Some("the disk was created, and is kept");

    fn locks(&self) -> Locks {
        match self.number {
            0 => Locks::VmAndNewDisk(0),
            // A VM that runs has the disks that it was started with.
            further => Locks::NewDisk(further),
        }
    }

    fn write(&self, words: &mut Words) {
        if self.number > 0 {
            words.add("disk", &self.number.to_string());
        }
        words.add("size", self.size.as_str());
        words.flag("sparse", self.allocation == Allocation::Sparse);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let size = wire::needed("size", options.parsed("size", DiskSize::parse)?)?;
        let allocation = if options.flag("sparse")? {
            Allocation::Sparse
        } else {
            Allocation::Full
        };
        Ok(Self {
            number: options.parsed("disk", disk_number)?.unwrap_or_default(),
            size,
            allocation,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let disk = disk_of(vm, self.number)?;
        let volume = disk.volume(context.devices());
        if matches!(&volume, Volume::File(path) if path.starts_with(context.devices())) {
            return Err(Error::state(format!(
                "{} is a device and cannot be created",
                disk.path.display()
            ))
            .at(disk.origin));
        }
        let mut notes = Vec::new();
        if context.is_freebsd {
            match look_for(context, &disk.path)? {
                There::Nothing | There::Hidden => {}
                There::Something => {
                    return Err(Error::from(&exists(&disk.path)).at(disk.origin));
                }
                There::Dangling(target) => {
                    return Err(Medium::from(disk).dangling(&target).help(format!(
                        "remove the link, or set {}_hd{} to the path of the new disk",
                        vm.name, disk.number
                    )));
                }
            }
            match &volume {
                Volume::Zfs(dataset) => refuse_dataset(context, disk, dataset)?,
                Volume::File(path) => {
                    refuse_directory(context, path, disk)?;
                    notes = unfinished(context, path);
                }
            }
        }
        Ok(Planned {
            plan: plan(
                &volume,
                &disk.path,
                &self.size,
                self.allocation,
                context.process,
            ),
            notes,
            done: Some(self.made(&volume)),
            ..Planned::default()
        })
    }
}

impl MakeDisk {
    /// The message about the new disk.
    fn made(&self, volume: &Volume) -> String {
        let size = self.size.as_str();
        let how = match self.allocation {
            Allocation::Full => "",
            Allocation::Sparse => ", sparse",
        };
        match volume {
            Volume::Zfs(dataset) => format!("made the volume {dataset} of {size}{how}"),
            Volume::File(path) => format!("made the file {} of {size}{how}", vis::shown(path)),
        }
    }
}

/// Refuses if the parent is missing, or the volume exists without a device node.
fn refuse_dataset(context: &mut PlanContext<'_>, disk: &Disk, dataset: &Dataset) -> Result<()> {
    let origin = disk.origin;
    let Some(parent) = dataset.parent() else {
        return Err(Error::config(format!("{dataset} is a pool, not a volume")).at(origin));
    };
    match survey::try_answer(context.look, &zfs::children(&parent))? {
        Ok(names) if names.lines().any(|name| name == dataset.as_str()) => {
            let devices = &context.process.devices;
            let path = zfs::node::of(devices, dataset);
            let error = zvol::without_node(context.look, devices, &path);
            let error = error.unwrap_or_else(|| Error::host(format!("{dataset} already exists")));
            Err(error.at(origin))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            let mut missing =
                Error::host(format!("ZFS dataset {parent} cannot contain the disk")).at(origin);
            missing.notes = error.notes;
            Err(missing.help(format!(
                "create it as root: zfs create -o mountpoint=none {}",
                quote::shown(&parent)
            )))
        }
    }
}

fn refuse_directory(context: &mut PlanContext<'_>, path: &Path, disk: &Disk) -> Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let origin = disk.origin;
    match look_for(context, parent)? {
        There::Something => return refuse_everybodys(context, parent, "creates", origin),
        There::Hidden => return Ok(()),
        _ => {}
    }
    Err(
        Error::host(format!("directory {} does not exist", parent.display()))
            .at(origin)
            .help(format!("create it as root: mkdir {}", quote::shown(parent))),
    )
}

/// Notes about unfinished disks of other runs in the directory of this path.
fn unfinished(context: &mut PlanContext<'_>, path: &Path) -> Vec<String> {
    let parent = path.parent().unwrap_or(path);
    let names = context.look.names_in(parent).unwrap_or_default();
    let others = names.iter().filter(|name| file::is_workshop(name, path));
    let left = others.map(|name| parent.join(name)).map(|left| {
        format!(
            "{} is a leftover of an unfinished disk, unless another run is creating it now; \
             remove it as root: rm -r {}",
            left.display(),
            quote::shown(&left)
        )
    });
    left.collect()
}

/// The plan that makes the disk at `path`; an existing file is not changed.
fn plan(
    volume: &Volume,
    path: &Path,
    size: &DiskSize,
    allocation: Allocation,
    process: &Process,
) -> Plan {
    let mut plan = Plan::default();
    plan.push(Guard {
        test: !Test::Exists(path.to_owned()),
        refusal: exists(path),
    });
    match volume {
        Volume::Zfs(dataset) => {
            plan.push(zfs::create(dataset, size, allocation == Allocation::Sparse));
            plan.push(Undo::by(gone::volume(dataset), When::Failure, dataset));
            plan.push(zvol::wait(&process.devices, dataset));
        }
        Volume::File(path) => {
            // The complete file is linked to its name; then its temporary name is removed.
            let workshop = file::workshop(path, &process.token);
            let unfinished = workshop.join("disk");
            plan.push(FileChange::MakeScratch(workshop.clone()));
            let remove = FileChange::RemoveScratch(workshop.clone());
            plan.push(Undo::by(remove, When::End, &workshop.display()));
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
        done: format!("created the disk {}", path.display()),
    });
    plan
}

/// The refusal of a disk that already exists.
fn exists(path: &Path) -> Refusal {
    Refusal::host(format!("disk {} already exists", path.display()))
        .help("a disk is never overwritten or resized; to replace it, remove it first")
}
