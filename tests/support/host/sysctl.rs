//! sysctl(8): sbin/sysctl/sysctl.c.

use super::Host;
use super::call::{Answer, Call, Status};
use super::state::Access;
use super::words::Words;

const USAGE: &str = "usage: sysctl [-bdehiJlNnoqTtVWx] [-j jail] [ -B <bufsize> ] [-f filename] \
     name[=value] ...\n       sysctl [-bdehJlNnoqTtVWx] [-j jail] [ -B <bufsize> ] -a";

/// Runs `sysctl [-inqw] name[=value] ...`; the exit status counts the failures.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "aBb:def:hij:JlnNoqtTVwWxX") {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("sysctl: {error}")).and_err(USAGE),
    };
    let mut operands = words.operands.clone();
    if words.has("a") {
        operands = host.state.sysctls.keys().cloned().collect();
    } else if operands.is_empty() {
        return Answer::fail(1, USAGE);
    }
    let mut answer = Answer::ok();
    let mut failures = 0;
    for operand in &operands {
        let (name, value) = match operand.split_once(['=', ':']) {
            Some((name, value)) => (name, Some(value.trim())),
            None => (operand.as_str(), None),
        };
        let below = format!("{name}.");
        let branch: Vec<String> = host
            .state
            .sysctls
            .keys()
            .filter(|oid| oid.starts_with(&below))
            .cloned()
            .collect();
        let problem = if host.state.sysctls.contains_key(name) {
            match value {
                None => {
                    answer = answer.and_out(shown(host, name, &words));
                    None
                }
                Some(value) => match set(host, name, value, operand, call.uid) {
                    Ok(new) => {
                        let old = shown(host, name, &words);
                        host.store_sysctl(name, &new);
                        answer = answer.and_out(format!("{} -> {new}\n", old.trim_end()));
                        None
                    }
                    Err((problem, printed)) => {
                        if printed {
                            answer = answer.and_out(shown(host, name, &words));
                        }
                        Some(problem)
                    }
                },
            }
        } else if branch.is_empty() {
            match (words.has("i"), words.has("q")) {
                (true, _) => None,
                (false, true) => Some(String::new()),
                (false, false) => Some(format!("unknown oid '{name}'")),
            }
        } else if value.is_some() {
            Some(format!("oid '{name}' isn't a leaf node"))
        } else {
            for oid in branch {
                answer = answer.and_out(shown(host, &oid, &words));
            }
            None
        };
        if let Some(problem) = problem {
            failures += 1;
            for line in problem.lines() {
                answer = answer.and_err(format!("sysctl: {line}"));
            }
        }
    }
    answer.status = Status::Exit(failures);
    answer
}

fn shown(host: &Host, name: &str, words: &Words) -> String {
    let value = host
        .state
        .sysctls
        .get(name)
        .map_or("", |oid| oid.value.as_str());
    if words.has("n") {
        format!("{value}\n")
    } else if words.has("N") {
        format!("{name}\n")
    } else if words.has("e") {
        format!("{name}={value}\n")
    } else {
        format!("{name}: {value}\n")
    }
}

/// The new value, or what sysctl says and whether it has printed the old value before.
fn set(
    host: &Host,
    name: &str,
    value: &str,
    operand: &str,
    uid: u32,
) -> Result<String, (String, bool)> {
    let Some(oid) = host.state.sysctls.get(name) else {
        return Err((format!("unknown oid '{name}'"), false));
    };
    match oid.access {
        Access::Write => {}
        Access::Read => return Err((format!("oid '{name}' is read only"), false)),
        Access::Tunable => {
            let text = format!(
                "oid '{name}' is a read only tunable\nTunable values are set in /boot/loader.conf"
            );
            return Err((text, false));
        }
    }
    if oid.integer && value.parse::<i64>().is_err() {
        return Err((format!("invalid integer '{value}'"), false));
    }
    if uid != 0 || host.state.jailed {
        return Err((format!("{operand}: Operation not permitted"), true));
    }
    Ok(value.into())
}

impl Host {
    /// Sets a sysctl variable, with the effects of the new value.
    fn store_sysctl(&mut self, name: &str, value: &str) {
        match name {
            // sys/dev/vmm/vmm_dev.c: writing a name makes or destroys a VM.
            "hw.vmm.create" => drop(self.create_vm(value, 0)),
            "hw.vmm.destroy" => drop(self.destroy_vm(value)),
            "kern.hostname" => self.state.hostname = value.into(),
            _ => {}
        }
        if let Some(oid) = self.state.sysctls.get_mut(name) {
            oid.value = value.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(host: &mut Host, uid: u32, argv: &[&str]) -> (Status, String, String) {
        let mut call = Call::new(argv.iter().copied());
        call.uid = uid;
        host.run(&call).whole()
    }

    #[test]
    fn unknown_names_are_refused_or_skipped() {
        let mut host = Host::freebsd(14);
        assert_eq!(
            whole(&mut host, 1001, &["sysctl", "kern.osreldate", "no.such"]),
            (
                Status::Exit(1),
                "kern.osreldate: 1403000\n".into(),
                "sysctl: unknown oid 'no.such'\n".into()
            )
        );
        assert_eq!(
            whole(&mut host, 1001, &["sysctl", "-i", "hw.machine", "no.such"]),
            (Status::Exit(0), "hw.machine: amd64\n".into(), String::new())
        );
        assert_eq!(
            whole(&mut host, 1001, &["sysctl", "-n", "kern.osreldate"]).1,
            "1403000\n"
        );
    }

    #[test]
    fn setting_shows_old_and_new_and_needs_root() {
        let mut host = Host::freebsd(14);
        let set = ["sysctl", "net.link.tap.up_on_open=1"];
        assert_eq!(
            whole(&mut host, 1001, &set),
            (
                Status::Exit(1),
                "net.link.tap.up_on_open: 0\n".into(),
                "sysctl: net.link.tap.up_on_open=1: Operation not permitted\n".into()
            )
        );
        assert_eq!(
            whole(&mut host, 0, &set),
            (
                Status::Exit(0),
                "net.link.tap.up_on_open: 0 -> 1\n".into(),
                String::new()
            )
        );
        assert_eq!(
            whole(&mut host, 0, &["sysctl", "hw.ncpu=3"]).2,
            "sysctl: oid 'hw.ncpu' is read only\n"
        );
    }

    #[test]
    fn member_ifaddrs_exists_in_15_once_if_bridge_is_loaded() {
        for (major, there) in [(13, false), (14, false), (15, true), (16, false)] {
            let mut host = Host::freebsd(major);
            let name = "net.link.bridge.member_ifaddrs";
            assert!(!host.state.sysctls.contains_key(name));
            host.load_file("if_bridge.ko");
            assert_eq!(host.state.sysctls.contains_key(name), there, "{major}");
        }
    }
}
