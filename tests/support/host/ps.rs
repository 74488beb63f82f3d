//! ps(1): bin/ps/ps.c, bin/ps/fmt.c.

use super::Host;
use super::call::{Answer, Call};
use super::process::Process;
use super::words::Words;

const USAGE: &str = "usage: ps [--libxo] [-aCcdeHhjlmrSTuvwXxZ] [-O fmt | -o fmt]\n          \
     [-G gid[,gid...]] [-J jid[,jid...]] [-M core] [-N system]\n          \
     [-p pid[,pid...]] [-t tty[,tty...]] [-U user[,user...]]\n       ps [--libxo] -L";

/// A column: keyword, heading, whether it is aligned to the right.
const COLUMNS: [(&str, &str, bool); 18] = [
    ("pid", "PID", true),
    ("ppid", "PPID", true),
    ("uid", "UID", true),
    ("ruid", "RUID", true),
    ("jid", "JID", true),
    ("user", "USER", false),
    ("ruser", "RUSER", false),
    ("lstart", "STARTED", false),
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
        // `-o key=` takes the rest of the word as the heading, so that each key needs a -o.
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
    let shows_titles = columns.iter().any(|(name, ..)| *name == "args");
    let mut titled = Vec::new();
    let rows: Vec<Vec<String>> = host
        .state
        .processes
        .values()
        .filter(|process| host.sees(call.uid, process))
        .filter(|process| {
            if words.has("p") {
                pids.contains(&process.pid)
            } else {
                // No process here has a terminal.
                daemons && (others || process.uid == call.uid)
            }
        })
        .map(|process| {
            if shows_titles && process.guest.is_some() && process.title.is_some() {
                titled.push(process.pid);
            }
            columns
                .iter()
                .map(|(name, ..)| cell(host, call, process, name))
                .collect()
        })
        .collect();
    host.orders.titles_shown += titled.len();
    for pid in titled {
        host.be_seen(pid);
    }
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

fn cell(host: &Host, call: &Call, process: &Process, name: &str) -> String {
    let seconds = (host.state.clock_ms - process.started_ms) / 1000;
    match name {
        "pid" => process.pid.to_string(),
        "ppid" => process.ppid.to_string(),
        "uid" => process.uid.to_string(),
        "ruid" => process.ruid.to_string(),
        "jid" => host.jail_of(process).to_string(),
        "user" => user(host, process.uid),
        "ruser" => user(host, process.ruid),
        "lstart" => started(process),
        "etimes" => seconds.to_string(),
        "etime" => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        "rss" | "vsz" => process.rss.to_string(),
        "sigignore" => format!("{:x}", process.sigignore),
        "comm" => process.comm.clone(),
        "args" | "command" => arguments(process, is_utf8(call)),
        "state" => "S".into(),
        _ => "-".into(),
    }
}

fn user(host: &Host, uid: u32) -> String {
    let user = host.state.users.get(&uid);
    user.map_or_else(|| uid.to_string(), |user| user.name.clone())
}

/// `lstart`: strftime(3) with `%c`; local time is UTC here.
fn started(process: &Process) -> String {
    let at = i64::try_from(process.started_ms).unwrap_or_default();
    chrono::DateTime::from_timestamp_millis(at).map_or_else(String::new, |at| {
        at.format("%a %b %e %H:%M:%S %Y").to_string()
    })
}

/// Whether the caller's locale uses UTF-8.
fn is_utf8(call: &Call) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = set.iter().filter_map(|name| call.env.get(*name));
    set.find(|value| !value.is_empty())
        .is_some_and(|value| value.ends_with("UTF-8"))
}

/// Text as vis(3) shows it with `VIS_TAB | VIS_NL | VIS_NOSLASH` (`shquote()` in fmt.c): a control
/// character as `^J`, a byte that is no character of the locale as `M-C`.
fn vis(text: &str, is_utf8: bool) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        match letter {
            '\0'..='\x1f' | '\x7f' => {
                shown.push('^');
                shown.push(char::from(letter as u8 ^ 0x40));
            }
            ' '..='\x7e' => shown.push(letter),
            _ if is_utf8 => shown.push(letter),
            _ => {
                for byte in letter.to_string().bytes() {
                    let low = byte & 0x7f;
                    let is_control = low < 0x20 || low == 0x7f;
                    shown.push_str(if is_control { "M^" } else { "M-" });
                    shown.push(char::from(if is_control { low ^ 0x40 } else { low }));
                }
            }
        }
    }
    shown
}

/// The title or command line, with the program's name behind it if the first word differs
/// (fmt.c, `fmt_argv`).
pub(super) fn arguments(process: &Process, is_utf8: bool) -> String {
    let words = match &process.title {
        Some(title) => vec![title.clone()],
        None => process.argv.clone(),
    };
    let Some(first) = words.first() else {
        return format!("[{}]", process.comm);
    };
    let base = first.rsplit('/').next().unwrap_or(first);
    let shown = vis(&words.join(" "), is_utf8);
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
    fn arguments_are_shown_on_one_line_of_printable_characters() {
        let mut host = Host::freebsd(14);
        let argv = ["sh", "-c", "a\n\tb \\ \u{1b}[1m", "\u{e9}"];
        let pid = host.add_process(1001, 1, "sh", &argv).to_string();
        let mut ps = Call::new(["ps", "-p", &pid, "-o", "args="]);
        assert_eq!(host.run(&ps).stdout(), "sh -c a^J^Ib \\ ^[[1m M-CM-)\n");
        ps.env.insert("LC_ALL".into(), "C.UTF-8".into());
        assert_eq!(host.run(&ps).stdout(), "sh -c a^J^Ib \\ ^[[1m \u{e9}\n");
    }

    #[test]
    fn real_uid_jail_and_start_are_shown_whatever_the_title_is() {
        let mut host = Host::freebsd(14);
        let su = host.add_process(1001, 1, "su", &["bhyve: web"]);
        let jailed = host.add_process(0, 1, "bhyve", &["bhyve: web"]);
        for (pid, set) in [(su, (0, 0)), (jailed, (0, 7))] {
            let process = host
                .state
                .processes
                .get_mut(&pid)
                .expect("the process exists");
            (process.uid, process.jail) = set;
        }
        let line = "ps -o uid= -o ruid= -o jid= -o lstart= -o args= -p";
        let mut show = |pid: i32| {
            let pid = pid.to_string();
            let words = line.split(' ').chain([pid.as_str()]);
            host.run(&Call::new(words)).stdout()
        };
        let time = "Thu Jan 15 12:00:00 2026";
        assert_eq!(show(su), format!("0 1001 0 {time} bhyve: web (su)\n"));
        assert_eq!(show(jailed), format!("0 0 7 {time} bhyve: web (bhyve)\n"));
        // Within a jail it is a process of the caller's own jail.
        host = host.in_jail();
        let own = host.add_process(0, 1, "bhyve", &["bhyve: web"]);
        let words = line.split(' ').map(String::from).chain([own.to_string()]);
        let shown = host.run(&Call::new(words)).stdout();
        assert_eq!(shown, format!("0 0 0 {time} bhyve: web (bhyve)\n"));
    }

    #[test]
    fn a_pid_that_does_not_exist_is_status_one() {
        let answer = host().run(&Call::new(["ps", "-p", "4242", "-o", "pid="]));
        assert_eq!(answer, Answer::exit(1));
        let unknown = host().run(&Call::new(["ps", "-o", "nonsense="]));
        assert_eq!(unknown.status, Status::Exit(1));
    }
}
