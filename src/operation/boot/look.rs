//! A look at what grub is to start from, before grub is started: on nmdm(4) a grub without a menu waits at
//! a prompt that nobody sees, until the time limit of the loader.

use super::loader::Source;
use crate::error::{Error, Result};
use crate::inspect::judge::{self, Answer};
use crate::inspect::report::Report;
use crate::inspect::start::{self, Certainty, Fault, Start, Wanted};
use crate::model::Vm;
use crate::model::loader::{BootPart, Grub, GrubDir, Loader};
use crate::operation::plan_context::PlanContext;
use crate::verb::Verb;
use crate::vis;
use std::io::{self, ErrorKind};
use std::path::Path;

/// A VM whose partition and directory for grub are found, with notes.
pub(in crate::operation) struct Looked {
    /// The VM.
    pub vm: Vm,
    /// The notes.
    pub notes: Vec<String>,
}

/// What grub starts from.
struct Medium<'vm> {
    vm: &'vm Vm,
    grub: &'vm Grub,
    path: &'vm Path,
    source: Source,
    part: BootPart,
    directory: GrubDir,
}

/// Looks at the disk, or for an installation at the ISO image, from which grub starts a VM; `runs`: the
/// guest still runs, and may write what is missing.
///
/// Differs: A partition from which grub cannot start is refused, and `auto` finds one
///
/// # Errors
/// If grub surely finds no menu there, or `auto` finds no partition. The error is hidden if only root
/// may read the disk.
pub(in crate::operation) fn begin(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    source: Source,
    runs: bool,
) -> Result<Looked> {
    let unchanged = Looked {
        vm: vm.clone(),
        notes: Vec::new(),
    };
    let Some(medium) = Medium::of(vm, source) else {
        return Ok(unchanged);
    };
    let is_auto = medium.part.is_auto() || medium.directory.is_auto();
    if !is_auto && !medium.needs_menu() {
        return Ok(medium.started(medium.usual(), Vec::new()));
    }
    if !context.is_freebsd {
        let assumed = medium.usual();
        let note = format!(
            "at a start, what is on {} decides where grub begins: {} and {} are assumed",
            vis::shown(&medium.path),
            assumed.part,
            assumed.directory
        );
        return Ok(medium.started(assumed, is_auto.then_some(note).into_iter().collect()));
    }
    let further = Some(medium.directory.as_str()).filter(|_| !medium.directory.is_auto());
    let report = match context.look.inspect(medium.path, further) {
        Ok(report) => report,
        Err(error) if is_auto => return Err(medium.unread(&error, context)),
        // The root side reads what its caller may not; one of another kind may contain anything.
        Err(error) if error.kind() == ErrorKind::Unsupported || context.process.is_client() => {
            return Ok(medium.started(medium.usual(), Vec::new()));
        }
        Err(error) => {
            let note = format!("could not inspect {}: {error}", vis::shown(&medium.path));
            return Ok(medium.started(medium.usual(), vec![note]));
        }
    };
    let wanted = Wanted {
        part: &medium.part,
        directory: &medium.directory,
        needs_menu: medium.needs_menu(),
    };
    let is_deciding = |fault: &Fault| {
        let is_sure = match fault.certainty {
            Certainty::Sure => true,
            Certainty::Written => !runs,
            Certainty::Unsure => false,
        };
        is_sure && source == Source::Disk && vm.disks.len() == 1
    };
    match start::begin(&report, wanted) {
        Ok(start) => match &start.fault {
            Some(fault) if is_deciding(fault) => Err(medium.refused(fault, &report)),
            Some(fault) => {
                let notes = vec![medium.warned(fault)];
                Ok(medium.started(start, notes))
            }
            None => Ok(medium.started(start, Vec::new())),
        },
        Err(fault) if source == Source::Disk => Err(medium.refused(&fault, &report)),
        Err(fault) => {
            let notes = vec![medium.warned(&fault)];
            Ok(medium.started(medium.usual(), notes))
        }
    }
}

impl<'vm> Medium<'vm> {
    fn of(vm: &'vm Vm, source: Source) -> Option<Self> {
        let Loader::Grub(grub) = &vm.loader else {
            return None;
        };
        let (path, part, directory) = match source {
            // The setting is about the installed system.
            Source::Cd => {
                let image = BootPart::of_report("").ok()?;
                let directory = { Some(&grub.directory) }.filter(|directory| directory.is_auto());
                let directory = directory.cloned().unwrap_or_default();
                (&vm.install_cd()?.path, image, directory)
            }
            Source::Disk | Source::Prompt => (
                &vm.disks.first()?.path,
                grub.bootpart.clone(),
                grub.directory.clone(),
            ),
        };
        Some(Self {
            vm,
            grub,
            path,
            source,
            part,
            directory,
        })
    }

    /// Whether grub shows the menu that it finds.
    fn needs_menu(&self) -> bool {
        match self.source {
            Source::Cd => self.grub.install.is_none(),
            Source::Disk => self.grub.boot.is_none(),
            Source::Prompt => false,
        }
    }

    /// The start without a look.
    fn usual(&self) -> Start {
        let (part, directory) = (self.part.clone(), self.directory.clone());
        Start {
            part: if part.is_auto() {
                BootPart::default()
            } else {
                part
            },
            directory: if directory.is_auto() {
                GrubDir::default()
            } else {
                directory
            },
            fault: None,
        }
    }

    /// The VM, with the partition and the directory of this start.
    fn started(&self, start: Start, notes: Vec<String>) -> Looked {
        let bootpart = match self.source {
            Source::Cd => self.grub.bootpart.clone(),
            Source::Disk | Source::Prompt => start.part,
        };
        let loader = Loader::Grub(Grub {
            bootpart,
            directory: start.directory,
            ..self.grub.clone()
        });
        let vm = Vm {
            loader,
            ..self.vm.clone()
        };
        Looked { vm, notes }
    }

    /// Where grub begins, for a message.
    fn place(&self) -> String {
        let path = vis::shown(&self.path);
        match &self.part {
            part if part.is_auto() => format!("a partition of {path}"),
            part if part.is_whole_disk() => path.to_string(),
            part => format!("{part} of {path}"),
        }
    }

    /// The way out by another setting for grub.
    fn way_by_grub(&self, fault: &Fault) -> String {
        let vm = &self.vm.name;
        let Some((part, directory)) = &fault.better else {
            return format!(
                "set {vm}_grub_bootpart to a partition that grub reads, or {vm}_grub_bootcmd to commands that load the kernel"
            );
        };
        let mut words = Vec::new();
        if *part != self.part {
            words.push(format!("{vm}_grub_bootpart={part}"));
        }
        if directory.as_str() != self.directory.as_str() {
            words.push(format!("{vm}_grub_dir={directory}"));
        }
        format!(
            "grub.cfg is in {directory} of {part}: set {}",
            words.join(" ")
        )
    }

    fn refused(&self, fault: &Fault, report: &Report) -> Error {
        let vm = &self.vm.name;
        let uefi = judge::loaders(report).uefi;
        let uefi = match uefi.answer {
            Answer::Yes => format!("or load it by UEFI: set {vm}_loader=uefi ({})", uefi.why),
            Answer::Unknown => format!("or load it by UEFI: set {vm}_loader=uefi"),
            Answer::No => format!("or install {vm} for UEFI, with {vm}_loader=uefi"),
        };
        let what = format!(
            "grub cannot start {vm} from {}: {}",
            self.place(),
            fault.why
        );
        Error::host(what).help(self.way_by_grub(fault)).help(uefi)
    }

    fn warned(&self, fault: &Fault) -> String {
        let (place, why) = (self.place(), &fault.why);
        match (&fault.better, self.source) {
            (Some(_), Source::Disk) => format!(
                "grub may find no menu on {place}: {why}; {}",
                self.way_by_grub(fault)
            ),
            (_, Source::Cd) => format!(
                "grub may find no menu on {place}: {why}; {}_grub_install can have commands",
                self.vm.name
            ),
            _ => format!("grub may find no menu on {place}: {why}"),
        }
    }

    /// The error of a disk that could not be inspected, on which `auto` depends.
    fn unread(&self, error: &io::Error, context: &PlanContext<'_>) -> Error {
        let vm = &self.vm.name;
        let shown = vis::shown(&self.path);
        let setting = if self.part.is_auto() {
            "grub_bootpart"
        } else {
            "grub_dir"
        };
        let why = match error.kind() {
            ErrorKind::Unsupported => "it is neither a file nor a disk with a size".to_owned(),
            _ => error.to_string(),
        };
        let what = format!("{vm}_{setting}=auto needs to read {shown}: {why}");
        if error.kind() == ErrorKind::PermissionDenied && context.process.is_client() {
            let verb = match self.source {
                Source::Cd => Verb::Install,
                Source::Disk | Source::Prompt => Verb::Boot,
            };
            let command = self.vm.command(verb);
            return Error::host(what)
                .help(format!("to see what it finds, as root: {command} -d"))
                .hidden();
        }
        Error::host(what).help(format!("name it: set {vm}_grub_bootpart and {vm}_grub_dir"))
    }
}
