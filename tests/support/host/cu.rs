//! cu(1): usr.bin/tip/tip/cu.c. It waits for a carrier unless the other end of the null-modem pair is
//! open.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call, Status};
use super::devices::Device;
use super::live::Session;
use super::words::Words;

/// Runs `cu [-ehot] [-l line] [-s speed]`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let usage = "usage: cu [-ehot] [-a acu] [-l line] [-s speed] [-#] [phone-number]";
    let words = match Words::parse(&call.words(), "a:l:s:htoe") {
        Ok(words) => words,
        Err(error) => return Answer::fail(8, format!("cu: {error}")).and_err(usage),
    };
    let Some(line) = words.last("l") else {
        return Answer::fail(8, usage);
    };
    let path = if line.starts_with('/') {
        line.to_owned()
    } else {
        format!("/dev/{line}")
    };
    let Some(Device::Nmdm(pair, end_a)) = host.resolve(Path::new(&path), call.uid) else {
        return Answer::exit(3)
            .and_err(format!("{path}: No such file or directory"))
            .and_out("link down\n");
    };
    let ends = host.state.nmdm.get(&pair).cloned().unwrap_or_default();
    let (own, peer) = if end_a {
        (ends.a, ends.b)
    } else {
        (ends.b, ends.a)
    };
    let allowed = call.uid == 0
        || ends.owner == call.uid
        || host
            .state
            .users
            .get(&call.uid)
            .is_some_and(|user| user.groups.contains("dialer"));
    if own.is_some() || !allowed {
        return Answer::exit(3).and_out("all ports busy\n");
    }
    if host.state.real_time {
        let pid = host.add_called(call);
        host.open_nmdm(&pair, end_a, pid);
        host.session = Some(Session::Line(host.place_of(&path)));
        return Answer::of(Status::Running);
    }
    if peer.is_none() {
        return Answer::of(Status::Hang);
    }
    Answer::out("Connected\r\n[EOT]\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_nmdm_there_is_no_line() {
        assert_eq!(
            Host::freebsd(14).run(&Call::new(["cu", "-l", "/dev/nmdm0B"])),
            Answer::fail(3, "/dev/nmdm0B: No such file or directory").and_out("link down\n")
        );
    }

    #[test]
    fn cu_connects_to_a_running_vm_and_waits_without_one() {
        let mut host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_commands(&[
                "kldload nmdm",
                "bhyveload -m 512M -d /dev/zvol/zroot/vm/web web",
                "daemon -f bhyve -m 512M -s 1,lpc -l com1,/dev/nmdm0A web",
            ]);
        let cu = |line: &str| Call::new(["cu", "-l", line, "-s", "9600"]);
        assert_eq!(host.run(&cu("/dev/nmdm0B")).status, Status::Exit(0));
        assert_eq!(
            host.run(&cu("/dev/nmdm0A")),
            Answer::exit(3).and_out("all ports busy\n")
        );
        assert_eq!(host.run(&cu("/dev/nmdm1B")).status, Status::Hang);
    }
}
