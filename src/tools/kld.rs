//! Kernel modules: kldload(8) and kldstat(8).

use crate::command::{Command, args};
use std::ffi::OsString;

/// A module that a VM needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// vmm(4), the hypervisor.
    Vmm,
    /// nmdm(4), the console.
    Nmdm,
    /// tap(4); its file is `if_tuntap` since FreeBSD 13.
    Tap,
    /// if_bridge(4).
    Bridge,
}

impl Module {
    /// All modules, in the order of their loading.
    pub const ALL: [Self; 4] = [Self::Vmm, Self::Nmdm, Self::Tap, Self::Bridge];

    /// The name of its file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Vmm => "vmm",
            Self::Nmdm => "nmdm",
            Self::Tap => "if_tuntap",
            Self::Bridge => "if_bridge",
        }
    }

    /// The names under which the module is registered (`sys/net/if_tuntap.c` has an alias).
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Tap => &["if_tuntap", "if_tap"],
            Self::Vmm => &["vmm"],
            Self::Nmdm => &["nmdm"],
            Self::Bridge => &["if_bridge"],
        }
    }
}

/// Loads modules: `kldload -n FILE…`; an already loaded module is no failure.
pub fn load(modules: &[Module]) -> Command {
    let mut words: Vec<OsString> = args!["-n"];
    words.extend(modules.iter().map(|module| module.file().into()));
    Command::root("kldload", words)
}

/// Lists all modules: `kldstat -v`.
pub fn list() -> Command {
    Command::question("kldstat", args!["-v"])
}

/// The modules of [`Module::ALL`] that are registered, from the output of [`list`].
///
/// A module's line begins with two tabs and ends with its name.
pub fn present(listing: &str) -> Vec<Module> {
    let names: Vec<&str> = listing
        .lines()
        .filter(|line| line.starts_with("\t\t"))
        .filter_map(|line| line.split_ascii_whitespace().last())
        .collect();
    Module::ALL
        .into_iter()
        .filter(|module| module.names().iter().any(|name| names.contains(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Module, list, load, present};

    #[test]
    fn the_arguments_are_those_of_kldload() {
        assert_eq!(
            load(&Module::ALL).to_string(),
            "kldload -n vmm nmdm if_tuntap if_bridge"
        );
        assert_eq!(list().to_string(), "kldstat -v");
    }

    #[test]
    fn compiled_in_and_loaded_modules_are_found_by_name() {
        let listing = "Id Refs Address                Size Name\n \
             1   41 0xffffffff80200000  1d527b0 kernel (/boot/kernel/kernel)\n\
             \tContains modules:\n\t\t Id Name\n\t\t 12 if_tuntap\n\t\t 13 if_tap\n\
             \x20 2    1 0xffffffff82f1f000     3218 vmm.ko (/boot/kernel/vmm.ko)\n\
             \tContains modules:\n\t\t  5 vmm\n";
        assert_eq!(present(listing), [Module::Vmm, Module::Tap]);
        assert_eq!(present("1 vmm\n"), []);
    }
}
