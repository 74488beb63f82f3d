//! Hosts on which a row of `doctor` is as a table says.

use super::well;
use crate::host::Host;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is so on a host.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Circumstance {
    /// The host is a jail.
    Jailed,
    /// Other users' processes are hidden.
    Hidden,
    /// A VM without a process has left its node.
    LeftOver,
    /// No firmware is installed.
    NoFirmware,
    /// Root asks.
    Root,
}

/// A host on which a row is as it says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Case {
    pub(super) subject: String,
    pub(super) verdict: String,
    /// A part of what was found, and of the remedy.
    pub(super) finding: String,
    pub(super) remedy: String,
    /// Lines of the configuration, behind those of the host that is well.
    pub(super) config: String,
    /// A fresh host of this release in place of the one that is well.
    release: Option<u32>,
    sysctls: BTreeMap<String, String>,
    no_sysctl: Option<String>,
    without: Vec<String>,
    file: Option<String>,
    commands: Vec<String>,
    /// The MTU of igb0.
    mtu: Option<u32>,
    /// The health and the used percent of the pool.
    pool: Option<(String, u8)>,
    pub(super) is: BTreeSet<Circumstance>,
    wireless: Option<String>,
    /// The package of the firmware; an empty name is none.
    package: Option<String>,
}

impl Case {
    /// All, of the files beside.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let files = [include_str!("machine.toml"), include_str!("rows.toml")];
        let cases = files.map(|text| toml::from_str::<Cases>(text).unwrap().case);
        cases.into_iter().flatten()
    }

    pub(super) fn host(&self) -> Host {
        let mut host = self.release.map_or_else(well, Host::freebsd);
        for (name, value) in &self.sysctls {
            let mut new = host.state.sysctls["hw.ncpu"].clone();
            value.clone_into(&mut new.value);
            host.state.sysctls.insert(name.clone(), new);
        }
        if let Some(name) = &self.no_sysctl {
            host.state.sysctls.remove(name).unwrap();
        }
        for program in &self.without {
            host = host.without_program(program);
        }
        if let Some(path) = &self.file {
            host = host.with_file(path, "x");
        }
        let commands: Vec<&str> = self.commands.iter().map(String::as_str).collect();
        host = host.with_commands(&commands);
        if let Some(mtu) = self.mtu {
            host.state.interfaces.get_mut("igb0").unwrap().mtu = mtu;
        }
        if let Some(pool) = &self.pool {
            host.state.ailing_pools.insert("zroot".into(), pool.clone());
        }
        if self.is.contains(&Circumstance::Jailed) {
            host = host.in_jail();
        }
        if self.is.contains(&Circumstance::Hidden) {
            host = host.with_hidden_processes();
        }
        if let Some(name) = &self.wireless {
            host = host.with_wireless(name);
        }
        if self.is.contains(&Circumstance::NoFirmware) {
            host.remove_firmware();
        }
        if let Some(package) = &self.package {
            host.state.firmware_package = Some(package.clone()).filter(|name| !name.is_empty());
        }
        if self.is.contains(&Circumstance::LeftOver) {
            host = host.with_leftover_vm("deb", 1 << 30);
        }
        host
    }
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}
