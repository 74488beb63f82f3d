//! bhyve(8) up to its guest: options, configuration, the VM, devices (bhyverun.c, `main`).
//!
//! ```text
//! argv ── options, slot, lpc, numa ──▶ Tree ── options::cpus, number::memory ──▶ Setup
//! Setup ── check (the VM is open) ── start ── devices, in the order of their slots ──▶ a guest, or End
//! ```
//!
//! `tests/calibration/bhyve` has compared outcome, status, messages and configuration with the parsers of
//! the real one; what it does not have (releases before 15, arm64) follows the manual pages and the
//! sources that each file names.

mod block;
mod console;
mod devices;
mod edition;
mod lpc;
mod network;
mod numa;
mod number;
mod options;
mod others;
mod rom;
mod says;
mod screen;
mod slot;
mod tree;
mod world;

use super::super::words::Words;
pub use edition::Edition;
use options::{EX_USAGE, Read};
pub use says::{End, Says};
pub use tree::Tree;
pub use world::World;

/// What the command line asks for.
pub enum Parsed {
    /// A VM.
    Vm(Box<Setup>),
    /// A text on standard output, such as a list of devices, and the exit status.
    Text(String, i32),
}

/// A VM as it is configured.
pub struct Setup {
    /// The whole configuration.
    pub tree: Tree,
    /// Which bhyve.
    pub edition: Edition,
    /// The VM.
    pub name: String,
    /// vCPUs.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
}

/// Reads the command line and checks what needs no VM.
pub fn parse(
    args: &[String],
    edition: Edition,
    world: &mut dyn World,
    says: &mut Says,
) -> Result<Parsed, End> {
    let mut tree = Tree::default();
    for (path, value) in edition.defaults() {
        tree.set(path, value, says)?;
    }
    let usage = |says: &mut Says, status| {
        says.lines
            .extend(edition.usage().lines().map(str::to_owned));
        Err(End(status))
    };
    // getopt(3) reports a wrong option where it stands: those before it have been applied.
    let (words, problem) = Words::parse_partly(args, edition.spec());
    for (option, value) in &words.options {
        let value = value.as_deref().unwrap_or_default();
        match options::take(&mut tree, edition, (option, value), world, says)? {
            Read::Done => {}
            Read::Told(status, Some(text)) => return Ok(Parsed::Text(text, status)),
            Read::Told(status, None) => return usage(says, status),
        }
    }
    if let Some(problem) = problem {
        says.warn(problem);
        return usage(says, 1);
    }
    match words.operands.as_slice() {
        [name] => tree.set("name", name, says)?,
        [] if tree.raw("name").is_some() => {}
        _ => return usage(says, 1),
    }
    if !edition.has_rom_of_lpc() {
        rom::rename(&mut tree, says)?;
    }
    if tree.bool("config.dump", says)? == Some(true) {
        let lines = tree.lines().into_iter().map(|line| line + "\n");
        return Ok(Parsed::Text(lines.collect(), 1));
    }
    let name = tree.get("name", says).unwrap_or_default();
    let cpus = options::cpus(&tree, says)?;
    for vcpu in 0..cpus.min(1024) {
        let set = tree.get(&format!("vcpu.{vcpu}.cpuset"), says);
        if let Some(set) = set {
            options::cpuset(&vcpu.to_string(), &set, says)?;
        }
    }
    let size = tree.get("memory.size", says).unwrap_or_default();
    let Some(memory) = number::memory(&size, edition.has_lax_numbers()) else {
        return Err(says.end(EX_USAGE, format!("invalid memsize '{size}'")));
    };
    Ok(Parsed::Vm(Box::new(Setup {
        tree,
        edition,
        name,
        cpus,
        memory,
    })))
}

impl Setup {
    /// The serial lines and their back ends, as they are opened.
    pub fn consoles(&self) -> Vec<(String, String)> {
        let mut says = Says::default();
        let mut of = |name: &str, path: &str| {
            let backend = self.tree.get(path, &mut says)?;
            Some((name.to_owned(), backend))
        };
        if !self.edition.is_amd64 {
            return of("console", "console").into_iter().collect();
        }
        let ports = lpc::PORTS.iter();
        ports
            .filter_map(|port| of(port, &format!("lpc.{port}.path")))
            .collect()
    }

    /// Whether a boot ROM is configured.
    pub fn has_rom(&self) -> bool {
        rom::is_set(&self.tree, self.edition.has_rom_of_lpc())
    }

    /// Checks the values that are read when the VM is open, before any device.
    pub fn check(&self, says: &mut Says) -> Result<(), End> {
        for name in [
            "memory.wired",
            "memory.guest_in_core",
            "x86.vmexit_on_hlt",
            "x86.vmexit_on_pause",
        ] {
            self.tree.bool(name, says)?;
        }
        numa::check(&self.tree, self.edition, says)
    }

    /// Loads the boot ROM and starts the devices.
    pub fn start(&self, world: &mut dyn World, says: &mut Says) -> Result<(), End> {
        if !self.edition.has_rom_of_lpc() || !self.edition.is_amd64 {
            let loaded = rom::load(&self.tree, ("", self.edition.is_amd64), world, says);
            loaded.map_err(|failure| match failure {
                devices::Failure::End(end) => end,
                devices::Failure::Errno(_) => End(4),
            })?;
        }
        devices::start(&self.tree, self.edition, world, says)?;
        for name in ["x86.mptable", "acpi_tables"] {
            self.tree.bool(name, says)?;
        }
        Ok(())
    }
}
