//! The system inside a guest: its output while it boots and stops, its login, its shell, its
//! installer. It is simulated, and its output states that.

use std::time::Duration;

use super::super::process::Ending;
use super::super::state;
use super::guest::Session;

/// A request to the guest from its console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The guest ends in this way.
    End(Ending),
    /// The system is installed on the disk.
    Install,
}

/// What a system is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// It boots, up to this line.
    Boot(usize),
    /// It asks whether to install.
    Installer,
    /// It is installed and waits for a key to reboot.
    Installed,
    /// It asks for a login name.
    Login,
    /// It takes commands.
    Shell,
    /// It stops, and ignores input.
    Stop,
}

/// A system.
pub(super) struct System {
    kind: state::System,
    vm: String,
    installs: bool,
    lines: Vec<String>,
    boot: Duration,
    phase: Phase,
    typed: String,
}

impl System {
    /// A system that starts to boot.
    pub(super) fn new(kind: state::System, session: &Session) -> Self {
        let log = match kind {
            state::System::FreeBsd => include_str!("boot/freebsd.txt"),
            state::System::Linux => include_str!("boot/linux.txt"),
            state::System::NetBsd => include_str!("boot/netbsd.txt"),
            state::System::OpenBsd => include_str!("boot/openbsd.txt"),
        };
        let log = log
            .replace("{vm}", &session.vm)
            .replace("{cpus}", &session.cpus.to_string())
            .replace("{bytes}", &session.memory.to_string())
            .replace("{mib}", &(session.memory >> 20).to_string());
        Self {
            kind,
            vm: session.vm.clone(),
            installs: session.installs_on.is_some(),
            lines: log.lines().map(|line| format!("{line}\n")).collect(),
            boot: Duration::from_millis(session.boot_ms.unwrap_or(0)),
            phase: Phase::Boot(0),
            typed: String::new(),
        }
    }

    /// Its own output up to this time since its start.
    pub(super) fn at(&mut self, elapsed: Duration) -> String {
        let mut said = String::new();
        while let (Some(due), Phase::Boot(line)) = (self.next(), &self.phase) {
            if due > elapsed {
                break;
            }
            let line = *line;
            match self.lines.get(line) {
                Some(text) => {
                    said += text;
                    self.phase = Phase::Boot(line + 1);
                }
                None if self.installs => {
                    self.phase = Phase::Installer;
                    said += &self.welcome();
                }
                None => {
                    self.phase = Phase::Login;
                    said += &format!("\n{}login: ", self.banner());
                }
            }
        }
        said
    }

    /// When its next own output is due.
    pub(super) fn next(&self) -> Option<Duration> {
        let Phase::Boot(line) = self.phase else {
            return None;
        };
        let all = u32::try_from(self.lines.len()).ok()?.max(1);
        Some(self.boot * u32::try_from(line).ok()? / all)
    }

    /// The power button was pressed.
    pub(super) fn press(&mut self) -> String {
        let first = match self.kind {
            state::System::FreeBsd => "acpi0: power button pressed, shutting down",
            state::System::Linux => "systemd-logind: Power key pressed short. Powering off...",
            state::System::NetBsd => "acpibut0: button pressed",
            state::System::OpenBsd => "acpibtn0: power button pressed",
        };
        self.phase = Phase::Stop;
        format!("\n{first}\n{}", Self::farewell(Ending::PowerOff))
    }

    /// Takes input: the output, and a request.
    pub(super) fn type_in(&mut self, bytes: &[u8]) -> (String, Option<Wish>) {
        let mut said = String::new();
        for byte in bytes {
            let is_heard = !matches!(self.phase, Phase::Boot(_) | Phase::Stop);
            match byte {
                _ if !is_heard => {}
                b'\r' | b'\n' => {
                    said.push('\n');
                    let line = std::mem::take(&mut self.typed);
                    let (answer, wish) = self.line(line.trim());
                    said += &answer;
                    if wish.is_some() {
                        return (said, wish);
                    }
                }
                0x7f | 0x08 if self.typed.pop().is_some() => said += "\u{8} \u{8}",
                0x03 => {
                    self.typed.clear();
                    said += "^C\n";
                    said += &self.prompt();
                }
                0x20..0x7f => {
                    self.typed.push(char::from(*byte));
                    said.push(char::from(*byte));
                }
                _ => {}
            }
        }
        (said, None)
    }

    fn line(&mut self, line: &str) -> (String, Option<Wish>) {
        match self.phase {
            Phase::Installer => {
                self.phase = Phase::Installed;
                let steps = [
                    "Partitioning",
                    "Extracting the base system",
                    "Making it bootable",
                ];
                let steps = steps.map(|step| format!("{step} ... done\n")).concat();
                let text = format!("{steps}\nThe installation is complete. Enter reboots: ");
                (text, Some(Wish::Install))
            }
            Phase::Installed => self.end(Ending::Reboot),
            Phase::Login if line.is_empty() => (self.prompt(), None),
            Phase::Login => {
                self.phase = Phase::Shell;
                let hello = "This guest is simulated: `help' shows what it understands.\n";
                (format!("{hello}{}", self.prompt()), None)
            }
            Phase::Shell => self.command(line),
            Phase::Boot(_) | Phase::Stop => (String::new(), None),
        }
    }

    fn command(&mut self, line: &str) -> (String, Option<Wish>) {
        let name = self.name();
        let answer = match line {
            "" => String::new(),
            "help" => "poweroff  reboot  halt  uname  hostname  exit\n\
                       fault (a triple fault)  panic (bhyve ends with an error)  crash (bhyve aborts)\n"
                .into(),
            "uname" | "uname -a" => format!("{name} {} amd64\n", self.vm),
            "hostname" => format!("{}\n", self.vm),
            "exit" | "logout" => {
                self.phase = Phase::Login;
                format!("\n{}", self.banner())
            }
            "poweroff" | "shutdown -p now" | "halt -p" | "shutdown -h now" => {
                return self.end(Ending::PowerOff);
            }
            "reboot" | "shutdown -r now" => return self.end(Ending::Reboot),
            "halt" => return self.end(Ending::Halt),
            "fault" => return self.end(Ending::TripleFault),
            "panic" => return self.end(Ending::Error),
            "crash" => return self.end(Ending::Signal(6)),
            other => format!("{}: not found\n", other.split(' ').next().unwrap_or(other)),
        };
        (answer + &self.prompt(), None)
    }

    fn end(&mut self, ending: Ending) -> (String, Option<Wish>) {
        self.phase = Phase::Stop;
        (Self::farewell(ending), Some(Wish::End(ending)))
    }

    fn prompt(&self) -> String {
        match self.phase {
            Phase::Login => "login: ".into(),
            Phase::Shell => format!("root@{}:~ # ", self.vm),
            _ => String::new(),
        }
    }

    fn welcome(&self) -> String {
        format!(
            "\n{} installer (simulated)\n\nEnter installs on the first disk: ",
            self.name()
        )
    }

    fn banner(&self) -> String {
        match self.kind {
            state::System::FreeBsd => format!("FreeBSD/amd64 ({}) (ttyu0)\n\n", self.vm),
            state::System::Linux => format!("Linux {} ttyS0\n\n{} ", self.vm, self.vm),
            state::System::NetBsd => format!("NetBSD/amd64 ({}) (console)\n\n", self.vm),
            state::System::OpenBsd => format!("OpenBSD/amd64 ({}) (tty00)\n\n", self.vm),
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            state::System::FreeBsd => "FreeBSD",
            state::System::Linux => "Linux",
            state::System::NetBsd => "NetBSD",
            state::System::OpenBsd => "OpenBSD",
        }
    }

    fn farewell(ending: Ending) -> String {
        let last = match ending {
            Ending::PowerOff => "The operating system is powering off.",
            Ending::Reboot => "Rebooting...",
            Ending::Halt => "The operating system has halted.",
            _ => return String::new(),
        };
        format!("Stopping services.\nAll buffers synced.\n{last}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Session, System, Wish, state};
    use std::time::Duration;

    fn session() -> Session {
        Session {
            pid: 1,
            vm: "web".into(),
            console: None,
            system: None,
            installs_on: None,
            cpus: 2,
            memory: 1 << 30,
            boot_ms: Some(1000),
            stop_ms: 0,
            screen: None,
            noise: None,
        }
    }

    #[test]
    fn a_system_boots_line_by_line_and_asks_for_a_login_name() {
        for kind in [
            state::System::FreeBsd,
            state::System::Linux,
            state::System::NetBsd,
            state::System::OpenBsd,
        ] {
            let mut system = System::new(kind, &session());
            let first = system.at(Duration::ZERO);
            assert_eq!(first.lines().count(), 1, "{first}");
            assert_eq!(system.type_in(b"root\r"), (String::new(), None));
            let rest = system.at(Duration::from_secs(1));
            assert!(rest.ends_with("login: "), "{rest}");
            assert!(!(first + &rest).contains('{'), "a place is not filled in");
            assert_eq!(system.next(), None);
        }
    }

    #[test]
    fn each_command_ends_it_in_its_way() {
        for (command, ending) in [
            ("poweroff", Ending::PowerOff),
            ("reboot", Ending::Reboot),
            ("halt", Ending::Halt),
            ("fault", Ending::TripleFault),
            ("panic", Ending::Error),
            ("crash", Ending::Signal(6)),
        ] {
            let mut system = System::new(state::System::FreeBsd, &session());
            system.at(Duration::from_secs(9));
            let typed = format!("root\rhostname\r{command}\r");
            let (said, wish) = system.type_in(typed.as_bytes());
            assert!(said.contains("\nweb\n"), "{said}");
            assert_eq!(wish, Some(Wish::End(ending)));
        }
    }

    #[test]
    fn an_installer_asks_installs_and_reboots() {
        let mut system = System::new(
            state::System::Linux,
            &Session {
                installs_on: Some("/vm/web".into()),
                ..session()
            },
        );
        let said = system.at(Duration::from_secs(9));
        assert!(
            said.ends_with("Enter installs on the first disk: "),
            "{said}"
        );
        assert_eq!(system.type_in(b"\r").1, Some(Wish::Install));
        assert_eq!(system.type_in(b"\r").1, Some(Wish::End(Ending::Reboot)));
    }
}
