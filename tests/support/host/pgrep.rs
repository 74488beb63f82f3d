//! pgrep(1) and pkill(1): usr.bin/pkill/pkill.c.

use regex_lite::Regex;

use super::Host;
use super::call::{Answer, Call};
use super::process::Process;
use super::words::Words;

const USAGE: &str = "usage: pgrep [-LSfilnoqvx] [-d delim] pattern ...";

/// Only this many bytes of a command line are compared: `_POSIX2_LINE_MAX` without the NUL (`pkill.c`).
const COMPARED: usize = 2047;

/// The conditions on a process besides the pattern.
#[derive(Default)]
struct Filter {
    /// `-F`: the process in this file.
    listed: Option<i32>,
    /// `-P`: children of these.
    parents: Option<Vec<i32>>,
    /// `-U`: of these real users.
    real_users: Option<Vec<u32>>,
    /// `-u`: of these effective users.
    users: Option<Vec<u32>>,
    /// `-j`: in these jails.
    jails: Option<Vec<Jail>>,
}

/// A word of `-j`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Jail {
    /// `any`, or 0 as in older scripts.
    Any,
    /// `none`.
    None,
    /// The jail of this number.
    One(i32),
}

impl Filter {
    /// Reads the options; an error is the end of a message.
    fn parse(host: &Host, words: &Words) -> Result<Self, Answer> {
        let bad = |text: String| Answer::fail(2, format!("pgrep: {text}"));
        let list = |name: &str| -> Option<Vec<&str>> {
            words
                .has(name)
                .then(|| words.all(name).flat_map(|all| all.split(',')).collect())
        };
        let user = |word: &str| {
            let named = host.state.users.iter().find(|(_, user)| user.name == word);
            let uid = named.map(|(uid, _)| *uid).or_else(|| word.parse().ok());
            uid.ok_or_else(|| bad(format!("Unknown user `{word}'")))
        };
        let users = |name: &str| -> Result<Option<Vec<u32>>, Answer> {
            let all = list(name).map(|all| all.into_iter().map(user).collect());
            all.transpose()
        };
        let number = |word: &str| {
            let number = word.parse::<i32>().ok().filter(|number| *number >= 0);
            number.ok_or_else(|| bad(format!("Invalid number `{word}'")))
        };
        let jail = |word: &str| match word {
            "any" | "0" => Ok(Jail::Any),
            "none" => Ok(Jail::None),
            other => number(other).map(Jail::One),
        };
        let jails = list("j").map(|all| all.into_iter().map(jail).collect());
        let parents = list("P").map(|all| all.into_iter().map(number).collect());
        let listed = match words.last("F") {
            None => None,
            Some(file) => match host.pid_in(std::path::Path::new(file)) {
                Some(pid) => Some(pid),
                None => {
                    return Err(Answer::fail(
                        3,
                        format!("pgrep: Cannot open pidfile `{file}': No such file or directory"),
                    ));
                }
            },
        };
        Ok(Self {
            listed,
            parents: parents.transpose()?,
            real_users: users("U")?,
            users: users("u")?,
            jails: jails.transpose()?,
        })
    }

    /// Whether there is no condition.
    fn is_empty(&self) -> bool {
        self.listed.is_none()
            && self.parents.is_none()
            && self.real_users.is_none()
            && self.users.is_none()
            && self.jails.is_none()
    }

    fn lets_through(&self, host: &Host, process: &Process) -> bool {
        let jail = host.jail_of(process);
        let is_in = |wanted: &Jail| match wanted {
            Jail::Any => jail > 0,
            Jail::None => jail == 0,
            Jail::One(number) => jail == *number,
        };
        let has = |all: &Option<Vec<u32>>, uid| all.as_ref().is_none_or(|all| all.contains(&uid));
        self.listed.is_none_or(|pid| pid == process.pid)
            && self
                .parents
                .as_ref()
                .is_none_or(|all| all.contains(&process.ppid))
            && has(&self.real_users, process.ruid)
            && has(&self.users, process.uid)
            && self.jails.as_ref().is_none_or(|all| all.iter().any(is_in))
    }
}

/// Runs `pgrep [-filqx] [-P PPID] [-U UID] [-u EUID] [-j JAIL] [-F FILE] PATTERN...` or
/// `pkill [-SIGNAL] [-fix] ...`. Other options of the real programs are refused.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let program = call.program();
    let kills = program == "pkill";
    let mut args = call.words();
    let mut signal = 15;
    if kills
        && let Some(number) = args
            .first()
            .and_then(|word| word.strip_prefix('-'))
            .and_then(super::kill::number)
    {
        signal = number;
        args.remove(0);
    }
    let words = match Words::parse(&args, "fF:ij:lP:qu:U:x") {
        Ok(words) => words,
        Err(error) => return Answer::fail(2, format!("{program}: {error}")).and_err(USAGE),
    };
    let filter = match Filter::parse(host, &words) {
        Ok(filter) => filter,
        Err(refusal) => return refusal,
    };
    if words.operands.is_empty() && filter.is_empty() {
        return Answer::fail(2, USAGE);
    }
    let mut patterns = Vec::new();
    for pattern in &words.operands {
        let whole = if words.has("x") {
            format!("^(?:{pattern})$")
        } else {
            pattern.clone()
        };
        let case = if words.has("i") { "(?i)" } else { "" };
        match Regex::new(&format!("{case}{whole}")) {
            Ok(regex) if is_extended(pattern) => patterns.push(regex),
            _ => {
                let text = format!("{program}: Cannot compile expression `{pattern}'");
                return Answer::fail(2, text);
            }
        }
    }
    let found: Vec<(i32, String)> = host
        .state
        .processes
        .values()
        .filter(|process| host.sees(call.uid, process))
        .filter(|process| filter.lets_through(host, process))
        .filter(|process| {
            let text = if words.has("f") {
                compared(process)
            } else {
                process.comm.clone()
            };
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.is_match(&text))
        })
        .map(|process| (process.pid, super::ps::arguments(process, true)))
        .collect();
    if words.has("x") && !kills {
        for (pid, _) in &found {
            host.be_seen(*pid);
        }
    }
    let mut is_done = !kills && !found.is_empty();
    let mut answer = Answer::ok();
    for (pid, arguments) in found {
        if kills {
            if let Err(errno) = host.signal(pid, signal, call.uid) {
                // killact() in pkill.c: a process that cannot be signalled does not count as found.
                answer = answer.and_err(format!("pkill: signalling pid {pid}: {}", errno.text()));
            } else {
                is_done = true;
            }
        } else if !words.has("q") {
            let line = if words.has("l") {
                format!("{pid} {arguments}\n")
            } else {
                format!("{pid}\n")
            };
            answer = answer.and_out(line);
        }
    }
    answer.status = super::Status::Exit(i32::from(!is_done));
    answer
}

/// The part of a process's title or command line that is compared.
fn compared(process: &Process) -> String {
    let words = || process.argv.join(" ");
    let mut text = process.title.clone().unwrap_or_else(words);
    let mut end = text.len().min(COMPARED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// Whether a pattern contains only what re_format(7) defines: no letter behind a backslash, no
/// group that begins with a question mark, no repetition of a repetition.
fn is_extended(pattern: &str) -> bool {
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied().unwrap_or_default();
        let is_odd = match letter {
            '\\' if next.is_ascii_alphanumeric() => true,
            '(' | '*' | '+' | '?' => next == '?',
            _ => false,
        };
        if is_odd {
            return false;
        }
        if letter == '\\' {
            letters.next();
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn the_title_is_matched_as_a_whole_only_with_x() {
        let mut host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
        let mut pgrep = |argv: &[&str]| host.run(&Call::new(argv.iter().copied()));
        assert_eq!(pgrep(&["pgrep", "-f", "bhyve: we"]), Answer::out("901\n"));
        assert_eq!(pgrep(&["pgrep", "-fx", "bhyve: we"]), Answer::exit(1));
        assert_eq!(pgrep(&["pgrep", "-qfx", "bhyve: web"]), Answer::ok());
        assert_eq!(pgrep(&["pgrep", "-qf", "^bhyve(:| .*) web$"]), Answer::ok());
        assert_eq!(
            pgrep(&["pgrep", "-qf", "^bhyve(:| .*) eb$"]),
            Answer::exit(1)
        );
        for options in [
            &["-U", "0", "-j", "none"][..],
            &["-u", "root"],
            &["-P", "1"],
        ] {
            let words = [&["pgrep", "-qfx"], options, &["bhyve: web"]].concat();
            assert_eq!(pgrep(&words), Answer::ok(), "{options:?}");
        }
        for options in [
            &["-U", "1001"][..],
            &["-j", "0"],
            &["-j", "any"],
            &["-j", "7"],
        ] {
            let words = [&["pgrep", "-qfx"], options, &["bhyve: web"]].concat();
            assert_eq!(pgrep(&words), Answer::exit(1), "{options:?}");
        }
        for option in ["-v", "-n", "-z"] {
            assert_eq!(pgrep(&["pgrep", option, "web"]).status, Status::Exit(2));
        }
        for pattern in ["(", "\\d", "(?:web)", "we*?"] {
            assert_eq!(pgrep(&["pgrep", pattern]).status, Status::Exit(2));
        }
        assert_eq!(pgrep(&["pgrep"]), Answer::fail(2, USAGE));
    }

    #[test]
    fn the_end_of_a_long_command_line_is_not_compared() {
        let mut host = Host::freebsd(14);
        let disk = format!("/vm/{}", "d".repeat(2043));
        host.add_process(0, 1, "bhyveload", &["bhyveload", &disk, "web"]);
        let mut pgrep = |pattern: &str| host.run(&Call::new(["pgrep", "-qf", pattern]));
        assert_eq!(pgrep("^bhyveload .* web$"), Answer::exit(1));
        assert_eq!(pgrep("^bhyveload .*d$"), Answer::ok());
    }
}
