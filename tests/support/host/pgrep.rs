//! pgrep(1) and pkill(1), as far as they need no regular expression beyond anchors and escapes:
//! usr.bin/pkill/pkill.c.

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
            words.operands.is_empty()
                || words
                    .operands
                    .iter()
                    .any(|pattern| matches(pattern, &text, words.has("x")))
        })
        .map(|process| (process.pid, super::ps::arguments(process)))
        .collect();
    let mut answer = Answer::exit(i32::from(found.is_empty()));
    for (pid, arguments) in found {
        if kills {
            if let Err(errno) = host.signal(pid, signal, call.uid) {
                answer = Answer::fail(3, format!("pkill: signalling pid {pid}: {}", errno.text()));
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
    answer
}

/// Matches anchors, `.`, and escaped characters; everything else stands for itself.
fn matches(pattern: &str, text: &str, whole: bool) -> bool {
    let anchored = pattern.starts_with('^') || whole;
    let ended = (pattern.ends_with('$') && !pattern.ends_with("\\$")) || whole;
    let mut rest = pattern.trim_start_matches('^');
    if pattern.ends_with('$') && !pattern.ends_with("\\$") {
        rest = &rest[..rest.len() - 1];
    }
    let mut wanted: Vec<Option<char>> = Vec::new();
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        wanted.push(match letter {
            '.' => None,
            '\\' => letters.next(),
            other => Some(other),
        });
    }
    let text: Vec<char> = text.chars().collect();
    (0..=text.len().saturating_sub(wanted.len()))
        .filter(|start| !anchored || *start == 0)
        .any(|start| {
            let end = start + wanted.len();
            end <= text.len()
                && (!ended || end == text.len())
                && wanted
                    .iter()
                    .zip(&text[start..end])
                    .all(|(want, have)| want.is_none_or(|want| want == *have))
        })
}

#[cfg(test)]
mod tests {
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
        assert_eq!(pgrep(&["pgrep"]), Answer::fail(2, USAGE));
    }
}
