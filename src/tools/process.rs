//! Processes, as listed by ps(1).
//!
//! Any user can give a process any arguments and title, and a set-uid program started under such a name
//! has effective uid 0. Only features that cannot be forged count: the real uid, and the absence of a
//! jail.
//! ps(1) is used instead of pgrep(1), which compares only the first 2047 bytes of a command line
//! (`bin/pkill/pkill.c`) and not the name of the program's file.

use crate::command::{Command, args};
use crate::model::name::VmName;
use crate::verb::Verb;
use std::ffi::OsString;
use std::path::Path;

/// The identity of a process in the output of ps(1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The pid.
    pub pid: u32,
    /// The real uid.
    pub real_uid: u32,
    /// The jail; 0 for the jail of this process, or none.
    pub jail: u32,
    /// The arguments or its title.
    pub args: String,
}

/// A process and its usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The identity.
    pub who: Who,
    /// The elapsed time, in seconds.
    pub seconds: u64,
    /// The resident memory, in KiB.
    pub resident_kib: u64,
    /// Whether the process ignores SIGTERM, as a bhyve whose guest handles the power button.
    pub ignores_sigterm: bool,
}

impl Usage {
    /// Whether the process is a bhyve whose guest handles its power button: under its title it ignores
    /// SIGTERM (`usr.sbin/bhyve/amd64/pm.c`).
    pub fn listens(&self) -> bool {
        let is_running = matches!(self.who.works_for(), Some((_, Role::Running)));
        is_running && self.ignores_sigterm
    }
}

/// The role of a process for a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// bhyve(8), running: its title is set.
    Running,
    /// bhyve(8), starting.
    Starting,
    /// bhyveload(8) or grub-bhyve, loading.
    Loading,
    /// Only the supervisor of the VM, which is about to start the VM or frees its resources.
    Supervised,
}

/// The columns of an identity. In `-o KEY=` the rest of the word is a heading, so each column needs a
/// separate `-o`.
const WHO: [&str; 4] = ["pid=", "ruid=", "jid=", "args="];
/// The columns of an identity and usage.
const ALL: [&str; 7] = [
    "pid=",
    "ruid=",
    "jid=",
    "etimes=",
    "rss=",
    "sigignore=",
    "args=",
];

/// Lists all processes and their usage:
/// `ps -axww -o pid= -o ruid= -o jid= -o etimes= -o rss= -o sigignore= -o args=`.
pub fn list() -> Command {
    ask("-axww", &ALL, Vec::new())
}

/// Lists all processes: `ps -axww -o pid= -o ruid= -o jid= -o args=`.
pub fn who() -> Command {
    ask("-axww", &WHO, Vec::new())
}

/// Lists one process: `ps -ww -o pid= -o ruid= -o jid= -o args= -p PID`. Status 1 means that the process
/// does not exist.
pub fn who_is(pid: u32) -> Command {
    ask("-ww", &WHO, args!["-p", pid.to_string()])
}

fn ask(how: &str, columns: &[&str], mut which: Vec<OsString>) -> Command {
    let mut words = args![how];
    words.extend(columns.iter().flat_map(|column| args!["-o", column]));
    words.append(&mut which);
    Command::question("ps", words)
}

/// Parses the output of [`list`]; unknown lines are skipped.
pub fn parse(listing: &str) -> Vec<Usage> {
    let parse_line = |line: &str| {
        let ([pid, real_uid, jail, seconds, resident, ignored], args) = columns(line)?;
        let ignored = u128::from_str_radix(ignored.trim_start_matches("0x"), 16).ok()?;
        Some(Usage {
            who: Who::parse([pid, real_uid, jail], args)?,
            seconds: seconds.parse().ok()?,
            resident_kib: resident.parse().ok()?,
            ignores_sigterm: ignored & 0x4000 != 0,
        })
    };
    listing.lines().filter_map(parse_line).collect()
}

/// Parses the output of [`who`] or [`who_is`]; unknown lines are skipped.
pub fn parse_who(listing: &str) -> Vec<Who> {
    let parse_line =
        |line: &str| columns(line).and_then(|(columns, args)| Who::parse(columns, args));
    listing.lines().filter_map(parse_line).collect()
}

/// The first words of a line, and the rest.
fn columns<const COUNT: usize>(line: &str) -> Option<([&str; COUNT], &str)> {
    let mut rest = line.trim_start();
    let mut words = [""; COUNT];
    for word in &mut words {
        (*word, rest) = rest.split_once([' ', '\t'])?;
        rest = rest.trim_start();
    }
    Some((words, rest.trim_end()))
}

/// The verbs of the root side that supervise a VM.
pub(crate) const SUPERVISING: [&str; 4] = ["boot", "restart", "ttyboot", "install"];

impl Who {
    fn parse([pid, real_uid, jail]: [&str; 3], args: &str) -> Option<Self> {
        Some(Self {
            pid: pid.parse().ok()?,
            real_uid: real_uid.parse().ok()?,
            jail: jail.parse().ok()?,
            args: args.to_owned(),
        })
    }

    /// Whether the process belongs to root and is in no other jail: only such processes belong to a VM.
    pub fn is_roots(&self) -> bool {
        self.real_uid == 0 && self.jail == 0
    }

    /// The VM to which this process of root belongs, and its role; names are compared whole. The name in
    /// a title need not be that of a VM.
    ///
    /// After a first word that is not the name of the program's file ps(1) prints that name
    /// (`fmt_argv()` in `bin/ps/fmt.c`): a title appears as `bhyve: NAME (bhyve)`, and the last word of a
    /// program started under another's name is no VM.
    pub fn works_for(&self) -> Option<(&str, Role)> {
        let (name, role) = self.is_roots().then(|| self.claimed_role())??;
        let is_name = role == Role::Running || VmName::parse(name).is_ok();
        is_name.then_some((name, role))
    }

    fn claimed_role(&self) -> Option<(&str, Role)> {
        if let Some(title) = self.args.strip_prefix("bhyve: ") {
            return Some((title.strip_suffix(" (bhyve)")?, Role::Running));
        }
        let mut words = self.args.split_ascii_whitespace();
        let mut program = words.next()?.rsplit('/').next()?;
        if program == "daemon" {
            // The fork of daemon(8), before it becomes its command.
            program = words.find(|word| !word.starts_with('-'))?;
        }
        let role = match program {
            "bhyve" => Role::Starting,
            "bhyveload" | "grub-bhyve" => Role::Loading,
            _ => return None,
        };
        words.last().map(|name| (name, role))
    }

    /// The VM that this process of root supervises: this program, or the sh(1) of a script.
    ///
    /// The program's path may contain blanks; no word precedes its verb.
    pub fn supervises(&self) -> Option<&str> {
        if !self.is_roots() {
            return None;
        }
        let name = if self.args.starts_with('/') {
            let (_, rest) = self.args.split_once(" root-")?;
            let mut words = rest.split_ascii_whitespace();
            let verb = words.next()?;
            words.next().filter(|_| SUPERVISING.contains(&verb))?
        } else {
            let (_, name) = self.args.strip_prefix("sh -c ")?.rsplit_once(' ')?;
            name.strip_prefix("supervise-")?
        };
        VmName::parse(name).is_ok().then_some(name)
    }

    /// Whether the arguments are those of a cu(1) on this line; reliable only for root's processes.
    pub fn is_on_line(&self, line: &Path) -> bool {
        let line = line.to_string_lossy();
        let mut words = self.args.split_ascii_whitespace();
        let program = words.next().and_then(|word| word.rsplit('/').next());
        // The name of another program's file would follow.
        program == Some("cu") && !self.args.ends_with(')') && words.any(|word| word == line)
    }

    /// Whether these are the arguments of a bhyve(8) that waits for a viewer of its framebuffer before the
    /// guest starts. Under its title a bhyve waits no more.
    pub fn waits_for_viewer(&self) -> bool {
        let is_framebuffer = |word: &&str| word.contains(",fbuf,");
        let mut words = self.args.split_ascii_whitespace().filter(is_framebuffer);
        words.any(|word| word.split(',').any(|option| option == "wait"))
    }

    /// Whether the process runs this program under this title.
    pub fn has_title(&self, title: &str, program: &str) -> bool {
        self.args
            .strip_prefix(title)
            .is_some_and(|behind| *behind == *format!(" ({program})"))
    }

    /// The real uid, jail and arguments: `UID JAIL ARGS`.
    pub fn shown(&self) -> String {
        format!("{} {} {}", self.real_uid, self.jail, self.args)
    }

    /// The verb with which the process supervises a VM on a terminal, if it does.
    pub fn on_terminal(&self) -> Option<Verb> {
        self.supervises()?;
        let (_, words) = self.args.split_once(" root-")?;
        let verb = words.split_ascii_whitespace().next()?;
        let on_terminal = [Verb::Ttyboot, Verb::Install];
        on_terminal.into_iter().find(|one| one.as_str() == verb)
    }

    /// The role and pid, in words that follow the VM's name.
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

/// The name of a script's supervisor of the VM: `supervise-NAME`.
pub fn name_of_supervision(vm: &VmName) -> String {
    format!("supervise-{vm}")
}

#[cfg(test)]
mod tests {
    use super::{Role, Usage, Who, list, parse, parse_who, who, who_is};
    use std::path::Path;

    #[test]
    fn the_arguments_are_those_of_ps() {
        assert_eq!(
            list().to_string(),
            "ps -axww -o pid= -o ruid= -o jid= -o etimes= -o rss= -o sigignore= -o args="
        );
        let columns = "-o pid= -o ruid= -o jid= -o args=";
        assert_eq!(who().to_string(), format!("ps -axww {columns}"));
        assert_eq!(
            who_is(4711).to_string(),
            format!("ps -ww {columns} -p 4711")
        );
    }

    #[test]
    fn lines_become_processes() {
        let listing = "    1 0 0    900  1024        1004000 /sbin/init\n \
            4711 1001 7 65 1048576 4000 bhyve: fbsd0 (bhyve)\nnonsense\n";
        let other = Who {
            pid: 4711,
            real_uid: 1001,
            jail: 7,
            ..process("bhyve: fbsd0 (bhyve)")
        };
        assert_eq!(
            parse(listing),
            [
                Usage {
                    who: Who {
                        pid: 1,
                        ..process("/sbin/init")
                    },
                    seconds: 900,
                    resident_kib: 1024,
                    ignores_sigterm: true,
                },
                Usage {
                    who: other.clone(),
                    seconds: 65,
                    resident_kib: 1_048_576,
                    ignores_sigterm: true,
                },
            ]
        );
        let listing = "4711 1001 7 bhyve: fbsd0 (bhyve)\n1 0\n";
        assert_eq!(parse_who(listing), [other]);
    }

    /// A process of root with these arguments.
    fn process(args: &str) -> Who {
        Who {
            pid: 1,
            real_uid: 0,
            jail: 0,
            args: args.into(),
        }
    }

    #[test]
    fn a_process_is_told_by_its_whole_name() {
        let long = format!("bhyveload -m 1G -d /vm/{} web", "d".repeat(3000));
        for (args, role) in [
            ("bhyve: fbsd0 (bhyve)", Some(("fbsd0", Role::Running))),
            ("bhyve: fbsd0 (sudo)", None),
            ("bhyve: fbsd0 (bhyve) (sudo)", None),
            ("bhyve: fbsd0", None),
            ("bhyve: fbsd 0 (bhyve)", Some(("fbsd 0", Role::Running))),
            (
                "bhyve -u -A -c 1 -l com1,stdio fbsd0",
                Some(("fbsd0", Role::Starting)),
            ),
            ("bhyve -c 1 fbsd0 (sudo)", None),
            (
                "/usr/sbin/bhyveload -m 1G -d /dev/zvol/z/fbsd0 fbsd00",
                Some(("fbsd00", Role::Loading)),
            ),
            (
                "grub-bhyve -r hd0,msdos1 deb0",
                Some(("deb0", Role::Loading)),
            ),
            (&long, Some(("web", Role::Loading))),
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

    #[test]
    fn a_supervisor_is_told_by_its_words() {
        for (args, vm) in [
            ("/usr/local/bin/easy-bhyve root-boot web cpu=1", Some("web")),
            ("/a b/easy-bhyve root-install web cpu=1", Some("web")),
            ("/usr/local/bin/easy-bhyve root-clean web cpu=1", None),
            ("easy-bhyve root-boot web cpu=1", None),
            ("sh -c set -eu^Jexit supervise-web", Some("web")),
            ("sh -c set -eu^Jexit supervise-web (sudo)", None),
            ("sh supervise-web", None),
        ] {
            assert_eq!(process(args).supervises(), vm, "{args}");
        }
    }

    #[test]
    fn nobody_but_root_works_for_a_vm_and_nobody_in_a_jail() {
        let works = process("bhyve: web (bhyve)");
        let supervises = process("sh -c x supervise-web");
        for (real_uid, jail) in [(1001, 0), (0, 7), (1001, 7)] {
            for process in [&works, &supervises] {
                let other = Who {
                    real_uid,
                    jail,
                    ..process.clone()
                };
                assert_eq!((other.works_for(), other.supervises()), (None, None));
            }
        }
    }

    #[test]
    fn a_cu_is_on_its_line_only_as_cu() {
        let line = Path::new("/dev/nmdm1B");
        for (args, is_on_it) in [
            ("cu -l /dev/nmdm1B", true),
            ("/usr/bin/cu -s 9600 -l /dev/nmdm1B", true),
            ("cu -l /dev/nmdm11B", false),
            ("cu -l /dev/nmdm1B (sleep)", false),
        ] {
            assert_eq!(process(args).is_on_line(line), is_on_it, "{args}");
        }
    }
}
