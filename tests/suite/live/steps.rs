//! Every step of a start and of an end, each failing, killed and hanging, with real processes.

use nix::sys::signal::Signal;

use super::faults::{assert_gone, call, host, machine, stderr};
use super::rig::send;
use crate::host::{Fault, Logged, Status};
use crate::machine::Machine;
use crate::wait::{output_of, until, wait_for};

/// The calls since then, each with its number among those of its program; without questions,
/// whose failure is tested elsewhere, and without the processes that run as long as the VM.
fn steps(machine: &Machine, before: usize) -> Vec<(String, u32)> {
    let host = machine.host();
    let mut steps = Vec::new();
    for (at, call) in host.calls().iter().enumerate().skip(before) {
        let program = call.argv[0].clone();
        if is_question(call) || program == "daemon" || program.starts_with('/') {
            continue;
        }
        let earlier = host.calls().iter().take(at).skip(before);
        let earlier = earlier.filter(|other| other.argv[0] == program).count();
        steps.push((program, u32::try_from(earlier + 1).unwrap()));
    }
    steps
}

fn is_question(call: &Logged) -> bool {
    let argv: Vec<&str> = call.argv.iter().map(String::as_str).collect();
    matches!(
        argv[..],
        ["ps" | "kldstat", ..] | ["ifconfig", _] | ["sysctl", "-i", ..]
    )
}

#[test]
fn every_step_of_a_start_that_fails_is_reported_and_everything_is_undone() {
    let sound = machine(host());
    let output = output_of(call(&sound, "fbsd0-boot"));
    assert!(output.status.success(), "{}", stderr(&output));
    let steps = steps(&sound, 0);
    let programs: Vec<&str> = steps.iter().map(|(program, _)| program.as_str()).collect();
    assert_eq!(
        programs,
        [
            "kldload",
            "sysctl",
            "ifconfig",
            "ifconfig",
            "ifconfig",
            "ifconfig",
            "bhyveload",
            "bhyve"
        ]
    );
    for (program, nth) in &steps {
        for fault in [
            Fault::Fail(9, format!("{program}: no\n")),
            Fault::Kill(Signal::SIGSEGV as i32),
            Fault::Hang,
        ] {
            let hangs = matches!(fault, Fault::Hang);
            let told = format!("{program} {nth}, {fault:?}");
            let mut host = host();
            host.order(program, *nth, fault);
            let machine = machine(host);
            let boot = call(&machine, "fbsd0-boot");
            let boot = std::thread::spawn(|| output_of(boot));
            if hangs {
                let pid = wait_for("the program that hangs", || {
                    let state = machine.host().state;
                    let mut all = state.processes.values();
                    let is_it =
                        |comm: &str| comm == program || comm == "timeout" && program == "bhyveload";
                    all.find(|one| is_it(&one.comm)).map(|one| one.pid)
                });
                send(pid, Signal::SIGKILL);
            }
            let output = boot.join().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{told}: {said}");
            assert!(said.contains(program.as_str()), "{told}: {said}");
            assert_gone(&machine);
            let state = machine.host().state;
            assert_eq!(state.harm, Vec::<String>::new(), "{told}: {said}");
        }
    }
}

#[test]
fn every_step_of_an_end_that_fails_is_reported_and_the_next_end_frees_the_rest() {
    let running = || {
        let machine = machine(host());
        let output = output_of(call(&machine, "fbsd0-boot"));
        assert!(output.status.success(), "{}", stderr(&output));
        until("ACPI", || {
            let state = machine.host().state;
            let pid = state.bhyve_of("fbsd0").unwrap();
            state.processes[&pid].sigignore != 0
        });
        let before = machine.host().calls().len();
        (machine, before)
    };
    let (sound, before) = running();
    let output = output_of(call(&sound, "fbsd0-shutdown"));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_gone(&sound);
    let steps = steps(&sound, before);
    let programs: Vec<&str> = steps.iter().map(|(program, _)| program.as_str()).collect();
    assert_eq!(programs, ["kill", "kill", "bhyvectl", "ifconfig"]);
    for (program, nth) in &steps {
        for fault in [
            Fault::Fail(9, format!("{program}: no\n")),
            Fault::Kill(Signal::SIGSEGV as i32),
        ] {
            let told = format!("{program} {nth}, {fault:?}");
            let (machine, _) = running();
            machine.with(|host| host.order(program, *nth, fault));
            let output = output_of(call(&machine, "fbsd0-shutdown"));
            let said = stderr(&output);
            let was_met = |one: &Logged| {
                let ended = [Status::Exit(9), Status::Signal(Signal::SIGSEGV as i32)];
                one.argv[0] == *program && ended.contains(&one.status)
            };
            assert!(machine.host().calls().iter().any(was_met), "{told}: {said}");
            if !output.status.success() {
                assert_eq!(output.status.code(), Some(1), "{told}: {said}");
                assert!(said.contains(program.as_str()), "{told}: {said}");
                let is_alive = machine.host().state.bhyve_of("fbsd0").is_some();
                let verb = if is_alive { "shutdown" } else { "clean" };
                let again = output_of(call(&machine, &format!("fbsd0-{verb}")));
                assert!(again.status.success(), "{told}: {said}{}", stderr(&again));
            }
            assert_gone(&machine);
        }
    }
}
