//! A boot on a cold host, whose programs are stubs that answer at once, and the same commands in sh(1).
//!
//! The root side reads no environment, so this program itself is easy-bhyve on that host: as a copy with
//! the name `easy-bhyve`, whose directory is the host.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use easy_bhyve::process::Places;

use super::ground::{CONFIGURATION, Ground, Size, write_stub};

const PROGRAM: &str = "easy-bhyve";

/// The file to which the stubs add the words of their calls, while it exists.
const CALLS: &str = "calls";

/// How long easy-bhyve waits before it first looks for the title of bhyve.
const FIRST_LOOK: Duration = Duration::from_millis(40);

/// How long the guest of a stub runs.
const LIFE: &str = "0.2";

/// How long the supervisor of a guest may need to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs this process as easy-bhyve on a cold host, if it was called so; its exit status.
pub(super) fn serve() -> Option<u8> {
    let program = std::env::current_exe().ok()?;
    let host = program.parent()?;
    let is_called = program.file_name()? == PROGRAM;
    is_called.then(|| {
        easy_bhyve::start_at(Places {
            search_path: host.join("bin").to_string_lossy().into_owned(),
            devices: host.join("dev"),
            run: host.join("run"),
            logs: host.join("logs"),
            ..Places::default()
        })
    })
}

/// Asked about one process, ps(1) says that it is the guest, with its title.
const PS: &str = "\
case $* in *' -p '*)
    read -r guest <\"${0%/*}/../guest\"
    for pid; do :; done
    echo \"$pid 0 0 bhyve: $guest (bhyve)\"
esac";

/// The stub programs that only a real boot runs, with what they do.
const STUBS: [(&str, &str); 8] = [
    ("kill", ":"),
    ("kldload", ":"),
    ("bhyveload", ":"),
    ("bhyvectl", ":"),
    // As with daemon(8), the program keeps the streams of the caller.
    ("daemon", "shift; exec 3<&0; \"$@\" <&3 3<&- &"),
    ("timeout", "shift 3; exec \"$@\""),
    ("doas", "exec \"$@\""),
    ("bhyve", ""),
];

/// A host on which no VM has run.
pub(super) struct Cold {
    host: PathBuf,
}

impl Cold {
    /// Makes the host in this directory; `devices` has its disks, and `answers` are the output of the
    /// programs that are asked.
    pub(super) fn make(host: PathBuf, devices: &Path, answers: &[(&str, &str)]) -> Result<Self> {
        let cold = Self { host };
        for directory in ["bin", "dev", "logs", "run"] {
            fs::create_dir_all(cold.host.join(directory))?;
        }
        symlink(devices.join("zvol"), cold.host.join("dev/zvol"))?;
        fs::copy(std::env::current_exe()?, cold.host.join(PROGRAM))?;
        let calls = cold.host.join(CALLS);
        let calls = calls.display();
        let tally = format!("[ ! -e '{calls}' ] || echo \"${{0##*/}} $*\" >>'{calls}'");
        let bin = cold.host.join("bin");
        for (name, answer) in answers {
            let does = match *name {
                "ps" => PS.to_owned(),
                _ => format!("printf '%s\\n' '{answer}'"),
            };
            write_stub(&bin.join(name), &format!("{tally}\n{does}"))?;
        }
        for (name, does) in STUBS {
            let does = match name {
                "bhyve" => format!("/bin/sleep {LIFE}; exit 1"),
                _ => does.to_owned(),
            };
            write_stub(&bin.join(name), &format!("{tally}\n{does}"))?;
        }
        Ok(cold)
    }

    /// Boots a VM, and waits until it has ended; how long the boot took.
    pub(super) fn boot(&self, ground: &Ground, size: Size) -> Result<Duration> {
        let vm = size.vm();
        fs::write(self.host.join("guest"), &vm)?;
        let mut command = Command::new(self.host.join(PROGRAM));
        command
            .args(["boot", &vm, "--config", CONFIGURATION])
            .current_dir(ground.directory(size))
            .env_clear()
            .stdin(Stdio::null());
        let begun = Instant::now();
        let output = command.output()?;
        let time = begun.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
        let record = self.host.join("run").join(format!("{vm}.json"));
        while !fs::read_to_string(&record)?.contains("\"ended\"") {
            ensure!(begun.elapsed() < PATIENCE, "{vm} did not end");
            sleep(Duration::from_millis(5));
        }
        Ok(time)
    }

    /// Runs the commands of such a boot in sh(1), with the wait before the first look for bhyve.
    pub(super) fn commands(&self, size: Size) -> Result<Duration> {
        let script = self.host.join(size.vm());
        let begun = Instant::now();
        let status = Command::new("/bin/sh")
            .arg(script)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        let time = begun.elapsed();
        ensure!(status.success(), "the script ended with {status}");
        // The guest of the script.
        sleep(Duration::from_millis(300));
        Ok(time)
    }

    /// Boots a VM to write the script of [`Self::commands`] from its commands.
    pub(super) fn record(&self, ground: &Ground, size: Size) -> Result<()> {
        let calls = self.host.join(CALLS);
        fs::write(&calls, "")?;
        self.boot(ground, size)?;
        let ran = fs::read_to_string(&calls)?;
        fs::remove_file(&calls)?;
        let script = script(&ran, &self.host.join("bin"));
        let script = script.with_context(|| format!("no boot in:\n{ran}"))?;
        fs::write(self.host.join(size.vm()), script)?;
        Ok(())
    }
}

/// The commands of a boot as a script, up to the first look for bhyve.
fn script(ran: &str, bin: &Path) -> Option<String> {
    let mut lines = ran.lines();
    let mut script = String::new();
    loop {
        let line = lines.next()?;
        let (program, words) = line.split_once(' ')?;
        let words = match program {
            // What they run is called by itself.
            "doas" => "true".to_owned(),
            "daemon" => "-c true".to_owned(),
            "timeout" => "-k 5 120 true".to_owned(),
            "bhyve" => format!("{words} &\n/bin/sleep {}", FIRST_LOOK.as_secs_f64()),
            _ => words.to_owned(),
        };
        writeln!(script, "{}/{program} {words}", bin.display()).ok()?;
        if program == "ps" && line.contains(" -p ") {
            return Some(script);
        }
    }
}
