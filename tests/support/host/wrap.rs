//! env(1) and timeout(1), which run another program: usr.bin/env/env.c, usr.bin/timeout/timeout.c.

use super::Host;
use super::call::{Answer, Call, Status};

/// Runs `env NAME=VALUE… COMMAND…` or `timeout [-k SECONDS] SECONDS COMMAND…`; `None` if it is neither.
pub(super) fn run(host: &mut Host, call: &Call, depth: u32) -> Option<Answer> {
    match call.program().as_str() {
        "env" => Some(env(host, call, depth)),
        "timeout" => Some(timeout(host, call, depth)),
        _ => None,
    }
}

fn env(host: &mut Host, call: &Call, depth: u32) -> Answer {
    let words = call.words();
    let settings = words.iter().take_while(|word| word.contains('=')).count();
    let (settings, command) = words.split_at(settings);
    if command.is_empty() {
        return Answer::ok();
    }
    let mut inner = call.inner(command);
    for (name, value) in settings.iter().filter_map(|word| word.split_once('=')) {
        inner.env.insert(name.into(), value.into());
    }
    let answer = host.exec(&inner, depth + 1);
    match answer.status {
        Status::NotFound => Answer::fail(
            127,
            format!("env: {}: No such file or directory", inner.program()),
        ),
        _ => answer,
    }
}

fn timeout(host: &mut Host, call: &Call, depth: u32) -> Answer {
    let usage = "Usage: timeout [--signal sig | -s sig] [--preserve-status] [--kill-after time | -k \
                 time] [--foreground] <duration> <command> <arg ...>";
    let words = call.words();
    let words = match words.split_first() {
        Some((option, rest)) if option == "-k" => rest.get(1..).unwrap_or_default().to_vec(),
        _ => words,
    };
    let Some((duration, command)) = words.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Answer::fail(64, usage);
    };
    let Ok(seconds) = duration.parse::<u32>() else {
        return Answer::fail(1, "timeout: invalid duration");
    };
    let before = host.state.next_pid;
    let answer = host.exec(&call.inner(command), depth + 1);
    match answer.status {
        Status::Hang => {
            host.advance(f64::from(seconds));
            let begun: Vec<i32> = host
                .state
                .processes
                .range(before..)
                .map(|(pid, _)| *pid)
                .collect();
            for pid in begun {
                host.end_process(pid, Status::Signal(15));
            }
            Answer {
                status: Status::Exit(124),
                ..answer
            }
        }
        Status::Signal(signal) => Answer {
            status: Status::Exit(128 + signal),
            ..answer
        },
        Status::NotFound => Answer::fail(69, "timeout: exec(): No such file or directory"),
        _ => answer,
    }
}
