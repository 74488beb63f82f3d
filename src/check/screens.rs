//! Findings about screens, ports of the host, and further words for bhyve.

use crate::config::resolve::Checked;
use crate::config::{Config, Key};
use crate::finding::{Finding, FindingName};
use crate::model::Vm;
use crate::model::backend::{NicBackend, Protocol};
use crate::model::screen::{Place, Screen};
use crate::span::Span;
use std::collections::HashMap;
use std::net::IpAddr;

/// Checks each VM, and the ports of all VMs together; takes linear time.
pub(super) fn findings(config: &Config, checked: &[Checked<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ports: HashMap<String, Vec<Port>> = HashMap::new();
    for one in checked {
        let Some(vm) = &one.vm else { continue };
        findings.extend(unused(one, vm));
        findings.extend(unlocked(config, vm));
        findings.extend(
            vm.screen
                .as_ref()
                .and_then(|screen| open(config, vm, screen)),
        );
        for (name, port) in Port::of(config, vm) {
            let finding = ports.get(&name).and_then(|others| {
                let other = others.iter().find(|other| other.meets(&port))?;
                Some(port.twice(other, config, &name))
            });
            match finding {
                Some(finding) => findings.push(finding),
                None => ports.entry(name).or_default().push(port),
            }
        }
    }
    findings
}

/// A port or a socket of the host that a VM uses.
struct Port {
    /// The name of the VM.
    vm: String,
    /// The address; none for a socket.
    address: Option<IpAddr>,
    /// What uses it, for a message.
    what: String,
    span: Span,
}

impl Port {
    /// Every port and socket of the host that a VM uses, by its name.
    fn of(config: &Config, vm: &Vm) -> Vec<(String, Self)> {
        let name = |protocol: Protocol, port: u16| format!("{} port {port}", protocol.as_str());
        let mut ports = Vec::new();
        let vnc = config.get(&format!("{}_vnc", vm.name));
        if let (Some(screen), Some(vnc)) = (&vm.screen, vnc) {
            let (name, address) = match &screen.place {
                Place::Tcp(address) => (name(Protocol::Tcp, address.port()), Some(address.ip())),
                Place::Unix(path) => (path.display().to_string(), None),
            };
            let port = Self {
                vm: vm.name.to_string(),
                address,
                what: format!("the screen of {}", vm.name),
                span: vnc.value_span,
            };
            ports.push((name, port));
        }
        for nic in &vm.nics {
            let (NicBackend::Slirp(forwards), Some(span)) = (&nic.backend, nic.origin) else {
                continue;
            };
            ports.extend(forwards.iter().map(|forward| {
                let port = Self {
                    vm: vm.name.to_string(),
                    address: Some(forward.host.into()),
                    what: format!("if{} of {}", nic.number, vm.name),
                    span,
                };
                (name(forward.protocol, forward.host_port), port)
            }));
        }
        ports
    }

    /// Whether a host cannot give both to a program: an address of zeros is every address.
    fn meets(&self, other: &Self) -> bool {
        let is_any =
            |address: Option<IpAddr>| address.is_some_and(|address| address.is_unspecified());
        self.address == other.address || is_any(self.address) || is_any(other.address)
    }

    /// The finding for two users of one port.
    fn twice(&self, other: &Self, config: &Config, port: &str) -> Finding {
        Finding::new(
            FindingName::SharedPort,
            self.span,
            format!("{port} is that of {} and of {}", other.what, self.what),
            if self.vm == other.vm {
                format!("use another port: {} cannot start", self.vm)
            } else {
                "use another port or socket; only one of the two can run at a time".to_owned()
            },
        )
        .note(format!(
            "the other one is set at {}",
            config.place(other.span)
        ))
    }
}

/// A screen that everybody who reaches the host can use.
fn open(config: &Config, vm: &Vm, screen: &Screen) -> Option<Finding> {
    let vnc = config.get(&format!("{}_vnc", vm.name))?;
    screen.is_open_to_all().then(|| {
        Finding::new(
            FindingName::OpenScreen,
            vnc.value_span,
            format!(
                "other hosts can use the screen of {} without a password: {}",
                vm.name, screen.place
            ),
            format!(
                "set {}_vnc_password_file, or write an address of this host alone, as 127.0.0.1",
                vm.name
            ),
        )
    })
}

/// Settings of the screen of a VM that has none.
fn unused(one: &Checked<'_>, vm: &Vm) -> Vec<Finding> {
    // A faulty screen is reported once.
    let is_wanted = |key: &Key<'_>| {
        key.setting.name == "vnc"
            && !key.set.value.is_empty()
            && !key.set.value.eq_ignore_ascii_case(b"no")
    };
    if vm.screen.is_some() || one.keys.keys.iter().any(is_wanted) {
        return Vec::new();
    }
    let is_of_screen =
        |key: &&Key<'_>| key.setting.name.starts_with("vnc_") && !key.set.value.is_empty();
    let keys = one.keys.keys.iter().filter(is_of_screen);
    let loader = if vm.loader.has_screen() {
        String::new()
    } else {
        format!("{}_loader=uefi and ", vm.name)
    };
    keys.map(|key| {
        Finding::new(
            FindingName::UnusedScreen,
            key.set.name_span,
            format!("{} has no effect: {} has no screen", key.set.name, vm.name),
            format!("set {loader}{}_vnc=YES, or remove the setting", vm.name),
        )
    })
    .collect()
}

/// A device that only bhyve knows of.
fn unlocked(config: &Config, vm: &Vm) -> Option<Finding> {
    let args = vm.bhyve_args.as_ref().filter(|args| args.has_device())?;
    let set = config.get(&format!("{}_bhyve_args", vm.name))?;
    Some(Finding::new(
        FindingName::UnlockedDevice,
        set.value_span,
        format!(
            "bhyve gets a device of {} from {}: nothing keeps another VM from using what backs it",
            vm.name,
            args.as_str()
        ),
        "if that is intended, allow the warning by a comment",
    ))
}
