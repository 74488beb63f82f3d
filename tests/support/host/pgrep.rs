//! pgrep(1) and pkill(1): usr.bin/pkill/pkill.c.

use regex_lite::Regex;

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

const USAGE: &str = "usage: pgrep [-LSfilnoqvx] [-d delim] pattern ...";

/// Runs `pgrep [-flnoqx] [-P ppid] pattern ...` or `pkill [-SIGNAL] [-fnox] pattern ...`.
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
    let words = match Words::parse(&args, "LSad:fF:ilnoqvxP:u:U:") {
        Ok(words) if !words.operands.is_empty() || words.has("F") => words,
        Ok(_) => return Answer::fail(2, USAGE),
        Err(error) => return Answer::fail(2, format!("{program}: {error}")).and_err(USAGE),
    };
    if let Some(file) = words.last("F")
        && host.pid_in(std::path::Path::new(file)).is_none()
    {
        let text = format!("{program}: Cannot open pidfile `{file}': No such file or directory");
        return Answer::fail(3, text);
    }
    let listed = words
        .last("F")
        .and_then(|file| host.pid_in(std::path::Path::new(file)));
    let mut patterns = Vec::new();
    for pattern in &words.operands {
        let whole = if words.has("x") {
            format!("^(?:{pattern})$")
        } else {
            pattern.clone()
        };
        match Regex::new(&whole) {
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
        .filter(|process| listed.is_none_or(|pid| pid == process.pid))
        .filter(|process| {
            let text = if words.has("f") {
                process
                    .title
                    .clone()
                    .unwrap_or_else(|| process.argv.join(" "))
            } else {
                process.comm.clone()
            };
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.is_match(&text))
        })
        .map(|process| (process.pid, super::ps::arguments(process)))
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
                // killact() in pkill.c: who cannot be signalled does not count as found.
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

/// Whether a pattern has nothing that re_format(7) does not know: no letter behind a backslash, no
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
        for pattern in ["(", "\\d", "(?:web)", "we*?"] {
            assert_eq!(pgrep(&["pgrep", pattern]).status, Status::Exit(2));
        }
        assert_eq!(pgrep(&["pgrep"]), Answer::fail(2, USAGE));
    }
}
