//! Hosts that differ from the default one: releases, machines, jails, privileges.

use super::Host;
use super::state::{Access, Kind, Rule};

/// An ordinary user without an escalator rule.
const FORGER: u32 = 1002;

impl Host {
    /// Of exactly this release, such as 1402000.
    #[must_use]
    pub fn on_release(mut self, osreldate: u32) -> Self {
        self.state.osreldate = osreldate;
        self.set_sysctl("kern.osreldate", &osreldate.to_string(), Access::Read, true);
        self
    }

    /// On arm64, where no loader exists, and U-Boot is installed.
    #[must_use]
    pub fn on_arm64(mut self) -> Self {
        self = self.with_file(
            "/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin",
            "U-Boot",
        );
        self.state.machine = "arm64".into();
        self.set_sysctl("hw.machine", "arm64", Access::Read, false);
        self.state.programs.remove("bhyveload");
        self.state.programs.remove("grub-bhyve");
        self
    }

    /// With an encrypted dataset whose key is not loaded.
    #[must_use]
    pub fn with_locked(mut self, dataset: &str) -> Self {
        let local = self.state.datasets.get_mut(dataset);
        let local = &mut local.expect("a dataset").local;
        local.insert("keyformat".into(), "passphrase".into());
        self.state.locked.insert(dataset.into());
        self
    }

    /// As seen from within a jail: the processes outside are hidden.
    #[must_use]
    pub fn in_jail(mut self) -> Self {
        self.state.jailed = true;
        self.set_sysctl("security.jail.jailed", "1", Access::Read, true);
        self
    }

    /// With processes that only claim to work for a VM: an ordinary user's own, set-uid programs that
    /// this user has started under such names, and those of a jail's root.
    #[must_use]
    pub fn with_forgers(mut self, vm: &str) -> Self {
        let (title, supervisor) = (format!("bhyve: {vm}"), format!("supervise-{vm}"));
        let words: [(&str, &[&str]); 6] = [
            ("bhyve", &[&title]),
            ("bhyve", &["bhyve", "-c", "1", vm]),
            ("bhyveload", &["bhyveload", "-m", "1G", vm]),
            ("grub-bhyve", &["grub-bhyve", "-r", "hd0", vm]),
            (
                "easy-bhyve",
                &["/usr/local/bin/easy-bhyve", "root-boot", vm, "cpu=1"],
            ),
            ("sh", &["sh", "-c", "exit", &supervisor]),
        ];
        for (name, argv) in words {
            for (program, real, effective, jail) in [
                (name, FORGER, FORGER, 0),
                ("su", FORGER, 0, 0),
                (name, 0, 0, 7),
            ] {
                let pid = self.add_process(real, 1, program, argv);
                if let Some(process) = self.state.processes.get_mut(&pid) {
                    (process.uid, process.jail) = (effective, jail);
                }
            }
        }
        self
    }

    /// How many processes are left of those that only claim to work for a VM.
    pub fn forgers(&self) -> usize {
        let all = self.state.processes.values();
        all.filter(|process| process.ruid == FORGER || process.jail == 7)
            .count()
    }

    /// With users that cannot see each other's processes.
    #[must_use]
    pub fn with_hidden_processes(mut self) -> Self {
        self.set_sysctl("security.bsd.see_other_uids", "0", Access::Write, true);
        self
    }

    /// With a wireless interface that is up.
    #[must_use]
    pub fn with_wireless(mut self, name: &str) -> Self {
        self.add_interface(name, Kind::Wireless).up = true;
        self
    }

    /// With doas, sudo or mdo installed, and this rule for the user.
    #[must_use]
    pub fn with_escalator(mut self, program: &str, rule: Rule) -> Self {
        self.state.programs.insert(program.into());
        if let Some(escalator) = self.state.escalators.get_mut(program) {
            escalator.rule = rule;
        }
        self
    }

    /// Without a program, such as doas.
    #[must_use]
    pub fn without_program(mut self, program: &str) -> Self {
        self.state.programs.remove(program);
        self
    }
}
