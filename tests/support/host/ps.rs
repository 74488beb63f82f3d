//! ps(1): bin/ps/ps.c, bin/ps/fmt.c.

use super::Host;
use super::call::{Answer, Call};
use super::process::Process;
use super::words::Words;

const USAGE: &str = "usage: ps [--libxo] [-aCcdeHhjlmrSTuvwXxZ] [-O fmt | -o fmt]\n          \
     [-G gid[,gid...]] [-J jid[,jid...]] [-M core] [-N system]\n          \
     [-p pid[,pid...]] [-t tty[,tty...]] [-U user[,user...]]\n       ps [--libxo] -L";

/// A column: keyword, heading, whether it is aligned to the right.
const COLUMNS: [(&str, &str, bool); 14] = [
    ("pid", "PID", true),
    ("ppid", "PPID", true),
    ("uid", "UID", true),
    ("user", "USER", false),
    ("etimes", "ELAPSED", true),
    ("rss", "RSS", true),
    ("vsz", "VSZ", true),
    ("sigignore", "IGNORED", true),
    ("comm", "COMMAND", false),
    ("command", "COMMAND", false),
    ("args", "COMMAND", false),
    ("state", "STAT", false),
    ("tt", "TT", false),
    ("etime", "ELAPSED", true),
];

/// Runs `ps [-axww] [-p PIDS] [-o KEYWORD[=HEADING]]...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let spec = "AaCcde fG:HhJ:jLlM:mN:O:o:p:rSTt:U:uvwXxZ";
    let words = match Words::parse(&call.words(), spec) {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("ps: {error}")).and_err(USAGE),
    };
    let mut columns: Vec<(&str, String, bool)> = Vec::new();
    for argument in words.all("o") {
        // `-o key=` takes the rest as the heading, so that it needs one -o each.
        let (keys, heading) = match argument.split_once('=') {
            Some((keys, heading)) => (keys, Some(heading)),
            None => (argument, None),
        };
        let keys: Vec<&str> = keys
            .split([',', ' '])
            .filter(|key| !key.is_empty())
            .collect();
        for (index, key) in keys.iter().enumerate() {
            let Some((name, default, right)) = COLUMNS.iter().find(|(name, ..)| name == key) else {
                return Answer::fail(1, format!("ps: {key}: keyword not found"))
                    .and_err("ps: no valid keywords; valid keywords:");
            };
            let own = heading.filter(|_| index + 1 == keys.len());
            columns.push((name, own.unwrap_or(default).into(), *right));
        }
    }
    if columns.is_empty() {
        let default = ["pid", "tt", "state", "etime", "command"];
        columns = COLUMNS
            .iter()
            .filter(|(name, ..)| default.contains(name))
            .map(|(name, heading, right)| (*name, (*heading).into(), *right))
            .collect();
    }
    let pids: Vec<i32> = words
        .all("p")
        .flat_map(|list| list.split([',', ' ']))
        .filter_map(|pid| pid.parse().ok())
        .collect();
    let others = words.has("a") || words.has("A");
    let daemons = words.has("x") || words.has("A");
    let rows: Vec<Vec<String>> = host
        .state
        .processes
        .values()
        .filter(|process| host.sees(call.uid, process))
        .filter(|process| {
            if words.has("p") {
                pids.contains(&process.pid)
            } else {
                // Nothing here has a terminal.
                daemons && (others || process.uid == call.uid)
            }
        })
        .map(|process| {
            columns
                .iter()
                .map(|(name, ..)| cell(host, process, name))
                .collect()
        })
        .collect();
    let mut out = String::new();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .chain([columns[at].1.len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    if columns.iter().any(|(_, heading, _)| !heading.is_empty()) {
        let headings: Vec<String> = columns.iter().map(|column| column.1.clone()).collect();
        out.push_str(&line(&headings, &columns, &widths));
    }
    for row in &rows {
        out.push_str(&line(row, &columns, &widths));
    }
    let status = i32::from(rows.is_empty());
    Answer::exit(status).and_out(out)
}

fn line(cells: &[String], columns: &[(&str, String, bool)], widths: &[usize]) -> String {
    let mut text = String::new();
    for (at, cell) in cells.iter().enumerate() {
        let (width, last) = (widths[at], at + 1 == cells.len());
        if at > 0 {
            text.push(' ');
        }
        match (columns[at].2, last) {
            (true, _) => text.push_str(&format!("{cell:>width$}")),
            (false, false) => text.push_str(&format!("{cell:<width$}")),
            (false, true) => text.push_str(cell),
        }
    }
    text.push('\n');
    text
}

fn cell(host: &Host, process: &Process, name: &str) -> String {
    let seconds = (host.state.clock_ms - process.started_ms) / 1000;
    match name {
        "pid" => process.pid.to_string(),
        "ppid" => process.ppid.to_string(),
        "uid" => process.uid.to_string(),
        "user" => host
            .state
            .users
            .get(&process.uid)
            .map_or_else(|| process.uid.to_string(), |user| user.name.clone()),
        "etimes" => seconds.to_string(),
        "etime" => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        "rss" | "vsz" => process.rss.to_string(),
        "sigignore" => format!("{:x}", process.sigignore),
        "comm" => process.comm.clone(),
        "args" | "command" => arguments(process),
        "state" => "S".into(),
        _ => "-".into(),
    }
}

/// The title or command line, with the program's name behind it if the first word is another one
/// (fmt.c, `fmt_argv`).
pub(super) fn arguments(process: &Process) -> String {
    let words = match &process.title {
        Some(title) => vec![title.clone()],
        None => process.argv.clone(),
    };
    let Some(first) = words.first() else {
        return format!("[{}]", process.comm);
    };
    let base = first.rsplit('/').next().unwrap_or(first);
    let shown = words.join(" ");
    if base.trim_start_matches('-') == process.comm && !first.starts_with('-') {
        shown
    } else {
        format!("{shown} ({})", process.comm)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn host() -> Host {
        Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0")
    }

    fn ps() -> Call {
        let line = "ps -axww -o pid= -o ppid= -o etimes= -o rss= -o sigignore= -o args=";
        Call::new(line.split(' '))
    }

    #[test]
    fn a_running_vm_shows_its_title_and_its_program() {
        assert_eq!(
            host().run(&ps()).whole(),
            (
                Status::Exit(0),
                "  1 0 60   3200    0 /sbin/init\n\
                 700 1 60   3200    0 /usr/sbin/cron -s\n\
                 701 1 60   3200    0 -sh (sh)\n\
                 901 1 60 282144 4000 bhyve: web (bhyve)\n"
                    .into(),
                String::new()
            )
        );
    }

    #[test]
    fn other_users_processes_can_be_hidden() {
        let ps = Call::new(["ps", "-axo", "args="]);
        let answer = host().with_hidden_processes().run(&ps);
        assert_eq!(answer.stdout(), "-sh (sh)\n");
        assert_eq!(host().in_jail().run(&ps.by_root()), Answer::exit(1));
    }

    #[test]
    fn a_pid_that_is_not_there_is_status_one() {
        let answer = host().run(&Call::new(["ps", "-p", "4242", "-o", "pid="]));
        assert_eq!(answer, Answer::exit(1));
        let unknown = host().run(&Call::new(["ps", "-o", "nonsense="]));
        assert_eq!(unknown.status, Status::Exit(1));
    }
}
