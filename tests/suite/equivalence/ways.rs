//! How the program and its script run on a host: as processes, or the program in this process.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use super::left::{Left, SCRATCH, left, left_in_process, normal};
use super::step::{Failure, Way};
use super::{Case, Usually};
use crate::call::{Said, call};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::host::firmware::SHARE;
use crate::machine::Machine;
use crate::variety::Numbers;
use crate::wait::output_of;

/// On one of this many states the program runs as processes.
const BY_PROCESSES: u64 = 11;

/// The directory of a machine that exists only in this process.
const NOWHERE: &str = "/eb.machine";

/// The result of a run.
pub(super) struct Ran {
    pub(super) left: Left,
    pub(super) said: Spoken,
    /// Whether the intended step failed.
    pub(super) is_hit: bool,
}

/// A text with all that always differs between two runs replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) status: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Spoken {
    /// On a machine in this directory.
    pub(super) fn of(output: &Output, directory: &Path) -> Self {
        let text = |bytes: &[u8]| normal(&String::from_utf8_lossy(bytes), directory);
        Self {
            status: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// In this process.
    fn new(said: Said) -> Self {
        let text = |text: String| normal(&text, Path::new(NOWHERE));
        Self {
            status: Some(said.status.into()),
            out: text(said.out),
            err: text(said.err),
        }
    }
}

impl Case<'_> {
    /// The files of the VM, as directories below the machine's directory and names.
    fn files(&self) -> Vec<(&'static str, String)> {
        let mut numbers = Numbers::new(self.seed, &self.about.vm);
        let mut files = Vec::new();
        for iso in self.about.isos() {
            if !numbers.once_in(25) {
                files.push(("iso", iso.to_owned()));
            }
        }
        for image in self.about.images() {
            if self.form.usually != Usually::NoDisk && !numbers.once_in(12) {
                files.push(("vm", image.to_owned()));
            }
        }
        files
    }

    /// A machine with this host, and the files of the VM.
    fn machine(&self, host: &Host, config: &str, failure: Option<&Failure>, way: Way) -> Machine {
        let mut host = host.clone();
        if let Some(failure) = failure {
            failure.order(way, &mut host);
        }
        // Some waits end at their limit.
        host.state.pace = 4;
        let machine = Machine::new(host, config);
        for (directory, name) in self.files() {
            std::fs::write(machine.path().join(directory).join(name), "a system").unwrap();
        }
        machine
    }

    /// The same in this process, and the output of the program with some further words.
    pub(super) fn in_process(
        &self,
        host: &Host,
        config: &str,
        failure: Option<&Failure>,
        way: Way,
        more: &[&str],
    ) -> (Fake, Said) {
        let mut host = host.clone();
        host.state.dev = Path::new(NOWHERE).join("dev");
        for (directory, name) in self.files() {
            host = host.with_file(&format!("{NOWHERE}/{directory}/{name}"), "a system");
        }
        host.state.files.mkdir_all(&Path::new(NOWHERE).join("vm"));
        if let Some(failure) = failure {
            failure.order(way, &mut host);
        }
        let mut fake = Fake::new(host, USER);
        fake.search_path = format!("{NOWHERE}/bin:/usr/bin:/bin");
        let words = self.words(more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = call(&mut fake, &config.replace("@DIR@", NOWHERE), &words);
        (fake, said)
    }

    /// The result of the program there.
    pub(super) fn run(&self, host: &Host, config: &str, failure: Option<&Failure>) -> Ran {
        let is_hit = |host: &Host| failure.is_some_and(|one| one.is_hit(Way::Run, host));
        if self.seed.is_multiple_of(BY_PROCESSES) {
            let machine = self.machine(host, config, failure, Way::Run);
            let output = output_of(machine.program(&self.words(&[])));
            return Ran {
                left: left(&machine, &output),
                said: Spoken::of(&output, machine.path()),
                is_hit: is_hit(&machine.host()),
            };
        }
        let (fake, said) = self.in_process(host, config, failure, Way::Run, &[]);
        let host = fake.host().clone();
        Ran {
            left: left_in_process(&host, said.status, Path::new(NOWHERE)),
            is_hit: is_hit(&host),
            said: Spoken::new(said),
        }
    }

    /// The script that the program shows there, and the machine on which it will run.
    pub(super) fn show(
        &self,
        host: &Host,
        config: &str,
        failure: Option<&Failure>,
    ) -> Result<(Machine, Vec<u8>), Spoken> {
        if self.seed.is_multiple_of(BY_PROCESSES) {
            let machine = self.machine(host, config, failure, Way::Script);
            let output = output_of(machine.program(&self.words(&["-d", "--format", "sh"])));
            return if output.status.success() {
                Ok((machine, output.stdout))
            } else {
                Err(Spoken::of(&output, machine.path()))
            };
        }
        let (fake, said) = self.in_process(
            host,
            config,
            failure,
            Way::Script,
            &["-d", "--format", "sh"],
        );
        if said.status != 0 {
            return Err(Spoken::new(said));
        }
        // The questions of -d count for the number of the failing call.
        let orders = fake.host().orders.clone();
        let machine = self.machine(host, config, None, Way::Script);
        machine.with(|host| host.orders = orders);
        let directory = machine.path().to_str().unwrap();
        let script = said.out.replace(NOWHERE, directory);
        let script = script.replace("/var/run/", &format!("{directory}/run/"));
        let script = script.replace(SHARE, &format!("{directory}/share"));
        // Several scripts run at once, each with scratch files of its own.
        let own = directory.len().saturating_sub(8);
        let scratch = format!("{SCRATCH}{}", &directory[own..]);
        let script = script.replace(&format!("{SCRATCH}scratch0"), &scratch);
        Ok((machine, script.into_bytes()))
    }
}

/// Runs the script as a file, or as a pipe passes it.
pub(super) fn run_script(machine: &Machine, script: &[u8], seed: u64) -> Output {
    let mut sh = machine.sh();
    if seed.is_multiple_of(2) {
        let path = machine.path().join("script");
        std::fs::write(&path, script).unwrap();
        sh.arg(path);
        return output_of(sh);
    }
    let mut sh = sh
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script that exits early does not read the rest of the pipe.
    let _ = sh.stdin.take().unwrap().write_all(script);
    sh.wait_with_output().unwrap()
}
