//! What `-d` prints does what the program does: both on hosts in many states, by real processes.
//!
//! `EASY_BHYVE_SEEDS` says how many states per verb (12), or which: `17..18`.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::host::{Host, Logged, Rule, Status};
use crate::machine::Machine;
use crate::variety::{self, CONFIG, Numbers, Usually};

/// What is left of a host and its log when a verb is over.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    succeeded: bool,
    changes: Vec<String>,
    state: String,
    files: Vec<String>,
}

/// A verb with its options, on hosts that suit it.
struct Verb {
    words: &'static [&'static str],
    usually: Usually,
    /// Programs of which one fails now and then.
    fallible: &'static [&'static str],
}

const START: &[&str] = &[
    "bhyveload",
    "daemon",
    "doas",
    "grub-bhyve",
    "ifconfig",
    "kldload",
    "kldstat",
    "pgrep",
    "ps",
    "sysctl",
];
/// Not pgrep, which the program also asks for the title, as often as there is time.
/// Nor doas and bhyve: the script cannot tell their status 1 from a power-off, as the program can.
const TERMINAL: &[&str] = &[
    "bhyveload",
    "grub-bhyve",
    "ifconfig",
    "kldload",
    "kldstat",
    "ps",
    "sysctl",
];
const END: &[&str] = &["bhyvectl", "doas", "ifconfig", "pgrep", "pkill", "ps"];
const DISK: &[&str] = &["dd", "doas", "truncate", "zfs"];
const ZFS: &[&str] = &["doas", "pgrep", "ps", "zfs"];

fn seeds() -> std::ops::Range<u64> {
    let text = std::env::var("EASY_BHYVE_SEEDS").unwrap_or_else(|_| "12".into());
    match text.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..text.parse().unwrap(),
    }
}

/// Compares the program and its script on the hosts of every seed.
fn compare(verb: &Verb) {
    let name = verb.words.join(" ");
    let mut wrong = Vec::new();
    let mut succeeded = 0;
    for seed in seeds() {
        let case = Case::new(verb, seed);
        match case.compare() {
            Ok(done) => succeeded += usize::from(done),
            Err(difference) => wrong.push(format!("seed {seed} ({}): {difference}", case.about)),
        }
    }
    assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n\n"));
    let few = seeds().end - seeds().start < 12;
    assert!(few || succeeded > 1, "{name}: hardly ever succeeds");
}

/// Whether one call fails on the host of this seed.
fn has_fault(seed: u64) -> bool {
    seed % 3 == 2
}

/// A verb on one host.
struct Case<'verb> {
    verb: &'verb Verb,
    seed: u64,
    host: Host,
    config: String,
    about: String,
}

impl<'verb> Case<'verb> {
    fn new(verb: &'verb Verb, seed: u64) -> Self {
        let vm = verb.words[0].split('-').next().unwrap();
        let tap = match vm {
            "fbsd0" => "tap1",
            "deb0" => "tap2",
            "net0" => "tap4",
            _ => "tap6",
        };
        // The same seed is another host for another verb (FNV-1a).
        let salt = verb
            .words
            .concat()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let mut numbers = Numbers::new(salt ^ seed);
        let word = *numbers.one_of(&["doas", "doas", "sudo", "mdo"]);
        let mut host =
            variety::host(&mut numbers, vm, tap, verb.usually).with_escalator(word, Rule::Permit);
        let about = if has_fault(seed) {
            variety::fault(&mut host, &mut numbers, verb.fallible, word)
        } else {
            "no fault".into()
        };
        Self {
            verb,
            seed,
            host,
            config: CONFIG.replace("@WORD@", word),
            about,
        }
    }

    /// Whether it succeeded, or how the two differ.
    fn compare(&self) -> Result<bool, String> {
        let (verb, seed) = (self.verb, self.seed);
        let real = Machine::new(self.host.clone(), &self.config);
        let ran = real.program(verb.words).output().unwrap();
        let run = left(&real, &ran);

        let shown = Machine::new(self.host.clone(), &self.config);
        let dry: Vec<&str> = [&verb.words[..1], &["-d"], &verb.words[1..]].concat();
        let script = shown.program(&dry).output().unwrap();
        if !script.status.success() {
            let refusal = |output: &Output, machine: &Machine| {
                let text = normal(&String::from_utf8_lossy(&output.stderr), machine.path());
                (output.status.code(), text)
            };
            let (of_run, of_script) = (refusal(&ran, &real), refusal(&script, &shown));
            if of_run != of_script || !run.changes.is_empty() {
                return Err(format!(
                    "-d refuses otherwise\nrun: {of_run:#?}\nits changes: {:#?}\n-d: {of_script:#?}",
                    run.changes
                ));
            }
            return Ok(false);
        }
        let result = run_script(&shown, &script.stdout, seed);
        let scripted = left(&shown, &result);
        let said = |output: &Output, machine: &Machine| {
            normal(&String::from_utf8_lossy(&output.stdout), machine.path())
        };
        let is_text = verb.words[0].ends_with("-resources");
        if run == scripted && (!is_text || said(&ran, &real) == said(&result, &shown)) {
            // A refusal before any change is one of -d, too, unless a call fails behind the survey.
            if !run.succeeded && run.changes.is_empty() && !has_fault(seed) {
                let err = String::from_utf8_lossy(&ran.stderr);
                return Err(format!("only the run refuses: {err}"));
            }
            return Ok(run.succeeded);
        }
        Err(format!(
            "{}\nrun said: {}{}\nscript said: {}{}\n{}",
            similar_asserts::SimpleDiff::from_str(
                &format!("{run:#?}").replace("\\n", "\n"),
                &format!("{scripted:#?}").replace("\\n", "\n"),
                "run",
                "script"
            ),
            said(&ran, &real),
            String::from_utf8_lossy(&ran.stderr),
            said(&result, &shown),
            String::from_utf8_lossy(&result.stderr),
            String::from_utf8_lossy(&script.stdout),
        ))
    }
}

/// Runs the script as a file, or as the pipe brings it.
fn run_script(machine: &Machine, script: &[u8], seed: u64) -> Output {
    let mut sh = machine.sh();
    if seed.is_multiple_of(2) {
        let path = machine.path().join("script");
        std::fs::write(&path, script).unwrap();
        return sh.arg(path).output().unwrap();
    }
    let mut sh = sh
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script that gives up early leaves the rest of it unread.
    let _ = sh.stdin.take().unwrap().write_all(script);
    sh.wait_with_output().unwrap()
}

fn left(machine: &Machine, output: &Output) -> Left {
    let mut host = machine.host();
    host.advance(60.0);
    let changes = host.calls().iter().filter(|call| {
        let words: Vec<&str> = call.argv.iter().map(String::as_str).collect();
        call.depth == 0 && is_change(&words)
    });
    Left {
        succeeded: output.status.success(),
        changes: changes.map(|call| line(call, machine.path())).collect(),
        state: state(&host, machine.path()),
        files: files(&machine.path().join("vm")),
    }
}

/// A call and how it ended; nothing of a scratch directory is left.
fn line(call: &Logged, directory: &Path) -> String {
    for word in &call.argv {
        if word.starts_with("/tmp/easy-bhyve.") {
            assert!(!Path::new(word).exists(), "{word} is left");
        }
    }
    let status = match call.status {
        Status::Running(_) => "runs".to_owned(),
        other => format!("{other:?}"),
    };
    normal(&format!("{}: {status}", call.argv.join(" ")), directory)
}

/// Whether a command is more than a question.
fn is_change(words: &[&str]) -> bool {
    match words {
        ["doas" | "sudo", command @ ..] | ["mdo", "-i", command @ ..] => is_change(command),
        ["kldstat" | "ps" | "pgrep", ..] | ["zfs", "list" | "get", ..] => false,
        ["sysctl", words @ ..] => words.iter().any(|word| word.contains('=')),
        ["ifconfig", words @ ..] => words.len() > 1,
        _ => true,
    }
}

/// The settled state as text, without times, and with processes by their order.
fn state(host: &Host, directory: &Path) -> String {
    let state = host.state.settled();
    let pids: Vec<i32> = state.processes.keys().copied().collect();
    let mut value = serde_json::to_value(&state).unwrap();
    settle(&mut value, &pids);
    normal(&serde_json::to_string_pretty(&value).unwrap(), directory)
}

fn settle(value: &mut Value, pids: &[i32]) {
    let name = |pid: i64| {
        let at = pids.iter().position(|one| i64::from(*one) == pid)?;
        (pid > 1).then(|| format!("process {at}"))
    };
    match value {
        Value::Object(table) => {
            let old = std::mem::take(table);
            for (key, mut value) in old {
                if ["creation", "createtxg", "started_ms"].contains(&key.as_str()) {
                    continue;
                }
                settle(&mut value, pids);
                let key = key.parse().ok().and_then(name).unwrap_or(key);
                table.insert(key, value);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| settle(one, pids)),
        Value::Number(number) => {
            if let Some(name) = number.as_i64().and_then(name) {
                *value = name.into();
            }
        }
        _ => {}
    }
}

/// Without what two runs never have in common: directories, the minute, random names.
fn normal(text: &str, directory: &Path) -> String {
    let text = text.replace(directory.to_str().unwrap(), "@DIR@");
    let mut normal = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['_', '.']) {
        let (before, after) = rest.split_at(at + 1);
        normal.push_str(before);
        let length = if before.ends_with("/tmp/easy-bhyve.") {
            8
        } else {
            12
        };
        rest = match after.get(..length) {
            Some(word) if length == 8 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                normal.push_str("RANDOM");
                &after[length..]
            }
            Some(word) if length == 12 && word.bytes().all(|byte| byte.is_ascii_digit()) => {
                normal.push_str("MINUTE");
                &after[length..]
            }
            _ => after,
        };
    }
    normal + rest
}

/// The files of a directory: name, length, whether blocks are allocated.
fn files(directory: &Path) -> Vec<String> {
    let mut all: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            format!("{name} {} {}", about.len(), about.blocks() > 0)
        })
        .collect();
    all.sort();
    all
}

/// A test for one line of a user.
macro_rules! same {
    ($($name:ident: [$($word:literal),+] $usually:ident $fallible:ident;)+) => {$(
        #[test]
        fn $name() {
            compare(&Verb {
                words: &[$($word),+],
                usually: Usually::$usually,
                fallible: $fallible,
            });
        }
    )+};
}

same! {
    the_script_boots_as_the_run_does_with_bhyveload: ["fbsd0-boot"] Stopped START;
    the_script_boots_as_the_run_does_with_grub: ["deb0-boot"] Stopped START;
    the_script_boots_as_the_run_does_with_grub_commands: ["net0-boot"] Stopped START;
    the_script_boots_on_the_terminal_as_the_run_does: ["fbsd0-ttyboot"] Short TERMINAL;
    the_script_boots_grub_on_the_terminal_as_the_run_does: ["deb0-ttyboot"] Short TERMINAL;
    the_script_installs_as_the_run_does_with_bhyveload: ["fbsd0-install"] Short TERMINAL;
    the_script_installs_as_the_run_does_with_grub_commands: ["net0-install"] Short TERMINAL;
    the_script_shuts_down_as_the_run_does: ["fbsd0-shutdown"] Running END;
    the_script_cuts_the_power_as_the_run_does: ["fbsd0-shutdown", "-f"] Running END;
    the_script_cleans_as_the_run_does: ["deb0-clean"] LeftOver END;
    the_script_makes_a_volume_as_the_run_does: ["fbsd0-resources", "-V", "20g"] NoDisk DISK;
    the_script_makes_a_sparse_volume_as_the_run_does: ["fbsd0-resources", "-V", "1g", "-s"] NoDisk DISK;
    the_script_makes_a_file_as_the_run_does: ["file0-resources", "-V", "64k"] NoDisk DISK;
    the_script_makes_a_sparse_file_as_the_run_does: ["file0-resources", "-V", "1m", "-s"] NoDisk DISK;
    the_script_takes_a_snapshot_as_the_run_does: ["fbsd0-snapshot", "before", "it"] Stopped ZFS;
    the_script_rolls_back_as_the_run_does: ["fbsd0-rollback", "s1", "-f"] Stopped ZFS;
    the_script_clones_once_as_the_run_does: ["fbsd0-clone", "new0"] Stopped ZFS;
    the_script_clones_twice_as_the_run_does: ["fbsd0-clone", "@s1", "new0", "new1"] Stopped ZFS;
}
