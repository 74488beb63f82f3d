//! What a list shows of each VM, resolved without its other settings.

use super::faults::Faults;
use super::vm::{Parts, cpu, mem, placeholder_id};
use super::{Wanted, disks, host, loader, name, read};
use crate::config::profile::Profiles;
use crate::config::settings::{HostSettings, Need, Setting, VmSettings};
use crate::config::{Config, Keys};
use crate::error::{Error, Result};
use crate::model::loader::LoaderKind;
use crate::model::name::VmName;
use crate::model::size::MemSize;
use crate::verb::Spelling;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

/// What a list shows of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The number.
    pub id: u16,
    /// The name.
    pub name: VmName,
    /// The kind of its loader.
    pub loader: LoaderKind,
    /// The number of cpus.
    pub cpu: u64,
    /// The memory.
    pub mem: MemSize,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// The path of its first disk.
    pub disk: PathBuf,
}

/// What a list shows of all VMs.
#[derive(Clone, Debug, Default)]
pub struct Overviews {
    /// Not joined, because thousands would be copied.
    parts: Vec<Vec<Overview>>,
    /// Of every VM with a fault in its shown settings the first one, in the order of the configuration.
    pub faults: Vec<Error>,
}

impl Overviews {
    /// The VMs whose shown settings are right, in the order of the configuration.
    pub fn vms(&self) -> impl Iterator<Item = &Overview> {
        self.parts.iter().flatten()
    }
}

/// A thread for fewer VMs costs more time than it saves.
const VMS_OF_A_THREAD: usize = 1_000;

/// The overview of every VM; `devices` is the directory of devices. Only the settings that it shows and
/// those of the disks are read and checked. Thousands of VMs are divided among the cpus, whose number is
/// only then asked.
///
/// # Errors
/// If a host variable that it shows is invalid.
pub fn all(
    config: &Config,
    spelling: Spelling,
    devices: &Path,
    cpus: impl FnOnce() -> usize,
) -> Result<Overviews> {
    let wanted = Wanted::new(Need::List, spelling, devices);
    let host = host(config, wanted.need)?;
    let keys = config.all_keys(is_shown);
    let threads = match keys.vms() / VMS_OF_A_THREAD {
        0 | 1 => 1,
        most => cpus().clamp(1, most),
    };
    let count = keys.vms().div_ceil(threads);
    let part = |first| some(config, &host, &wanted, keys.of(first, count));
    Ok(thread::scope(|scope| {
        let others = (count..keys.vms()).step_by(count.max(1));
        let started = others.map(|first| {
            let thread = thread::Builder::new().spawn_scoped(scope, move || part(first));
            (first, thread)
        });
        let started: Vec<_> = started.collect();
        let mut all = part(0);
        for (first, thread) in started {
            let part = match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // The user may not have more threads.
                Err(_) => part(first),
            };
            all.parts.extend(part.parts);
            all.faults.extend(part.faults);
        }
        all
    }))
}

/// The overviews of the VMs that have these keys.
fn some<'config>(
    config: &Config,
    host: &HostSettings,
    wanted: &Wanted<'_>,
    vms: impl Iterator<Item = Keys<'config>>,
) -> Overviews {
    let profiles = Profiles::of(config);
    let (mut part, mut faults) = (Vec::with_capacity(vms.size_hint().0), Vec::new());
    for keys in vms {
        match one(config, host, wanted, &profiles, &keys) {
            Ok(vm) => part.push(vm),
            Err(fault) => faults.push(fault),
        }
    }
    Overviews {
        parts: vec![part],
        faults,
    }
}

fn one(
    config: &Config,
    host: &HostSettings,
    wanted: &Wanted<'_>,
    profiles: &Profiles,
    keys: &Keys<'_>,
) -> Result<Overview> {
    let mut faults = Faults::default();
    let mut parts = Parts {
        name: name(config, keys.vm)?,
        own: read::of_vm(config, keys, profiles, is_shown, &mut faults),
        host,
        wanted,
    };
    let overview = of(&mut parts, &mut faults);
    faults.explain(config);
    faults.stop(wanted.need).map(|()| overview)
}

/// Whether a row says what a list shows, or which disks there are.
fn is_shown(row: &Setting<VmSettings>) -> bool {
    row.needed_by.contains(&Need::List)
}

fn of(parts: &mut Parts<'_>, faults: &mut Faults) -> Overview {
    let loader = loader::kind(&parts.own.settings);
    let id = parts.own.settings.id.unwrap_or(placeholder_id());
    let (_, disks) = disks::disks(parts, &id, loader, faults);
    let first = disks.into_iter().next();
    let own = &parts.own.settings;
    Overview {
        id: id.value.0,
        loader,
        autostart: own.autostart.is_some_and(|set| set.value),
        disk: first.map(|disk| disk.path).unwrap_or_default(),
        cpu: cpu(parts).count(),
        mem: mem(parts),
        name: parts.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Overview, Overviews, all};
    use crate::config::resolve::{self, Wanted};
    use crate::config::settings::Need;
    use crate::config::tests::config;
    use crate::model::Vm;
    use crate::verb::Spelling;
    use std::path::Path;

    const DEVICES: &str = "/dev";

    fn overviews(text: &str) -> Overviews {
        by_cpus(text, 1)
    }

    fn by_cpus(text: &str, cpus: usize) -> Overviews {
        let config = config(text.as_bytes());
        all(&config, Spelling::default(), Path::new(DEVICES), || cpus).unwrap()
    }

    fn of_whole(vm: Vm) -> Overview {
        Overview {
            id: vm.id,
            name: vm.name,
            loader: vm.loader.kind(),
            cpu: vm.cpu.count(),
            mem: vm.mem,
            autostart: vm.policy.autostart,
            disk: vm.disks.into_iter().next().unwrap().path,
        }
    }

    #[test]
    fn an_overview_has_what_the_whole_vm_has() {
        let text = include_str!("../../../examples/profiles.conf").to_owned()
            + "\na_id=900\na_cpu=sockets=1,cores=4\na_autostart=YES\na_zvol=tank/a\n\
               b_id=901\nb_freebsd=YES\nb_hd0=/vm/b.img\nb_hd1=/vm/c.img\nb_mem=4G\n";
        let config = config(text.as_bytes());
        let wanted = Wanted::new(Need::Settings, Spelling::default(), Path::new(DEVICES));
        let whole = resolve::all(&config, wanted).unwrap();
        let whole: Vec<_> = whole.map(|vm| of_whole(vm.unwrap())).collect();
        assert!(whole.len() > 15);
        assert!(overviews(&text).vms().eq(&whole));
    }

    #[test]
    fn all_vms_of_all_threads_are_there_in_order() {
        let counts = [0, 1, 999, 2_000, 2_001, 5_003];
        let all = counts
            .iter()
            .flat_map(|vms| [1, 2, 3, 7].map(|cpus| (*vms, cpus)));
        for (vms, cpus) in all {
            let vm = |number| match number % 100 {
                7 => format!("v{number}_id={number} v{number}_cpu=x\n"),
                _ => format!("v{number}_id={number}\nv{number}_freebsd=YES\n"),
            };
            let text: String = (0..vms).map(vm).collect();
            // The last line belongs to the first VM.
            let all = by_cpus(&format!("volroot=/vm\n{text}v0_mem=3G\n"), cpus);
            let ids = all.vms().map(|vm| vm.id);
            assert!(ids.eq((0..vms).filter(|number| number % 100 != 7)), "{vms}");
            let faults = all.faults.iter().map(|fault| &fault.what);
            let wrong = (7..vms).step_by(100);
            assert!(
                faults
                    .zip(wrong.clone())
                    .all(|(what, number)| { what.starts_with(&format!("v{number}_cpu: ")) })
            );
            assert_eq!(all.faults.len(), wrong.count());
            assert!(
                all.vms()
                    .all(|vm| vm.disk == Path::new("/vm").join(vm.name.as_str()))
            );
            assert!(all.vms().next().is_none_or(|vm| vm.mem.as_str() == "3G"));
        }
    }

    #[test]
    fn only_a_fault_of_what_is_shown_is_one() {
        let with = |line: &str| overviews(&format!("volroot=/vm\na_id=1\n{line}\n"));
        for line in [
            "a_if0=x",
            "a_vnc=x",
            "a_mac=x",
            "a_cd0=x",
            "a_uuid=x",
            "netif=a/b",
        ] {
            assert_eq!(with(line).faults.len(), 0, "{line}");
        }
        for line in [
            "a_cpu=x",
            "a_mem=x",
            "a_hd0=x",
            "a_hd0='/vm/a b'",
            "a_hd1=x",
            "a_hd1=/vm/a",
            "a_hd9=/vm/b",
            "a_hd99=/vm/b",
            "a_loader=uefi\na_freebsd=YES",
            "a_os=x",
            "a_loader=x",
            "a_autostart=x",
        ] {
            assert_eq!(with(line).faults.len(), 1, "{line}");
        }
    }
}
