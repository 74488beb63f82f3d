//! The questions of an examination, each asked once.

use super::{Known, Row};
use crate::check::{self, Report};
use crate::config::resolve;
use crate::error::{Error, Result};
use crate::finding::{Finding, FindingName};
use crate::host::{Look, scratch};
use crate::model::Vm;
use crate::model::name::{Snapshot, VmName};
use crate::model::privilege::{Choice, Elevation};
use crate::model::release::Machine;
use crate::survey::record::Record;
use crate::survey::{self, Processes, State, Traces};
use crate::tools::firmware::{Firmware, U_BOOT};
use crate::tools::ifconfig::{self, Interface};
use crate::tools::kld::{self, Module};
use crate::tools::pkg;
use crate::tools::sysctl::{self, Kernel};
use crate::tools::zpool::{self, Pool};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// An answer, or why there is none.
type Answer<T> = std::result::Result<T, String>;

/// The answers of the host.
pub(super) struct Answers<'run> {
    pub(super) known: Known<'run>,
    /// Whether the host is FreeBSD and can be asked.
    pub(super) is_freebsd: bool,
    /// The VMs of the configuration that can be built.
    pub(super) vms: Vec<Vm>,
    /// The findings of `check`.
    pub(super) report: Option<Report>,
    pub(super) kernel: Answer<Kernel>,
    /// Further kernel state by name, as far as it exists.
    pub(super) state: BTreeMap<String, String>,
    pub(super) modules: Answer<Vec<Module>>,
    pub(super) interfaces: Answer<Vec<Interface>>,
    pub(super) traces: Answer<Traces>,
    pub(super) processes: Answer<Processes>,
    /// The pool of the VMs' volumes; none if they are files.
    pub(super) pool: Option<Answer<Pool>>,
    /// Snapshots that temporary runs have left.
    pub(super) snapshots: Vec<Snapshot>,
    /// How this user becomes root; none if only the configuration says that.
    pub(super) elevation: Option<Result<Elevation>>,
    /// Whether grub-bhyve is installed.
    pub(super) has_grub: bool,
    /// The code of the firmware.
    pub(super) firmware: Option<PathBuf>,
    /// The package of the firmware, with its version; none if no package has installed the file.
    pub(super) firmware_package: Option<String>,
    /// The names of the scratch directories; none if only root may list them.
    pub(super) scratch: Option<Vec<OsString>>,
    /// Whether pf(4) is there.
    pub(super) has_pf: bool,
}

/// Kernel state that only an examination needs.
const NAMES: [&str; 7] = [
    "kern.securelevel",
    "kstat.zfs.misc.arcstats.c_max",
    "net.link.bridge.pfil_bridge",
    "net.link.bridge.pfil_member",
    "net.pf.request_maxcount",
    "security.mac.do.enabled",
    "security.mac.do.rules",
];

/// Why a row that depends on the configuration is not judged.
pub(super) const NO_CONFIG: &str = "there is no configuration that can be read";

impl Known<'_> {
    /// How this user becomes root; none if only the configuration says that, and it cannot be read.
    pub fn elevation(&self, look: &mut dyn Look) -> Option<Result<Elevation>> {
        let choice = match self.config {
            Ok(config) => resolve::privilege(config),
            Err(_) if self.is_new => Ok(Choice::default()),
            Err(_) => return None,
        };
        Some(choice.and_then(|choice| Elevation::choose(choice, self.process.uid, look)))
    }
}

impl<'run> Answers<'run> {
    /// Asks everything.
    pub(super) fn ask(known: Known<'run>, look: &mut dyn Look) -> Self {
        let process = known.process;
        let at = process.surroundings();
        let (vms, report) = match known.config {
            Ok(config) => {
                let (_, checked) = resolve::checked(config, known.spelling, &process.devices);
                let vms = checked.into_iter().filter_map(|one| one.vm).collect();
                let report = check::of_host(config, known.spelling, &process.devices, look);
                (vms, Some(report))
            }
            Err(_) => (Vec::new(), None),
        };
        let is_freebsd = survey::is_freebsd(look);
        let foreign = || "this host is not FreeBSD".to_owned();
        let mut answers = Self {
            known,
            is_freebsd,
            vms,
            report,
            kernel: Err(foreign()),
            state: BTreeMap::new(),
            modules: Err(foreign()),
            interfaces: Err(foreign()),
            traces: Err(foreign()),
            processes: Err(foreign()),
            pool: None,
            snapshots: Vec::new(),
            elevation: known.elevation(look),
            has_grub: look.find("grub-bhyve").is_some(),
            firmware: None,
            firmware_package: None,
            scratch: None,
            has_pf: false,
        };
        if !is_freebsd {
            return answers;
        }
        let reason = |error: Error| error.what;
        let said = survey::answer(look, &sysctl::ask_also(&NAMES)).map_err(reason);
        answers.kernel = said.clone().map(|said| sysctl::parse(&said, process.uid));
        answers.state = said.map(|said| sysctl::values(&said)).unwrap_or_default();
        let said = survey::answer(look, &kld::list()).map_err(reason);
        answers.modules = said.map(|said| kld::present(&said));
        let said = survey::answer(look, &ifconfig::list()).map_err(reason);
        answers.interfaces = said.map(|said| ifconfig::parse(&said));
        answers.traces = Traces::ask(look, &at).map_err(reason);
        let hides = answers.kernel.as_ref().is_ok_and(Kernel::hides_processes);
        answers.processes = Processes::of(look, &at, hides).map_err(reason);
        // The module has it.
        answers.has_pf = answers.state.contains_key("net.pf.request_maxcount");
        answers.scratch = look.names_in(&scratch::directory(&process.run)).ok();
        answers.ask_firmware(look);
        answers.ask_storage(look);
        answers
    }

    /// The rows of subjects that only the configuration can answer, if there is none that can be read.
    pub(super) fn unknown<const COUNT: usize>(
        &self,
        subjects: [&'static str; COUNT],
    ) -> Option<[Row; COUNT]> {
        let rows = || subjects.map(|subject| Row::not_asked(subject, NO_CONFIG));
        self.known.config.is_err().then(rows)
    }

    /// The machine of the host; that of most hosts if it is unknown.
    pub(super) fn machine(&self) -> Machine {
        let known = self.kernel.as_ref().ok().and_then(|kernel| kernel.machine);
        known.unwrap_or_default()
    }

    fn ask_firmware(&mut self, look: &mut dyn Look) {
        let mut places: Vec<PathBuf> = match self.machine() {
            Machine::Arm64 => vec![U_BOOT.into()],
            Machine::Amd64 | Machine::Other => {
                let places = Firmware::places(&self.known.process.share);
                places.map(|place| place.code).collect()
            }
        };
        places.retain(|code| look.exists(code).unwrap_or(false));
        self.firmware = places.into_iter().next();
        self.firmware_package = self.firmware.as_deref().and_then(|code| {
            let said = survey::answer(look, &pkg::owner(code)).ok()?;
            let name = said.trim();
            (!name.is_empty()).then(|| name.to_owned())
        });
    }

    fn ask_storage(&mut self, look: &mut dyn Look) {
        self.pool = match self.known.config.map(resolve::volume_root) {
            Ok(Ok(Some(root))) => {
                let said = survey::answer(look, &zpool::list(root.pool()));
                let said = said.map_err(|error| error.what);
                Some(said.and_then(|said| {
                    zpool::parse(&said).ok_or_else(|| "zpool has not shown the pool".to_owned())
                }))
            }
            Ok(Err(_)) => Some(Err("volroot of the configuration is not valid".to_owned())),
            Ok(Ok(None)) | Err(_) => None,
        };
        let (Ok(traces), Ok(processes)) = (&self.traces, &self.processes) else {
            return;
        };
        let mut left = Vec::new();
        for name in traces.vms() {
            let is_over = processes.supervisor(name).is_none()
                && !matches!(processes.state(name, traces), State::Unknown);
            let vm = VmName::parse(name).ok().filter(|_| is_over);
            let noted = vm.and_then(|vm| Record::of(look, &self.known.process.run, &vm));
            left.extend(
                noted
                    .map(|noted| noted.left(look))
                    .into_iter()
                    .flatten()
                    .flatten(),
            );
        }
        self.snapshots = left;
    }

    /// The findings of `check` with one of these names.
    pub(super) fn findings(&self, names: &[FindingName]) -> impl Iterator<Item = &Finding> {
        let all = self.report.iter().flat_map(|report| &report.findings);
        all.filter(|finding| names.contains(&finding.name))
    }

    /// A number of the further kernel state.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.state.get(name)?.parse().ok()
    }
}
