//! Processes: ps(1), pgrep(1), pkill(1).

use crate::command::{Command, args};
use crate::model::name::VmName;
use crate::plan::Test;

/// One process as ps(1) shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// How long it has run, in seconds.
    pub seconds: u64,
    /// Its resident memory, in KiB.
    pub resident_kib: u64,
    /// Whether it ignores SIGTERM: a bhyve whose guest listens to the power button does.
    pub ignores_sigterm: bool,
    /// Its arguments or its title.
    pub args: String,
}

/// What a process does for a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// bhyve(8), running: its title is set.
    Running,
    /// bhyve(8), starting.
    Starting,
    /// bhyveload(8) or grub-bhyve, loading.
    Loading,
    /// Only what supervises the VM: it is about to start it, or frees everything.
    Supervised,
}

impl Role {
    /// As a state of the VM.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting | Self::Supervised => "starting",
            Self::Loading => "loading",
        }
    }
}

/// Asks for all processes: `ps -axww -o pid= -o etimes= -o rss= -o sigignore= -o args=`.
pub fn list() -> Command {
    Command::question(
        "ps",
        args![
            "-axww",
            "-o",
            "pid=",
            "-o",
            "etimes=",
            "-o",
            "rss=",
            "-o",
            "sigignore=",
            "-o",
            "args="
        ],
    )
}

/// Reads the output of [`list`]; lines that are not known are passed over.
pub fn parse(listing: &str) -> Vec<Process> {
    listing.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Process> {
    let mut rest = line.trim_start();
    let mut word = || {
        let (word, after) = rest.split_once([' ', '\t'])?;
        rest = after.trim_start();
        Some(word)
    };
    let (pid, seconds, resident, ignored) = (word()?, word()?, word()?, word()?);
    let ignored = u128::from_str_radix(ignored.trim_start_matches("0x"), 16).ok()?;
    Some(Process {
        pid: pid.parse().ok()?,
        seconds: seconds.parse().ok()?,
        resident_kib: resident.parse().ok()?,
        ignores_sigterm: ignored & 0x4000 != 0,
        args: rest.trim_end().to_owned(),
    })
}

/// The verbs of the root side that supervise a VM.
const SUPERVISING: [&str; 4] = ["boot", "restart", "ttyboot", "install"];

impl Process {
    /// The VM that this process works for, and how.
    ///
    /// A title is shown as `bhyve: NAME (bhyve)`; names are compared whole.
    pub fn works_for(&self) -> Option<(&str, Role)> {
        if let Some(title) = self.args.strip_prefix("bhyve: ") {
            return Some((
                title.strip_suffix(" (bhyve)").unwrap_or(title),
                Role::Running,
            ));
        }
        let mut words = self.args.split_ascii_whitespace();
        let mut program = words.next()?.rsplit('/').next()?;
        if program == "daemon" {
            // What daemon(8) has forked, and has not become its command yet.
            program = words.find(|word| !word.starts_with('-'))?;
        }
        let role = match program {
            "bhyve" => Role::Starting,
            "bhyveload" | "grub-bhyve" => Role::Loading,
            _ => return None,
        };
        words.last().map(|name| (name, role))
    }

    /// The VM that this process supervises: this program as root, or the sh(1) of a script.
    ///
    /// The program's path may have blanks, and no word before its verb.
    pub fn supervises(&self) -> Option<&str> {
        if self.args.starts_with('/') {
            let (_, rest) = self.args.split_once(" root-")?;
            let mut words = rest.split_ascii_whitespace();
            let verb = words.next()?;
            return words.next().filter(|_| SUPERVISING.contains(&verb));
        }
        let (_, name) = self.args.strip_prefix("sh -c ")?.rsplit_once(' ')?;
        name.strip_prefix("supervise-")
    }

    /// Whether it supervises a VM that is on its terminal.
    pub fn has_terminal(&self) -> bool {
        let on_terminal = [" root-ttyboot ", " root-install "];
        self.supervises().is_some() && on_terminal.iter().any(|verb| self.args.contains(verb))
    }

    /// What it does, in words that follow the VM's name.
    pub fn does(&self, role: Role) -> String {
        let does = match role {
            Role::Running => "is running",
            Role::Starting => "is starting",
            Role::Loading => "is being loaded",
            Role::Supervised => "is being started or freed",
        };
        format!("{does} (pid {})", self.pid)
    }
}

/// Whether the VM's bhyve runs: `pgrep -qxf 'bhyve: NAME'`.
pub fn is_running(vm: &VmName) -> Test {
    Test::Succeeds(Command::question("pgrep", args!["-qxf", vm.title()]))
}

/// The extended regular expression for a bhyve of this VM, whether its title is set or not, or the
/// daemon(8) that is about to become it.
fn any_bhyve(vm: &str) -> String {
    format!("^(daemon .* )?bhyve(:| .*) {vm}$")
}

/// Whether a bhyve works for the VM, also one that is just starting:
/// `pgrep -qf '^(daemon .* )?bhyve(:| .*) NAME$'`.
pub fn is_alive(vm: &VmName) -> Test {
    matches_any(&any_bhyve(vm.as_str()))
}

/// The extended regular expression for a loader of this VM.
fn any_loader(vm: &VmName) -> String {
    format!("^(bhyveload|grub-bhyve) .* {vm}$")
}

/// Whether a loader works for the VM: `pgrep -qf '^(bhyveload|grub-bhyve) .* NAME$'`.
pub fn is_loading(vm: &VmName) -> Test {
    matches_any(&any_loader(vm))
}

/// Ends the VM's loader: `pkill -TERM -f '^(bhyveload|grub-bhyve) .* NAME$'`. Status 1 says that it
/// has ended already.
pub fn end_loader(vm: &VmName) -> Command {
    end("-TERM", &any_loader(vm))
}

/// The extended regular expression for a loader or a bhyve of this VM.
fn any_worker(vm: &VmName) -> String {
    format!("^((daemon .* )?bhyve(:| .*)|(bhyveload|grub-bhyve) .*) {vm}$")
}

/// Whether a loader or a bhyve works for the VM:
/// `pgrep -qf '^((daemon .* )?bhyve(:| .*)|(bhyveload|grub-bhyve) .*) NAME$'`.
pub fn is_at_work(vm: &VmName) -> Test {
    matches_any(&any_worker(vm))
}

/// Kills what works for the VM, with the same pattern: `pkill -KILL -f PATTERN`. Status 1 says that
/// it has ended already.
pub fn kill_any(vm: &VmName) -> Command {
    end("-KILL", &any_worker(vm))
}

/// The name by which a script's supervision of the VM goes: `supervise-NAME`.
pub fn name_of_supervision(vm: &VmName) -> String {
    format!("supervise-{vm}")
}

/// Asks one process to end: `kill -TERM PID`. Status 1 says that it has ended already.
///
/// What supervises a VM then takes the guest's next end for its last; before the VM runs, it takes
/// back the start.
pub fn end_one(pid: u32) -> Command {
    Command::root("kill", args!["-TERM", pid.to_string()]).accept(&[0, 1])
}

/// Whether there is a process of this number: `ps -o pid= -p PID`.
pub fn is_there(pid: u32) -> Test {
    Test::Succeeds(Command::question(
        "ps",
        args!["-o", "pid=", "-p", pid.to_string()],
    ))
}

/// Whether a bhyve works for one of these VMs, also one that is just starting:
/// `pgrep -qf '^(daemon .* )?bhyve(:| .*) (NAME|NAME)$'`.
pub fn any_is_alive<'vm>(vms: impl Iterator<Item = &'vm VmName>) -> Test {
    let names: Vec<&str> = vms.map(VmName::as_str).collect();
    matches_any(&match names.as_slice() {
        [one] => any_bhyve(one),
        several => any_bhyve(&format!("({})", several.join("|"))),
    })
}

fn matches_any(pattern: &str) -> Test {
    Test::Succeeds(Command::question("pgrep", args!["-qf", pattern]))
}

fn end(signal: &str, pattern: &str) -> Command {
    Command::root("pkill", args![signal, "-f", pattern]).accept(&[0, 1])
}

/// Presses the VM's power button: `pkill -TERM -xf 'bhyve: NAME'`.
pub fn press_power_button(vm: &VmName) -> Command {
    Command::root("pkill", args!["-TERM", "-xf", vm.title()])
}

/// Kills a bhyve that works for the VM, also one that is just starting:
/// `pkill -KILL -f '^(daemon .* )?bhyve(:| .*) NAME$'`. Status 1 says that it has ended already.
pub fn kill(vm: &VmName) -> Command {
    end("-KILL", &any_bhyve(vm.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{
        Process, Role, is_alive, is_running, kill, kill_any, list, parse, press_power_button,
    };
    use crate::command::Command;
    use crate::model::name::VmName;
    use crate::plan::Test;

    #[test]
    fn the_arguments_are_those_of_ps_pgrep_and_pkill() {
        let vm = VmName::parse("fbsd0").expect("a name");
        assert_eq!(
            list().to_string(),
            "ps -axww -o pid= -o etimes= -o rss= -o sigignore= -o args="
        );
        assert_eq!(
            press_power_button(&vm).to_string(),
            "pkill -TERM -xf 'bhyve: fbsd0'"
        );
        assert_eq!(
            kill(&vm).to_string(),
            "pkill -KILL -f '^(daemon .* )?bhyve(:| .*) fbsd0$'"
        );
        assert_eq!(
            kill_any(&vm).to_string(),
            "pkill -KILL -f '^((daemon .* )?bhyve(:| .*)|(bhyveload|grub-bhyve) .*) fbsd0$'"
        );
        let question = Command::question(
            "pgrep",
            crate::command::args!["-qf", "^(daemon .* )?bhyve(:| .*) fbsd0$"],
        );
        assert_eq!(is_alive(&vm), Test::Succeeds(question));
        let question = Command::question("pgrep", crate::command::args!["-qxf", "bhyve: fbsd0"]);
        assert_eq!(is_running(&vm), Test::Succeeds(question));
    }

    #[test]
    fn lines_become_processes() {
        let listing = "    1    900  1024        1004000 /sbin/init\n \
            4711 65 1048576 4000 bhyve: fbsd0 (bhyve)\nnonsense\n";
        assert_eq!(
            parse(listing),
            [
                Process {
                    pid: 1,
                    seconds: 900,
                    resident_kib: 1024,
                    ignores_sigterm: true,
                    args: "/sbin/init".into()
                },
                Process {
                    pid: 4711,
                    seconds: 65,
                    resident_kib: 1_048_576,
                    ignores_sigterm: true,
                    args: "bhyve: fbsd0 (bhyve)".into()
                },
            ]
        );
    }

    #[test]
    fn a_process_is_told_by_its_whole_name() {
        let process = |args: &str| Process {
            pid: 1,
            seconds: 0,
            resident_kib: 0,
            ignores_sigterm: false,
            args: args.into(),
        };
        for (args, role) in [
            ("bhyve: fbsd0 (bhyve)", Some(("fbsd0", Role::Running))),
            ("bhyve: fbsd", Some(("fbsd", Role::Running))),
            (
                "bhyve -u -A -c 1 -l com1,stdio fbsd0",
                Some(("fbsd0", Role::Starting)),
            ),
            (
                "/usr/sbin/bhyveload -m 1G -d /dev/zvol/z/fbsd0 fbsd00",
                Some(("fbsd00", Role::Loading)),
            ),
            (
                "grub-bhyve -r hd0,msdos1 deb0",
                Some(("deb0", Role::Loading)),
            ),
            ("vi bhyve: fbsd0", None),
            ("doas bhyve -c 1 fbsd0", None),
            (
                "daemon -c -f bhyve -c 1 -l com1,/dev/nmdm1A fbsd0",
                Some(("fbsd0", Role::Starting)),
            ),
            ("daemon -f sleep fbsd0", None),
        ] {
            assert_eq!(process(args).works_for(), role, "{args}");
        }
    }
}
