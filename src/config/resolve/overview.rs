//! What a list shows of each VM, resolved without its other settings.

use super::faults::Faults;
use super::vm::{Parts, cpu, mem, placeholder_id};
use super::{Wanted, disks, host, loader, name, read};
use crate::config::Config;
use crate::config::profile::Profiles;
use crate::config::settings::{Need, Setting, VmSettings};
use crate::error::Result;
use crate::model::cpu::CpuTopology;
use crate::model::loader::LoaderKind;
use crate::model::name::VmName;
use crate::model::size::MemSize;
use crate::verb::Spelling;
use std::path::{Path, PathBuf};

/// What a list shows of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The number.
    pub id: u16,
    /// The name.
    pub name: VmName,
    /// The kind of its loader.
    pub loader: LoaderKind,
    /// The cpus.
    pub cpu: CpuTopology,
    /// The memory.
    pub mem: MemSize,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// The path of its first disk.
    pub disk: PathBuf,
}

/// The overview of every VM, in the order of the configuration, resolved lazily; `devices` is the
/// directory of devices. Only the settings that it shows and those of the disks are read and checked.
///
/// # Errors
/// If a host variable that it shows is invalid; then, in place of a VM, the first fault of its shown
/// settings.
pub fn all<'config>(
    config: &'config Config,
    spelling: Spelling,
    devices: &'config Path,
) -> Result<impl Iterator<Item = Result<Overview>>> {
    let wanted = Wanted::new(Need::List, spelling, devices);
    let host = host(config, wanted.need)?;
    let profiles = Profiles::of(config);
    Ok(config.keys_of_all(is_shown).map(move |keys| {
        let name = name(config, keys.vm)?;
        let mut faults = Faults::default();
        let own = read::of_vm(config, &keys, &profiles, is_shown, &mut faults);
        let parts = Parts {
            name,
            own,
            host: &host,
            wanted: &wanted,
        };
        let overview = of(parts, &mut faults);
        faults.explain(config);
        faults.stop(wanted.need).map(|()| overview)
    }))
}

/// Whether a row says what a list shows, or which disks there are.
fn is_shown(row: &Setting<VmSettings>) -> bool {
    row.needed_by.contains(&Need::List)
}

fn of(mut parts: Parts<'_>, faults: &mut Faults) -> Overview {
    let loader = loader::kind(&parts.own.settings);
    let id = parts.own.settings.id.unwrap_or(placeholder_id());
    let (_, disks) = disks::disks(&parts, &id, loader, faults);
    let first = disks.into_iter().next();
    let own = &parts.own.settings;
    Overview {
        id: id.value.0,
        loader,
        autostart: own.autostart.is_some_and(|set| set.value),
        disk: first.map(|disk| disk.path).unwrap_or_default(),
        cpu: cpu(&mut parts),
        mem: mem(&mut parts),
        name: parts.name,
    }
}

#[cfg(test)]
mod tests {
    use super::{Overview, all};
    use crate::config::resolve::{self, Wanted};
    use crate::config::settings::Need;
    use crate::config::tests::config;
    use crate::model::Vm;
    use crate::verb::Spelling;
    use std::path::Path;

    const DEVICES: &str = "/dev";

    fn overviews(text: &str) -> Vec<Result<Overview, String>> {
        let config = config(text.as_bytes());
        let all = all(&config, Spelling::default(), Path::new(DEVICES)).unwrap();
        let all = all.map(|one| one.map_err(|error| error.what));
        all.collect()
    }

    fn of_whole(vm: Vm) -> Overview {
        Overview {
            id: vm.id,
            name: vm.name,
            loader: vm.loader.kind(),
            cpu: vm.cpu,
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
        let whole: Vec<_> = whole.map(|vm| Ok(of_whole(vm.unwrap()))).collect();
        assert!(whole.len() > 15);
        assert_eq!(overviews(&text), whole);
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
            assert!(with(line).iter().all(Result::is_ok), "{line}");
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
            assert!(with(line).iter().any(Result::is_err), "{line}");
        }
    }
}
