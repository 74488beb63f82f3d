//! hostname(1): bin/hostname/hostname.c.

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

/// Runs `hostname [-f] [-s | -d] [name-of-host]`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let usage = "usage: hostname [-f] [-s | -d] [name-of-host]";
    let words = match Words::parse(&call.words(), "fsd") {
        Ok(words) if words.operands.len() <= 1 => words,
        Ok(_) => return Answer::fail(1, usage),
        Err(error) => return Answer::fail(1, format!("hostname: {error}")).and_err(usage),
    };
    if let Some(name) = words.operands.first() {
        if call.uid != 0 {
            return Answer::fail(1, "hostname: sethostname: Operation not permitted");
        }
        host.state.hostname.clone_from(name);
        return Answer::ok();
    }
    let full = host.state.hostname.as_str();
    let name = match full.split_once('.') {
        Some((short, _)) if words.has("s") => short,
        Some((_, domain)) if words.has("d") => domain,
        None if words.has("d") => "",
        _ => full,
    };
    Answer::out(format!("{name}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_name_ends_at_the_first_dot() {
        let mut host = Host::freebsd(14);
        assert_eq!(
            host.run(&Call::new(["hostname", "-s"])),
            Answer::out("vmhost\n")
        );
        assert_eq!(
            host.run(&Call::new(["hostname"])),
            Answer::out("vmhost.example.org\n")
        );
    }
}
