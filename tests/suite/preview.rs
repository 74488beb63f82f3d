//! The preview of `-d`: for every case its commands are those of the run, and sh(1) that reads it by
//! mistake starts none that has to wait.

use crate::case::{Case, Shown, sh_accepts};
use crate::cases::directories;
use crate::host::Host;
use crate::host::call::Logged;
use crate::machine::Machine;
use easy_bhyve::quote;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How many cases are compared at the least, and with how many sh is tried.
const LEAST: (usize, usize) = (180, 25);

/// Machines at a time: most of their time they wait.
const AT_ONCE: usize = 12;

/// How long sh may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Cases in which only the root side sees for which processes there is work.
const SEES_LESS: [&str; 1] = ["life/stop_all_hidden"];

/// A command of a preview, without its escalator.
#[derive(Clone, Debug)]
struct Shows {
    line: String,
    /// Whether it stands free, and not behind `#`.
    is_free: bool,
}

/// The commands of a preview, in order.
fn commands(preview: &str) -> Vec<Shows> {
    let command = |line: &str| {
        if !line.starts_with('#') {
            return Some((line.to_owned(), true));
        }
        let line = line.strip_prefix("#   ")?;
        (!line.starts_with('|')).then(|| (line.to_owned(), false))
    };
    preview
        .lines()
        .filter_map(command)
        .map(|(line, is_free)| Shows {
            line: bare(&line).to_owned(),
            is_free,
        })
        .filter(|shows| !is_question(&shows.line))
        .collect()
}

/// A line without the escalator and the daemon(8) before it.
fn bare(line: &str) -> &str {
    let mut bare = line;
    for word in ["doas ", "sudo ", "mdo -i ", "daemon -c "] {
        bare = bare.strip_prefix(word).unwrap_or(bare);
    }
    bare
}

/// Whether a command changes nothing.
fn is_question(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        [
            "ps" | "stat" | "kldstat" | "fstat" | "pgrep" | "hostname" | "cat" | "tail",
            ..,
        ]
        | ["ifconfig", _]
        | ["zfs", "list" | "get" | "holds", ..] => true,
        ["sysctl", rest @ ..] => !rest.iter().any(|word| word.contains('=')),
        _ => false,
    }
}

/// The changes of a run, in order, each without its escalator.
fn changes(calls: &[Logged]) -> Vec<String> {
    let line = |logged: &Logged| {
        let words: Vec<String> = logged.argv.iter().map(quote::shown).collect();
        bare(&words.join(" ")).to_owned()
    };
    let top = calls.iter().filter(|logged| logged.depth == 0).map(line);
    top.filter(|line| !is_question(line) && !line.contains("/easy-bhyve root-"))
        .collect()
}

/// Whether a preview shows this command: `PID_OF_…` in it stands for any pids.
fn is_of(line: &str, shown: &str) -> bool {
    match shown.split_once(" PID") {
        Some((before, _)) => line.strip_prefix(before).is_some_and(|pids| {
            pids.split(' ')
                .skip(1)
                .all(|pid| pid.parse::<u32>().is_ok())
        }),
        None => line == shown,
    }
}

/// How a run does not do what its preview shows.
fn difference(shows: &[Shows], run: &[String], has_succeeded: bool) -> Option<String> {
    let free: Vec<&str> = shows
        .iter()
        .filter(|one| one.is_free)
        .map(|one| one.line.as_str())
        .collect();
    let same = free
        .iter()
        .zip(run)
        .take_while(|(shown, line)| is_of(line, shown))
        .count();
    if has_succeeded && same < free.len() {
        return Some(format!("it does not run {}", free[same]));
    }
    // Before all that stands free has run, only undos follow; then a guest may be started again.
    let may_follow = |one: &&Shows| !one.is_free || same == free.len();
    run[same..].iter().find_map(|line| {
        let mut later = shows.iter().filter(may_follow);
        (!later.any(|one| is_of(line, &one.line))).then(|| format!("it runs {line}"))
    })
}

/// Every case whose plan can be shown, with that.
fn all() -> Vec<(PathBuf, Case, Shown)> {
    let read = directories().into_iter().filter_map(|directory| {
        let case = Case::read(&directory).unwrap();
        let shown = case.shown(&directory)?;
        Some((directory, case, shown))
    });
    read.collect()
}

#[test]
fn the_preview_of_every_case_has_the_commands_of_its_run() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (directory, case, shown) in all() {
        let mut failed = |why: String| {
            wrong.push(format!("{}: {why}\n{}", directory.display(), shown.text));
        };
        if let Err(error) = sh_accepts(&shown.text) {
            failed(format!("sh -n: {error}"));
        }
        if case.is_disturbed() || SEES_LESS.iter().any(|name| directory.ends_with(name)) {
            continue;
        }
        // What waits for a person would never end.
        let run = catch_unwind(AssertUnwindSafe(|| case.calls(&directory)));
        let Ok((status, calls)) = run else { continue };
        compared += 1;
        let difference = difference(&commands(&shown.text), &changes(&calls), status == 0);
        if let Some(difference) = difference {
            failed(difference);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared >= LEAST.0, "only {compared} cases");
}

#[test]
fn a_preview_that_is_fed_to_sh_starts_nothing_that_has_to_wait() {
    // One of each kind: as many commands of these programs, free or not.
    let mut kinds = BTreeMap::new();
    let on_freebsd = |case: &Case| !case.host().state.programs.is_empty();
    for (directory, case, shown) in all().into_iter().filter(|(_, case, _)| on_freebsd(case)) {
        let program = |one: &Shows| {
            let program = one.line.split(' ').next().unwrap_or_default();
            (program.to_owned(), one.is_free)
        };
        let kind: Vec<_> = commands(&shown.text).iter().map(program).collect();
        kinds.entry(kind).or_insert((directory, case, shown));
    }
    assert!(kinds.len() >= LEAST.1, "only {} kinds", kinds.len());
    let kinds: Vec<_> = kinds.into_values().collect();
    for some in kinds.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            for (directory, case, shown) in some {
                let host = case.host();
                scope.spawn(move || {
                    assert_only_early(&directory.display().to_string(), host, shown);
                });
            }
        });
    }
}

/// Feeds a preview to sh on a host, where it must start what stands free and need not wait.
fn assert_only_early(name: &str, host: Host, shown: &Shown) {
    let text = &shown.text;
    let mut early = Vec::new();
    push_early(&shown.plan["plan"], &mut early);
    let free: Vec<String> = commands(text)
        .into_iter()
        .filter_map(|one| one.is_free.then_some(one.line))
        .collect();
    let started = started_by_sh(host, text);
    // A host has no timeout(1) of its own: only the command behind it is known there.
    let behind = |(at, line): (usize, String)| match free.get(at) {
        Some(whole) if whole.ends_with(&format!(" {line}")) => whole.clone(),
        _ => line,
    };
    let started: Vec<String> = started.into_iter().enumerate().map(behind).collect();
    assert!(free.starts_with(&started), "{name}: {started:#?}\n{text}");
    // A loader waits for a person, or for its time limit.
    let is_loader = |line: &String| line.contains("grub-bhyve") || line.contains("bhyveload");
    let is_whole = started.len() == free.len() || started.last().is_some_and(is_loader);
    assert!(is_whole, "{name}: {started:#?}\n{text}");
    for line in started {
        let is_early = early.iter().any(|shown| is_of(&line, shown));
        assert!(is_early, "{name}: {line} has to wait\n{text}");
    }
}

/// The changes of sh that reads a preview on a host.
fn started_by_sh(host: Host, preview: &str) -> Vec<String> {
    let machine = Machine::new(host, "");
    machine.with(Host::forget_calls);
    let mut sh = machine.sh();
    let mut sh = sh
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A program on the terminal may have read the rest.
    let _ = sh.stdin.take().unwrap().write_all(preview.as_bytes());
    // A loader on the terminal, the last command that stands free, waits for a person.
    let until = Instant::now() + PATIENCE;
    while sh.try_wait().unwrap().is_none() && Instant::now() < until {
        sleep(Duration::from_millis(50));
    }
    sh.kill().unwrap();
    sh.wait().unwrap();
    let mut started = changes(machine.host().calls());
    // The command behind timeout(1) or env(1) is none of the preview.
    started.dedup_by(|inner, outer| outer.ends_with(&format!(" {inner}")));
    started
}

/// Adds the commands of a plan before its first wait; returns whether it has none.
fn push_early(forms: &Value, early: &mut Vec<String>) -> bool {
    forms.as_array().unwrap().iter().all(|form| {
        if let Some(action) = form.pointer("/step/action") {
            return push_action(action, early);
        }
        if let Some(root) = form.get("root") {
            return push_early(&root["forms"], early);
        }
        if let Some(round) = form.get("loop") {
            if push_early(&round["body"], early) {
                let first = round.get("first").unwrap_or(&round["command"]);
                early.push(line(first));
            }
            return false;
        }
        let is_asked = form.get("guard").is_some_and(|guard| {
            let test = guard["test"].to_string();
            test.contains("\"confirmed\"")
        });
        form.get("wait").is_none() && !is_asked
    })
}

/// Adds the commands of an action; returns whether none of them occupies the terminal.
fn push_action(action: &Value, early: &mut Vec<String>) -> bool {
    if let Some(command) = action.get("run") {
        early.push(line(command));
        return command["streams"] != "terminal";
    }
    if let Some(signal) = action.get("signal") {
        early.push(format!("{} PIDS", line(&signal["by"])));
    }
    let commands = action.get("sequence").and_then(Value::as_array);
    early.extend(commands.into_iter().flatten().map(line));
    true
}

/// A command of a plan as a line.
fn line(command: &Value) -> String {
    let program = command["program"].as_str().unwrap();
    let args = command["args"].as_array().unwrap();
    let args = args.iter().map(|word| quote::shown(word.as_str().unwrap()));
    let words: Vec<String> = std::iter::once(program.to_owned()).chain(args).collect();
    words.join(" ")
}

#[test]
fn a_run_that_does_more_less_or_something_else_is_noticed() {
    let shows = commands(
        "doas a 1\n# waits; then:\n#   doas b 2\n#   | c\n#   doas kill -KILL PID_OF_BHYVE\n",
    );
    let differs = |run: &[&str], has_succeeded| {
        let run: Vec<String> = run.iter().map(|line| (*line).to_owned()).collect();
        difference(&shows, &run, has_succeeded).is_some()
    };
    for run in [&["a 1"][..], &["a 1", "b 2"], &["a 1", "kill -KILL 7 8"]] {
        assert!(!differs(run, true), "{run:?}");
    }
    for run in [&[][..], &["b 2"], &["a 1", "c"], &["a 1", "kill -KILL x"]] {
        assert!(differs(run, true), "{run:?}");
    }
    assert!(!differs(&["b 2"], false));
    assert!(differs(&["c"], false));
}
