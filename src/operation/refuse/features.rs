//! What a VM uses and this host does not have, by its release and its machine.

use crate::error::Error;
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::release::{Feature, Machine, Release, Used};
use crate::tools::sysctl::Kernel;

/// The errors about everything that the VM uses and this host does not have. What is not known of the
/// host refuses nothing.
pub(crate) fn missing(vm: &Vm, kernel: &Kernel) -> Vec<Error> {
    let machine = kernel.machine.unwrap_or_default();
    if machine == Machine::Other {
        let text = "easy-bhyve starts VMs only on amd64 and arm64, and this host is neither";
        return vec![Error::host(text).named(FindingName::NotOnThisHost)];
    }
    let host = kernel.osreldate.map(Release);
    let used = vm.features().into_iter();
    used.filter_map(|used| lacking(vm, &used, machine, host))
        .collect()
}

/// The error about a feature, if the host does not have it.
fn lacking(vm: &Vm, used: &Used, machine: Machine, host: Option<Release>) -> Option<Error> {
    let what = used.feature.what();
    let text = match (used.feature.since(machine), host) {
        (Some(since), Some(host)) if host < since => {
            let on = match (used.feature, machine) {
                (Feature::Bhyve, Machine::Arm64) => " on arm64",
                _ => "",
            };
            format!("{what} exists{on} from FreeBSD {since} on, and this host has {host}")
        }
        (Some(_), _) => return None,
        (None, _) => format!("{what} exists only on amd64, and this host is arm64"),
    };
    let name = &vm.name;
    let settings = used.settings.iter();
    let error = Error::config(format!("{name}: {text}"))
        .named(FindingName::NotOnThisHost)
        .help(used.feature.instead().replace("VM_", &format!("{name}_")));
    Some(
        error.of_settings(
            settings
                .map(|setting| format!("{name}_{setting}"))
                .collect(),
        ),
    )
}
