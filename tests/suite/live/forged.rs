//! Processes that only claim to work for a VM: of an ordinary user, of a set-uid program that the user
//! has started under such a name, of a jail's root. Neither the program nor its scripts accept them.

use std::fs;
use std::process::Output;

use super::faults::{host, stderr};
use super::rig::quick;
use crate::host::{Edit, Ending, GuestPlan, Host, Logged};
use crate::machine::{CONFIG, Machine};
use crate::wait::{output_of, until};

/// A machine with such processes, which existed before all others.
fn machine(host: Host) -> Machine {
    let host = host.with_forgers("fbsd0");
    Machine::new(host, &CONFIG.replace("@WORD@", "doas"))
}

/// Runs the script that the program prints.
pub(super) fn by_script(machine: &Machine, words: &[&str]) -> Output {
    let shown = output_of(machine.program(&[words, &["-d", "--format", "sh"]].concat()));
    assert!(shown.status.success(), "{words:?}: {}", stderr(&shown));
    let script = machine.path().join("script");
    fs::write(&script, shown.stdout).unwrap();
    let mut sh = machine.sh();
    sh.arg(script);
    output_of(sh)
}

fn by_program(machine: &Machine, words: &[&str]) -> Output {
    output_of(machine.program(words))
}

/// The program, and its script.
pub(super) const WAYS: [fn(&Machine, &[&str]) -> Output; 2] = [by_program, by_script];

/// Waits until a guest of this VM listens to its power button.
#[track_caller]
fn until_it_listens(machine: &Machine) {
    until("ACPI", || {
        let state = machine.host().state;
        let pid = state.bhyve_of("fbsd0");
        pid.is_some_and(|pid| state.processes[&pid].sigignore != 0)
    });
}

#[test]
fn a_forged_process_prevents_neither_start_nor_end_of_a_vm_and_gets_no_signal() {
    for run in WAYS {
        let machine = machine(host());
        let forgers = machine.host().forgers();
        for words in [
            &["fbsd0-boot"][..],
            &["fbsd0-restart"],
            &["fbsd0-shutdown"],
            &["fbsd0-boot"],
            &["easy-bhyve", "stop-all"],
        ] {
            let output = run(&machine, words);
            let said = stderr(&output);
            assert!(output.status.success(), "{words:?}: {said}");
            let runs_now = machine.host().state.bhyve_of("fbsd0").is_some();
            let is_started = !words.contains(&"fbsd0-shutdown") && !words.contains(&"stop-all");
            assert_eq!(runs_now, is_started, "{words:?}: {said}");
            if is_started {
                until_it_listens(&machine);
            }
        }
        let host = machine.host();
        assert!(host.state.vms.is_empty());
        assert_eq!(host.forgers(), forgers);
        // Each the end of guest was requested; the power of none was cut.
        let cut = |call: &&Logged| {
            call.argv[0] == "bhyvectl" && call.argv.contains(&"--force-poweroff".to_owned())
        };
        assert_eq!(host.calls().iter().filter(cut).count(), 0);
    }
}

#[test]
fn a_bhyve_that_does_not_start_is_not_taken_for_running_because_of_a_forged_title() {
    let mut host = host();
    host.state.guest = GuestPlan {
        title_ms: 600_000,
        ..quick()
    };
    for run in WAYS {
        let machine = machine(host.clone());
        std::thread::scope(|scope| {
            let boot = scope.spawn(|| run(&machine, &["fbsd0-boot"]));
            until("a look behind the start, or its end", || {
                let host = machine.host();
                let calls = host.calls().iter().map(|call| call.argv[0].as_str());
                let behind: Vec<&str> = calls.skip_while(|program| *program != "bhyve").collect();
                boot.is_finished() || behind.contains(&"ps")
            });
            machine.with(|host| host.edit(&Edit::End("fbsd0".into(), Ending::Error)));
            let output = boot.join().unwrap();
            assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        });
        until("that all is free", || machine.host().state.vms.is_empty());
    }
}

#[test]
fn leftovers_of_a_vm_are_freed_whatever_a_process_claims() {
    for run in WAYS {
        let host = host().with_leftover_vm("fbsd0", 1 << 20);
        let machine = machine(host.with_tap("tap1", "easy-bhyve:fbsd0"));
        let output = run(&machine, &["fbsd0-clean"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let state = machine.host().state;
        assert!(state.vms.is_empty() && !state.interfaces.contains_key("tap1"));
    }
}

#[test]
fn a_bhyve_whose_command_line_is_long_is_ended_before_its_node_is_destroyed() {
    let disks: Vec<String> = (1..8)
        .map(|at| format!("{}{at}", "d".repeat(240)))
        .collect();
    let mut host = host();
    host.state.guest = GuestPlan {
        title_ms: 600_000,
        ..quick()
    };
    let lines = (1..8).zip(&disks);
    let lines = lines.map(|(at, disk)| format!("fbsd0_hd{at}=@DIR@/vm/{disk}\n"));
    let config = CONFIG.replace("@WORD@", "none") + &lines.collect::<String>();
    let machine = Machine::new(host, &config);
    for disk in &disks {
        fs::write(machine.path().join("vm").join(disk), "a system").unwrap();
    }
    let mut boot = machine.program(&["fbsd0-boot"]);
    boot.env(crate::host::program::UID, "0");
    let boot = std::thread::spawn(|| output_of(boot));
    until("a bhyve", || {
        machine.host().state.bhyve_of("fbsd0").is_some()
    });
    let mut end = machine.program(&["fbsd0-shutdown", "-f"]);
    end.env(crate::host::program::UID, "0");
    let end = output_of(end);
    assert!(end.status.success(), "{}", stderr(&end));
    boot.join().unwrap();
    let state = machine.host().state;
    assert_eq!(
        (state.bhyve_of("fbsd0"), state.harm.as_slice()),
        (None, &[][..])
    );
    assert!(state.vms.is_empty());
}
