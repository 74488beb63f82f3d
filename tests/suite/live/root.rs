//! The root side as a process of its own: started by one escalation, it supervises the VM to its end.

use std::fs::{self, File, TryLockError};
use std::process::{Child, Stdio};

use nix::sys::signal::Signal;

use super::faults::{assert_gone, host, stderr};
use super::rig::{quick, send};
use crate::host::process::Process;
use crate::host::{Edit, Ending, GuestPlan, Host, Loader};
use crate::machine::{CONFIG, Machine, playground};
use crate::wait::{output_of, until};

/// A machine whose user needs doas, with these further settings.
pub(super) fn machine(host: Host, settings: &str) -> Machine {
    let config = CONFIG.replace("@WORD@", "doas");
    Machine::new(host, &format!("{config}{settings}\n"))
}

/// A machine whose guests behave as given.
pub(super) fn with_guests(guest: GuestPlan) -> Machine {
    let mut host = host().with_volume("zroot/vm/deb0", 1 << 30);
    host.state.guest = guest;
    machine(host, "")
}

/// Runs the program, which must succeed; its standard error output.
#[track_caller]
pub(super) fn done(machine: &Machine, words: &[&str]) -> String {
    let output = output_of(machine.program(words));
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    stderr(&output)
}

/// Starts the program, and returns at once.
pub(super) fn begin(machine: &Machine, words: &[&str]) -> Child {
    let mut command = machine.program(words);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The process that supervises a VM.
pub(super) fn supervisor(machine: &Machine) -> Option<Process> {
    let mut all = machine.host().state.processes.into_values();
    all.find(|one| one.comm == "playground")
}

pub(super) fn bhyve(machine: &Machine) -> Option<Process> {
    let mut all = machine.host().state.processes.into_values();
    all.find(|one| one.comm == "bhyve")
}

/// Waits until the guest listens to its power button.
#[track_caller]
pub(super) fn until_acpi(machine: &Machine) {
    until("ACPI", || {
        bhyve(machine).is_some_and(|one| one.sigignore != 0)
    });
}

/// Waits until no VM has a supervisor, and nothing of a VM is left.
#[track_caller]
pub(super) fn until_gone(machine: &Machine) {
    assert_gone(machine);
    let record = machine.path().join("run/easy-bhyve/fbsd0.json");
    let record = fs::read_to_string(record).unwrap_or_default();
    let is_over = record.contains(r#""phase":"ended""#);
    assert!(record.is_empty() || is_over, "{record}");
}

/// The log of a VM without the times.
pub(super) fn log_of(machine: &Machine, vm: &str) -> Vec<String> {
    let log = machine.path().join(format!("log/easy-bhyve/{vm}.log"));
    let text = fs::read_to_string(log).unwrap();
    let time = "2026-01-15 12:00:00 ".len();
    text.lines().map(|line| line[time..].to_owned()).collect()
}

/// How often an escalator was called.
fn escalations(machine: &Machine) -> usize {
    let host = machine.host();
    let calls = host.calls().iter();
    calls.filter(|call| call.argv[0] == "doas").count()
}

#[test]
fn a_verb_is_one_escalation_and_the_supervisor_is_visible_while_the_vm_runs() {
    let machine = with_guests(quick());
    assert_eq!(
        done(&machine, &["fbsd0-boot"]),
        "fbsd0-boot: fbsd0 is running; to connect to its console: fbsd0-console (~. disconnects)\n"
    );
    assert_eq!(escalations(&machine), 1);
    let root = supervisor(&machine).expect("a supervisor");
    let program = playground().display().to_string();
    assert_eq!(
        (root.uid, root.ppid, &root.argv[..3]),
        (0, 1, &[program, "root-boot".into(), "fbsd0".into()][..])
    );
    let pid = bhyve(&machine).expect("a bhyve").pid;
    until_acpi(&machine);
    done(&machine, &["easy-bhyve", "status"]);
    assert_eq!(escalations(&machine), 1);
    done(&machine, &["fbsd0-shutdown"]);
    assert_eq!(escalations(&machine), 2);
    until_gone(&machine);
    assert_eq!(
        log_of(&machine, "fbsd0"),
        [
            &format!("started: bhyve is pid {pid}"),
            "the guest powered off (status 1)",
            "ended: all resources are free"
        ]
    );
}

#[test]
fn a_vm_without_its_supervisor_is_an_orphan_that_is_not_started_again_and_shutdown_frees_it() {
    let machine = with_guests(quick());
    done(&machine, &["fbsd0-boot"]);
    until_acpi(&machine);
    send(
        supervisor(&machine).expect("a supervisor").pid,
        Signal::SIGKILL,
    );
    until("its end", || supervisor(&machine).is_none());
    let status = output_of(machine.program(&["easy-bhyve", "status"]));
    let shown = String::from_utf8(status.stdout).unwrap();
    assert!(shown.contains("fbsd0  orphan"), "{shown}");
    let lock = File::open(machine.path().join("run/easy-bhyve/fbsd0.pid")).unwrap();
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    drop(lock);
    let second = output_of(machine.program(&["fbsd0-boot"]));
    assert_eq!(second.status.code(), Some(2), "{}", stderr(&second));
    done(&machine, &["fbsd0-shutdown"]);
    until_gone(&machine);
}

#[test]
fn a_boot_whose_caller_is_killed_is_undone() {
    let loads = GuestPlan {
        loader_ms: 600_000,
        ..quick()
    };
    let starts = GuestPlan {
        title_ms: 600_000,
        ..quick()
    };
    for (guest, program) in [(loads, "bhyveload"), (starts, "bhyve")] {
        let machine = with_guests(guest);
        let mut boot = begin(&machine, &["fbsd0-boot"]);
        until("its last step", || {
            let state = machine.host().state;
            state.processes.values().any(|one| one.comm == program)
        });
        boot.kill().unwrap();
        boot.wait().unwrap();
        until_gone(&machine);
        let log = log_of(&machine, "fbsd0");
        let first = "failed: interrupted: the caller has exited";
        assert_eq!(log.first().map(String::as_str), Some(first), "{log:?}");
    }
}

#[test]
fn a_bhyve_that_starts_without_a_supervisor_does_not_prevent_stop_all() {
    let machine = with_guests(GuestPlan {
        title_ms: 600_000,
        ..quick()
    });
    let mut boot = begin(&machine, &["fbsd0-boot"]);
    until("bhyve", || bhyve(&machine).is_some());
    let root = supervisor(&machine).expect("a supervisor");
    send(root.pid, Signal::SIGKILL);
    boot.wait().unwrap();
    // The guest is given time to handle its power button, in vain.
    machine.with(|host| host.state.pace = 1);
    done(&machine, &["easy-bhyve", "stop-all"]);
    until_gone(&machine);
    let ended = "ended without its supervisor: all resources are free";
    assert_eq!(log_of(&machine, "fbsd0"), [ended]);
}

#[test]
fn a_guest_that_reboots_is_started_again_in_the_background_by_either_loader() {
    for vm in ["fbsd0", "deb0"] {
        let machine = with_guests(quick());
        done(&machine, &[&format!("{vm}-boot")]);
        let restarts = || {
            let shown = output_of(machine.program(&["easy-bhyve", "status", "--format", "json"]));
            let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
            shown["running"][0]["restarts"].clone()
        };
        for (nth, ending) in [Ending::Reboot, Ending::Reboot, Ending::PowerOff]
            .into_iter()
            .enumerate()
        {
            until("its start", || {
                let log = log_of(&machine, vm);
                let starts = log.iter().filter(|line| line.starts_with("started"));
                starts.count() > nth
            });
            until("its record", || restarts() == nth);
            machine.with(|host| host.edit(&Edit::End(vm.to_owned(), ending)));
        }
        until("the end", || supervisor(&machine).is_none());
        let log = log_of(&machine, vm);
        let about = |line: &String| line.split(": ").next().unwrap().to_owned();
        let log: Vec<String> = log.iter().map(about).collect();
        assert_eq!(
            log,
            [
                "started",
                "the guest rebooted (status 0); starting again",
                "started again",
                "the guest rebooted (status 0); starting again",
                "started again",
                "the guest powered off (status 1)",
                "ended"
            ]
        );
        let state = machine.host().state;
        assert!(state.vms.is_empty() && !state.interfaces.contains_key("tap1"));
    }
}

#[test]
fn a_loader_that_hangs_is_ended_at_its_time_limit() {
    for (vm, loader) in [("fbsd0", "bhyveload"), ("deb0", "grub-bhyve")] {
        let mut host = host().with_volume("zroot/vm/deb0", 1 << 30);
        host.state.guest.loader = Loader::Stuck;
        let machine = machine(host, &format!("{vm}_loader_timeout=1"));
        let output = output_of(machine.program(&[&format!("{vm}-boot")]));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let first =
            format!("{vm}-boot: {loader} failed with status 124: the time limit was reached\n");
        assert!(said.starts_with(&first), "{said}");
        until_gone(&machine);
        assert!(machine.host().state.vms.is_empty());
    }
}

#[test]
fn a_sigterm_to_every_process_as_at_a_shutdown_of_the_host_ends_a_vm_for_good() {
    let machine = with_guests(quick());
    done(&machine, &["fbsd0-boot"]);
    until_acpi(&machine);
    for process in [supervisor(&machine), bhyve(&machine)] {
        send(process.expect("it runs").pid, Signal::SIGTERM);
    }
    until_gone(&machine);
}

#[test]
fn a_start_whose_supervisor_is_killed_is_reported() {
    let machine = with_guests(GuestPlan {
        loader_ms: 600_000,
        ..quick()
    });
    let boot = machine.program(&["fbsd0-boot"]);
    let boot = std::thread::spawn(|| output_of(boot));
    until("a loader", || {
        let mut all = machine.host().state.processes.into_values();
        all.any(|one| one.comm == "bhyveload")
    });
    send(supervisor(&machine).unwrap().pid, Signal::SIGKILL);
    let output = boot.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let first = "fbsd0-boot: root-boot (run by doas) exited without a report before completion\n";
    assert!(said.starts_with(first), "{said}");
    done(&machine, &["fbsd0-shutdown"]);
    until_gone(&machine);
}

#[test]
fn the_record_of_a_killed_supervisor_is_closed_by_clean() {
    let machine = with_guests(quick());
    let run = machine.path().join("run/easy-bhyve");
    fs::create_dir(&run).unwrap();
    let note = r#"{"schema":1,"supervisor":1,"phase":"network","bhyve":null,"since":"","uptime":1,"restarts":0}"#;
    fs::write(run.join("fbsd0.json"), note).unwrap();
    let said = done(&machine, &["fbsd0-clean"]);
    assert_eq!(said, "fbsd0-clean: fbsd0 has no leftovers\n");
    until_gone(&machine);
    assert_eq!(
        log_of(&machine, "fbsd0"),
        ["ended without its supervisor: all resources are free"]
    );
    done(&machine, &["fbsd0-clean"]);
    assert_eq!(escalations(&machine), 1);
}

#[test]
fn a_log_that_cannot_be_written_is_a_warning() {
    let machine = with_guests(quick());
    fs::write(machine.path().join("log/easy-bhyve"), "no directory").unwrap();
    let said = done(&machine, &["fbsd0-boot"]);
    assert!(
        said.starts_with("fbsd0-boot: the log cannot be written: "),
        "{said}"
    );
    assert!(bhyve(&machine).is_some());
}

#[test]
fn a_boot_works_with_any_umask_of_its_caller() {
    for umask in ["000", "002", "077"] {
        let machine = with_guests(quick());
        let program = machine.program(&["fbsd0-boot"]);
        let mut sh = machine.sh();
        sh.args(["-c", &format!("umask {umask}; exec \"$0\"")])
            .arg(program.get_program());
        let output = output_of(sh);
        assert!(output.status.success(), "{umask}: {}", stderr(&output));
    }
}

#[test]
fn none_of_many_vms_that_start_and_stop_at_once_on_a_cold_host_is_lost() {
    const MANY: usize = 50;
    let names: Vec<String> = (10..10 + MANY).map(|id| format!("vm{id}")).collect();
    let mut host = host();
    host.state.ncpu = 64;
    let mut settings = String::new();
    for (id, name) in (10..).zip(&names) {
        host = host.with_volume(&format!("zroot/vm/{name}"), 1 << 30);
        settings += &format!("{name}_id={id} {name}_freebsd=YES\n");
    }
    host.state.guest = quick();
    let machine = machine(host, &settings);
    let all = |verb: &str| {
        let calls = names.iter().map(|name| {
            let command = machine.program(&["easy-bhyve", verb, name]);
            std::thread::spawn(|| output_of(command))
        });
        let failed: String = calls
            .collect::<Vec<_>>()
            .into_iter()
            .map(|call| call.join().unwrap())
            .filter(|output| !output.status.success())
            .map(|output| stderr(&output))
            .collect();
        assert_eq!(failed, "", "{verb}");
    };
    all("boot");
    let guests = || {
        let all = machine.host().state.processes.into_values();
        all.filter(|one| one.comm == "bhyve").collect::<Vec<_>>()
    };
    until("ACPI", || guests().iter().all(|one| one.sigignore != 0));
    assert_eq!(guests().len(), MANY);
    all("shutdown");
    until("the end of their supervisors", || {
        supervisor(&machine).is_none()
    });
    let state = machine.host().state;
    assert!(guests().is_empty() && state.vms.is_empty());
    assert!(state.interfaces.keys().all(|name| !name.starts_with("tap")));
    assert_eq!(state.harm, Vec::<String>::new());
}
