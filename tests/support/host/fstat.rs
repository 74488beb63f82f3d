//! fstat(1) of named files: usr.bin/fstat/fstat.c. Files that it may not inspect are skipped.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call, Status};
use super::process::Process;

const USAGE: &str = "usage: fstat [-fmnsv] [-M core] [-N system] [-p pid] [-u user] [file ...]";

/// Runs `fstat FILE...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let files = call.words();
    if files.is_empty() || files.iter().any(|file| file.starts_with('-')) {
        return Answer::fail(1, USAGE);
    }
    let mut problems = Vec::new();
    let mut there = Vec::new();
    for file in &files {
        if host.exists(Path::new(file)) {
            there.push(file);
        } else {
            problems.push(format!("fstat: {file}: No such file or directory"));
        }
    }
    let mut answer = Answer::ok().and_err(problems.join("\n"));
    if there.is_empty() {
        answer.status = Status::Exit(1);
        return answer;
    }
    let mut lines = String::from(
        "USER     CMD          PID   FD MOUNT      INUM MODE         SZ|DV R/W NAME\n",
    );
    for process in host.state.processes.values() {
        let is_seen = call.uid == 0 || call.uid == process.uid;
        for file in there
            .iter()
            .filter(|file| is_seen && has_open(host, process, file))
        {
            lines += &format!(
                "{:8} {:10} {:5}   11 /dev        123 crw-r-----  zvol rw  {file}\n",
                if process.uid == 0 { "root" } else { "user" },
                process.comm,
                process.pid
            );
        }
    }
    answer.and_out(lines)
}

/// Whether a process has this device or file open, under any of its names.
fn has_open(host: &Host, process: &Process, file: &str) -> bool {
    let device = host.device(Path::new(file));
    process
        .open
        .iter()
        .any(|open| open == Path::new(file) || device.is_some() && host.device(open) == device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_running_vm_is_open() {
        let mut host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_volume("zroot/vm/db", 1 << 30)
            .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
        for (file, uid, lines) in [("web", 0, 2), ("db", 0, 1), ("web", 1001, 1)] {
            let path = format!("/dev/zvol/zroot/vm/{file}");
            let mut call = Call::new(["fstat", &path]);
            call.uid = uid;
            let answer = host.run(&call);
            let said = String::from_utf8(answer.stdout.clone()).expect("text");
            assert_eq!(said.lines().count(), lines, "{said}");
            assert_eq!(said.contains(&path), lines == 2);
        }
        let missing = host.run(&Call::new(["fstat", "/none"]));
        assert_eq!(
            missing,
            Answer::fail(1, "fstat: /none: No such file or directory")
        );
    }
}
