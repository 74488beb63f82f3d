//! The start of the devices, in the order of bus, slot and function (pci_emul.c, `init_pci`).

use std::collections::BTreeMap;

use super::edition::Edition;
use super::says::{End, Says};
use super::tree::Tree;
use super::world::World;
use super::{block, console, network, number, others, rom, screen};

/// The text of an error number that no call has set.
pub(super) const UNKNOWN: &str = "Invalid argument";

/// Why a device did not start.
pub(super) enum Failure {
    /// bhyve ends at once.
    End(End),
    /// An error number, behind the message of the device.
    Errno(String),
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl Failure {
    /// The failure after a message of the device's own, without an error number of a call.
    pub(super) fn plain() -> Self {
        Self::Errno(UNKNOWN.into())
    }
}

/// A device that starts.
pub(super) struct Device<'tree> {
    /// The whole configuration.
    pub(super) tree: &'tree Tree,
    /// The path of its node, such as `pci.0.3.0`.
    pub(super) path: String,
    /// Bus, slot and function.
    pub(super) place: (u32, u32, u32),
}

impl Device<'_> {
    /// A value of the device.
    pub(super) fn get(&self, name: &str, says: &mut Says) -> Option<String> {
        self.tree.get(&format!("{}.{name}", self.path), says)
    }

    /// A boolean of the device.
    pub(super) fn bool(&self, name: &str, says: &mut Says) -> Result<Option<bool>, End> {
        self.tree.bool(&format!("{}.{name}", self.path), says)
    }

    /// The numbers of the nodes below a node of the device, in order.
    pub(super) fn numbers(&self, name: &str, says: &mut Says) -> Vec<i64> {
        let path = format!("{}.{name}", self.path);
        let node = self.tree.node(&path, says);
        let names = node.into_iter().flat_map(Tree::nodes).map(|(name, _)| name);
        let mut numbers: Vec<i64> = names.map(number::atoi).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// What devices share while they start.
pub(super) struct Shared<'run> {
    pub(super) edition: Edition,
    pub(super) world: &'run mut dyn World,
    pub(super) says: &'run mut Says,
    /// The devices by boot index, each as `EMULATION@pci.B.S.F`.
    pub(super) boot_order: BTreeMap<i64, String>,
    pub(super) has_screen: bool,
    pub(super) has_usb: bool,
    pub(super) has_lpc: bool,
    pub(super) has_stdio: bool,
}

impl Shared<'_> {
    /// Gives a device its place in the boot order (`pci_emul_add_boot_device`).
    pub(super) fn boots(&mut self, name: &str, device: &Device<'_>, index: i64) -> Result<(), End> {
        let (bus, slot, function) = device.place;
        let own = format!("{name}@pci.{bus}.{slot}.{function}");
        if index < 0 {
            return Err(self
                .says
                .end(4, format!("Invalid bootindex {index} for {own}")));
        }
        if let Some(other) = self.boot_order.get(&index) {
            return Err(self.says.end(
                4,
                format!(
                    "Could not set bootindex {index} for {own}. Bootindex already occupied by {other}"
                ),
            ));
        }
        self.boot_order.insert(index, own);
        Ok(())
    }
}

/// Starts all devices.
pub(super) fn start(
    tree: &Tree,
    edition: Edition,
    world: &mut dyn World,
    says: &mut Says,
) -> Result<(), End> {
    let mut shared = Shared {
        edition,
        world,
        says,
        boot_order: BTreeMap::new(),
        has_screen: false,
        has_usb: false,
        has_lpc: false,
        has_stdio: false,
    };
    if !edition.is_amd64 {
        console::of_arm64(tree, &mut shared)?;
    }
    for bus in 0..256 {
        if tree.node(&format!("pci.{bus}"), shared.says).is_none() {
            continue;
        }
        for (slot, function) in
            (0..32).flat_map(|slot| (0..8).map(move |function| (slot, function)))
        {
            let place = (bus, slot, function);
            let path = format!("pci.{bus}.{slot}.{function}");
            if tree.node(&path, shared.says).is_none() {
                continue;
            }
            let device = Device { tree, path, place };
            match begin(&device, &mut shared) {
                Ok(()) => {}
                Err(Failure::End(end)) => return Err(end),
                Err(Failure::Errno(why)) => {
                    shared
                        .says
                        .own(format!("Device emulation initialization error: {why}"));
                    return Err(End(4));
                }
            }
        }
    }
    Ok(())
}

fn begin(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    let (bus, slot, function) = device.place;
    let at = format!("pci slot {bus}:{slot}:{function}");
    let Some(name) = device.get("device", shared.says) else {
        shared.says.own(format!("{at}: missing \"device\" value"));
        return Err(Failure::plain());
    };
    let legacy = match name.as_str() {
        "ahci-hd" | "ahci-cd" => Some("ahci"),
        "amd_hostbridge" => Some("hostbridge"),
        _ => None,
    };
    if let Some(new) = legacy {
        shared.says.own(format!(
            "{at}: legacy device \"{name}\", use \"{new}\" instead"
        ));
        return Err(Failure::plain());
    }
    if !shared.edition.emulates(&name) {
        shared.says.own(format!("{at}: unknown device \"{name}\""));
        return Err(Failure::plain());
    }
    match name.as_str() {
        "virtio-blk" => block::virtio(device, shared),
        "ahci" => block::ahci(device, shared),
        "nvme" => block::nvme(device, shared),
        "virtio-net" | "e1000" => network::start(device, name == "virtio-net", shared),
        "fbuf" => screen::start(device, shared),
        "xhci" => others::usb(device, shared),
        "virtio-9p" => others::share(device, shared),
        "virtio-console" => others::ports(device, shared),
        "virtio-scsi" => others::scsi(device, shared),
        "passthru" => others::passthru(device, shared),
        "uart" => console::uart(device, shared),
        "lpc" => lpc(device, shared),
        _ => Ok(()),
    }
}

/// amd64/pci_lpc.c, `pci_lpc_init`
fn lpc(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    if shared.has_lpc {
        shared.says.own("Only one LPC bridge is allowed.");
        return Err(Failure::plain());
    }
    if device.place.0 != 0 {
        shared.says.own("LPC bridge can be present only on bus 0.");
        return Err(Failure::plain());
    }
    if shared.edition.has_rom_of_lpc() {
        rom::load(device.tree, ("lpc.", true), shared.world, shared.says)?;
    }
    console::of_lpc(device.tree, shared)?;
    shared.has_lpc = true;
    Ok(())
}
