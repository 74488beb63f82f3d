//! Names that another user can create: root writes nothing there, and depends on none of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::Signal;

use super::faults::{host, stderr};
use super::forged::{WAYS, by_script};
use super::rig::{quick, send};
use crate::host::{Edit, Ending, GuestPlan, Host};
use crate::machine::{CONFIG, Machine};
use crate::place::write_script;
use crate::wait::{output_of, until, wait_for};

fn machine(host: Host) -> Machine {
    Machine::new(host, &CONFIG.replace("@WORD@", "doas"))
}

/// A host on which `deb0` can be booted, too.
fn both() -> Host {
    host().with_volume("zroot/vm/deb0", 1 << 30)
}

/// How often bhyve was started.
fn starts(machine: &Machine) -> usize {
    let host = machine.host();
    let starts = host.calls().iter().filter(|call| call.argv[0] == "bhyve");
    starts.count()
}

/// The directory of the files of `deb0`'s loader, from its command line.
fn scratch(machine: &Machine) -> Option<PathBuf> {
    let host = machine.host();
    let words = host.calls().iter().map(|call| &call.argv);
    let mut words = words.filter(|words| words[0] == "grub-bhyve");
    let words = words.next()?;
    let map = words.iter().skip_while(|word| *word != "-m").nth(1)?;
    Path::new(map).parent().map(Path::to_owned)
}

/// Waits until no VM has a supervisor any more.
#[track_caller]
fn until_free(machine: &Machine) {
    until("the end of the supervisor", || {
        let state = machine.host().state;
        let mut all = state.processes.values().flat_map(|one| &one.argv);
        !all.any(|word| word.starts_with("supervise-") || word == "root-boot")
    });
}

/// The names below root's directory of scratch files.
fn below_scratch(machine: &Machine) -> Vec<PathBuf> {
    let all = fs::read_dir(machine.path().join("run/easy-bhyve/scratch"));
    let all = all.into_iter().flatten();
    all.map(|one| one.unwrap().path()).collect()
}

#[test]
fn a_link_at_a_name_that_a_script_has_used_does_not_lead_root_to_another_file() {
    for vm in ["fbsd0", "deb0"] {
        let machine = machine(both());
        let made = machine.path().join("made");
        let mktemp = machine.path().join("bin/mktemp");
        let notes = format!(
            "name=$(PATH=/usr/bin:/bin mktemp \"$@\") || exit\n\
             echo \"$name\" >>'{}'\necho \"$name\"\n",
            made.display()
        );
        write_script(&mktemp, &notes);
        let output = by_script(&machine, &[&format!("{vm}-boot")]);
        assert!(output.status.success(), "{}", stderr(&output));

        let victim = machine.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let names = fs::read_to_string(&made).unwrap();
        let mut planted = Vec::new();
        for name in names.lines() {
            for name in [
                name.to_owned(),
                format!("{name}.status"),
                format!("{name}.new"),
            ] {
                if symlink(&victim, &name).is_ok() {
                    planted.push(name);
                }
            }
        }
        machine.with(|host| host.edit(&Edit::End(vm.into(), Ending::PowerOff)));
        until_free(&machine);
        for name in planted {
            let _ = fs::remove_file(name);
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }
}

#[test]
fn a_script_of_root_writes_into_a_directory_that_is_closed_to_others() {
    for vm in ["fbsd0", "deb0"] {
        let machine = machine(both());
        let output = by_script(&machine, &[&format!("{vm}-boot")]);
        assert!(output.status.success(), "{}", stderr(&output));
        let own = below_scratch(&machine);
        assert_eq!(own.len(), 1, "{own:?}");
        let name = own[0].file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{vm}.")), "{name}");
        for directory in [&own[0], own[0].parent().unwrap()] {
            let mode = fs::metadata(directory).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o700, "{directory:?}");
        }
        machine.with(|host| host.edit(&Edit::End(vm.into(), Ending::PowerOff)));
        until_free(&machine);
        assert_eq!(below_scratch(&machine), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_directory_at_a_name_that_ps_shows_does_not_end_a_vm_at_a_reboot() {
    for run in WAYS {
        let machine = machine(both());
        let output = run(&machine, &["deb0-boot"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let name = scratch(&machine).expect("a loader");
        let planted = fs::create_dir(&name).is_ok();
        machine.with(|host| host.edit(&Edit::End("deb0".into(), Ending::Reboot)));
        until("an end or a second start", || {
            let state = machine.host().state;
            let mut all = state.processes.values().flat_map(|one| &one.argv);
            let is_supervised =
                all.any(|word| word.starts_with("supervise-") || word == "root-boot");
            starts(&machine) > 1 || !is_supervised
        });
        if planted {
            let _ = fs::remove_dir(&name);
        }
        assert_eq!(starts(&machine), 2);
        let ended = output_of(machine.program(&["deb0-shutdown", "-f"]));
        assert!(ended.status.success(), "{}", stderr(&ended));
        until_free(&machine);
        assert_eq!(below_scratch(&machine), Vec::<PathBuf>::new());
    }
}

#[test]
fn files_of_a_killed_supervisor_are_removed_by_the_next_run_for_the_vm() {
    for name in ["deb0-clean", "deb0-boot"] {
        assert_eq!(left_of_a_killed_supervisor(name), Vec::<PathBuf>::new());
    }
    // Here the process of the loader may hold the lock a moment longer than it is listed, and then its
    // files stay: on FreeBSD it is listed until its descriptors are closed (`sys/kern/kern_exit.c`).
    let is_removed = |_| left_of_a_killed_supervisor("deb0-shutdown").is_empty();
    assert!((0..10).any(is_removed));
}

/// What is left in the directory of scratch files when a supervisor was killed while its loader ran, and
/// this command was run afterwards.
fn left_of_a_killed_supervisor(name: &str) -> Vec<PathBuf> {
    let mut host = both();
    host.state.guest = GuestPlan {
        loader_ms: 600_000,
        ..quick()
    };
    let machine = machine(host);
    let begin = |name: &str| {
        let mut command = machine.program(&[name]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut boot = begin("deb0-boot");
    let pid_of = |program: &str| {
        let state = machine.host().state;
        let mut all = state.processes.values();
        all.find(|one| one.comm == program).map(|one| one.pid)
    };
    let loader = wait_for("a loader", || pid_of("grub-bhyve"));
    send(pid_of("playground").expect("a supervisor"), Signal::SIGKILL);
    boot.wait().unwrap();
    let left = below_scratch(&machine);
    assert_eq!(left, [scratch(&machine).expect("a loader")]);
    if name == "deb0-shutdown" {
        let output = output_of(machine.program(&[name]));
        assert!(output.status.success(), "{}", stderr(&output));
    } else {
        send(loader, Signal::SIGKILL);
        until("its end", || pid_of("grub-bhyve").is_none());
        let mut next = begin(name);
        until("its removal", || {
            // The process of the loader may hold the lock a moment longer than it is listed.
            if left[0].exists() && next.try_wait().unwrap().is_some() {
                next = begin(name);
            }
            !left[0].exists()
        });
        let _ = next.kill();
        next.wait().unwrap();
    }
    until_free(&machine);
    below_scratch(&machine)
}

#[test]
fn a_record_counts_for_the_process_that_wrote_it_and_for_no_later_one_with_its_pid() {
    let machine = machine(both());
    let output = by_script(&machine, &["fbsd0-boot"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let state = machine.host().state;
    let mut all = state.processes.values();
    let supervises = |word: &String| word == "supervise-fbsd0";
    let own = all.find(|one| one.argv.last().is_some_and(supervises));
    let pid = own.expect("a supervisor").pid;
    let run = machine.path().join("run/easy-bhyve");
    fs::create_dir_all(&run).unwrap();
    for (uptime, is_believed) in [(0, false), (u64::from(u32::MAX), true)] {
        // As a process with the same pid recorded it earlier.
        let note = format!(
            "{{\"schema\":1,\"supervisor\":{pid},\"phase\":\"running\",\"bhyve\":null,\
             \"since\":\"\",\"uptime\":{uptime},\"restarts\":7}}"
        );
        fs::write(run.join("fbsd0.json"), note).unwrap();
        let status = output_of(machine.program(&["easy-bhyve", "status", "--format", "json"]));
        let shown = String::from_utf8(status.stdout).unwrap();
        assert_eq!(shown.contains("\"restarts\": 7"), is_believed, "{shown}");
    }
}
