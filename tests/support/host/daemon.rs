//! daemon(8): usr.sbin/daemon/daemon.c.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Host;
use super::call::{Answer, Call, Status};
use super::live::Session;
use super::process::Supervisor;
use super::words::Words;

const LONG: [(&str, bool); 16] = [
    ("change-dir", false),
    ("close-fds", false),
    ("sighup", false),
    ("syslog", false),
    ("output-file", true),
    ("output-mask", true),
    ("child-pidfile", true),
    ("supervisor-pidfile", true),
    ("restart", false),
    ("restart-delay", true),
    ("title", true),
    ("user", true),
    ("syslog-priority", true),
    ("syslog-facility", true),
    ("syslog-tag", true),
    ("help", false),
];

const USAGE: &str = "usage: daemon [-cfHrS] [-p child_pidfile] [-P supervisor_pidfile]\n              \
     [-u user] [-o output_file] [-t title]\n              \
     [-l syslog_facility] [-s syslog_priority]\n              \
     [-T syslog_tag] [-m output_mask] [-R restart_delay_secs]\ncommand arguments ...";

/// What a command line of daemon(8) asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// The command, program first.
    pub command: Vec<String>,
    /// `-c`: the command runs in `/`.
    pub changes_directory: bool,
    /// `-f`: the standard streams are `/dev/null`.
    pub is_quiet: bool,
    /// `-o`: the file for the output.
    pub output: Option<PathBuf>,
    /// `-p` and `-P`: files for the pid of the command and of daemon itself.
    pub pidfiles: [Option<PathBuf>; 2],
    /// Milliseconds to wait before it starts the command again; `None`: not again.
    pub restart_ms: Option<u64>,
    /// Whether daemon stays as the parent of the command.
    pub supervises: bool,
    /// `-t`, or else the program.
    pub title: String,
}

impl Daemon {
    fn parse(host: &Host, args: &[String]) -> Result<Self, Answer> {
        let long: &[(&str, bool)] = if host.state.major() >= 14 { &LONG } else { &[] };
        let spec = if host.state.osreldate >= 1_501_000 {
            "cfHSp:P:ru:o:s:l:t:m:R:T:hC:"
        } else {
            "cfHSp:P:ru:o:s:l:t:m:R:T:h"
        };
        let words = Words::parse_long(args, spec, long)
            .map_err(|error| Answer::fail(1, format!("daemon: {error}")).and_err(USAGE))?;
        let has = |short: &str, name: &str| words.has(short) || words.has(&format!("--{name}"));
        let value = |short: &str, name: &str| {
            words
                .last(short)
                .or_else(|| words.last(&format!("--{name}")))
                .map(str::to_owned)
        };
        let Some(program) = words.operands.first() else {
            return Err(Answer::fail(1, USAGE));
        };
        let pidfiles = [
            value("p", "child-pidfile").map(PathBuf::from),
            value("P", "supervisor-pidfile").map(PathBuf::from),
        ];
        let output = value("o", "output-file").map(PathBuf::from);
        let delay = value("R", "restart-delay").and_then(|text| text.parse::<u64>().ok());
        let restarts = has("r", "restart") || has("R", "restart-delay");
        Ok(Self {
            changes_directory: has("c", "change-dir"),
            is_quiet: has("f", "close-fds"),
            restart_ms: restarts.then_some(delay.unwrap_or(1) * 1000),
            supervises: restarts
                || output.is_some()
                || pidfiles.iter().any(Option::is_some)
                || ["S", "s", "l", "T"].iter().any(|letter| words.has(letter)),
            title: value("t", "title").unwrap_or_else(|| program.clone()),
            command: words.operands,
            output,
            pidfiles,
        })
    }

    /// Refuses if an output or pid file cannot be opened.
    fn open_files(&self, host: &mut Host) -> Result<(), Answer> {
        if let Some(file) = &self.output
            && let Err(errno) = host.append(file, b"")
        {
            let text = format!("daemon: open: {}", errno.text());
            return Err(Answer::fail(7, text));
        }
        for file in self.pidfiles.iter().flatten() {
            if let Some(pid) = host
                .pid_in(file)
                .filter(|pid| host.state.processes.contains_key(pid))
            {
                let text = format!("daemon: process already running, pid: {pid}");
                return Err(Answer::fail(3, text));
            }
            if let Err(errno) = host.files_mut().write(file, b"") {
                let text = format!(
                    "daemon: can't open pidfile ``{}'': {}",
                    file.display(),
                    errno.text()
                );
                return Err(Answer::fail(2, text));
            }
        }
        Ok(())
    }
}

/// Runs `daemon [options] command ...`: exits 0 as soon as the command has started.
pub(super) fn run(host: &mut Host, call: &Call, depth: u32) -> Answer {
    let daemon = match Daemon::parse(host, &call.words()) {
        Ok(daemon) => daemon,
        Err(answer) => return answer,
    };
    if let Err(answer) = daemon.open_files(host) {
        return answer;
    }
    if host.state.real_time {
        host.session = Some(Session::Detach(daemon, call.uid));
        return Answer::of(Status::Running);
    }
    let mut parent = 1;
    if daemon.supervises {
        let mut argv = vec!["daemon"];
        argv.extend(daemon.command.iter().map(String::as_str));
        parent = host.add_process(call.uid, 1, "daemon", &argv);
    }
    let mut inner = call.inner(&daemon.command);
    inner.background = true;
    inner.parent = parent;
    inner.tty = call.tty && !daemon.is_quiet;
    let before = host.state.next_pid;
    let answer = start(host, &inner, depth);
    let child = host
        .state
        .processes
        .keys()
        .copied()
        .find(|pid| *pid >= before);
    if let Some(file) = &daemon.output {
        let _ = host.append(
            file,
            &[answer.stdout.clone(), answer.stderr.clone()].concat(),
        );
    }
    if daemon.supervises {
        supervise(host, parent, child, &daemon);
    }
    if daemon.is_quiet || daemon.output.is_some() {
        return Answer::ok();
    }
    Answer {
        status: Status::Exit(0),
        ..answer
    }
}

/// Starts the command in the background.
fn start(host: &mut Host, inner: &Call, depth: u32) -> Answer {
    let program = inner.program();
    if host.has_program(&program) {
        return host.exec(inner, depth + 1);
    }
    if Host::is_foreign(inner) {
        host.add_called(inner);
        return Answer::ok();
    }
    Answer::exit(1).and_err(format!("daemon: {program}: No such file or directory"))
}

/// Makes a process the supervisor of its child.
fn supervise(host: &mut Host, parent: i32, child: Option<i32>, daemon: &Daemon) {
    for (file, pid) in daemon.pidfiles.iter().zip([child, Some(parent)]) {
        if let (Some(file), Some(pid)) = (file, pid) {
            let _ = host.files_mut().write(file, pid.to_string().as_bytes());
        }
    }
    let now = host.state.clock_ms;
    if let Some(process) = host.state.processes.get_mut(&parent) {
        process.title = child.map(|pid| format!("daemon: {}[{pid}]", daemon.title));
        process.supervisor = Some(Supervisor {
            child,
            restart_ms: daemon.restart_ms,
            due: daemon
                .restart_ms
                .filter(|_| child.is_none())
                .map(|delay| now + delay),
            command: daemon.command.clone(),
            pidfiles: daemon.pidfiles.iter().flatten().cloned().collect(),
        });
    }
    if child.is_none() && daemon.restart_ms.is_none() {
        host.end_process(parent, Status::Exit(1));
    }
}

/// Starts the command of a supervising daemon again.
pub(super) fn start_child(host: &mut Host, parent: i32, uid: u32, command: &[String]) {
    let mut call = Call::new(command);
    (call.uid, call.parent, call.background) = (uid, parent, true);
    let before = host.state.next_pid;
    start(host, &call, 0);
    let child = host
        .state
        .processes
        .keys()
        .copied()
        .find(|pid| *pid >= before);
    let now = host.state.clock_ms;
    if let Some(supervisor) = host
        .state
        .processes
        .get_mut(&parent)
        .and_then(|process| process.supervisor.as_mut())
    {
        supervisor.child = child;
        if child.is_none() {
            supervisor.due = supervisor.restart_ms.map(|delay| now + delay);
        }
    }
}

impl Host {
    fn append(&mut self, path: &Path, more: &[u8]) -> Result<(), super::Errno> {
        let mut content = self.files().read(path).unwrap_or_default();
        content.extend_from_slice(more);
        self.files_mut().write(path, &content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BHYVE: [&str; 6] = ["bhyve", "-m", "512M", "-s", "2:0,virtio-net,tap0", "web"];

    fn host() -> Host {
        Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_tap("tap0", "")
            .with_commands(&["bhyveload -m 512M -d /dev/zvol/zroot/vm/web web"])
    }

    fn daemon(options: &[&str]) -> Call {
        let mut argv = vec!["daemon"];
        argv.extend(options);
        argv.extend(BHYVE);
        Call::new(argv).by_root()
    }

    #[test]
    fn the_vm_runs_on_in_the_background() {
        let mut host = host();
        assert_eq!(host.run(&daemon(&["-f"])), Answer::ok());
        host.advance(1.0);
        let pid = host.state.bhyve_of("web").expect("web runs");
        assert_eq!(host.state.processes[&pid].ppid, 1);
        assert_eq!(host.calls().len(), 2);
    }

    #[test]
    fn a_failed_start_of_the_command_is_a_success_of_daemon() {
        let mut host = Host::freebsd(14);
        assert_eq!(host.run(&daemon(&["-f"])), Answer::ok());
        host.state.vms.clear();
        assert_eq!(
            host.run(&daemon(&[])).whole(),
            (
                Status::Exit(0),
                String::new(),
                "virtual machine cannot be booted\n".into()
            )
        );
        let missing = Call::new(["daemon", "nosuch"]).by_root();
        assert_eq!(
            host.run(&missing).stderr(),
            "daemon: nosuch: No such file or directory\n"
        );
    }

    #[test]
    fn a_pid_file_is_kept_while_the_vm_runs() {
        let mut host = host();
        let file = Path::new("/var/run/web.pid");
        host.run(&daemon(&["-f", "-p", "/var/run/web.pid"]));
        let pid = host.state.bhyve_of("web");
        assert_eq!(host.pid_in(file), pid);
        assert_eq!(
            host.run(&daemon(&["-f", "-p", "/var/run/web.pid"]))
                .stderr(),
            format!(
                "daemon: process already running, pid: {}\n",
                pid.unwrap_or(0)
            )
        );
        host.run(&Call::new(["bhyvectl", "--vm=web", "--force-poweroff"]).by_root());
        assert!(!host.files().exists(file));
    }

    #[test]
    fn with_r_it_starts_bhyve_again_after_power_off() {
        let mut host = host();
        host.run(&daemon(&["-f", "-r"]));
        let first = host.state.bhyve_of("web");
        host.run(&Call::new(["bhyvectl", "--vm=web", "--force-poweroff"]).by_root());
        assert_eq!(host.state.bhyve_of("web"), None);
        host.advance(1.1);
        let second = host.state.bhyve_of("web");
        assert!(second.is_some() && second != first);
    }
}
