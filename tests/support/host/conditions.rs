//! Hosts that differ from the usual one: releases, machines, jails, privileges.

use super::Host;
use super::state::{Access, Kind, Rule};

impl Host {
    /// Of this very release, such as 1402000.
    #[must_use]
    pub fn on_release(mut self, osreldate: u32) -> Self {
        self.state.osreldate = osreldate;
        self.set_sysctl("kern.osreldate", &osreldate.to_string(), Access::Read, true);
        self
    }

    /// On arm64, where no loader is installed.
    #[must_use]
    pub fn on_arm64(mut self) -> Self {
        self.state.machine = "arm64".into();
        self.set_sysctl("hw.machine", "arm64", Access::Read, false);
        self.state.programs.remove("bhyveload");
        self.state.programs.remove("grub-bhyve");
        self
    }

    /// Seen from within a jail: what ran before is out of sight.
    #[must_use]
    pub fn in_jail(mut self) -> Self {
        self.state.jailed = true;
        self.set_sysctl("security.jail.jailed", "1", Access::Read, true);
        self
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
