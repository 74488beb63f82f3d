use super::{KNOWN, SILENT, of, of_signal, of_status};
use crate::command::{Command, args};
use crate::model::name::VmName;
use crate::model::tests::vm;
use crate::tools::bhyve::tests::run;
use crate::tools::line::Console;
use crate::verb::Spelling;

#[test]
fn no_message_hides_another_that_stands_behind_it() {
    for (at, known) in KNOWN.iter().enumerate() {
        let first = KNOWN
            .iter()
            .position(|other| known.message.contains(other.message));
        assert_eq!(first, Some(at), "{}", known.message);
        assert_eq!(of(&format!("bhyve: {}: x", known.message)), Some(*known));
    }
}

#[test]
fn a_remedy_has_the_spelling_of_the_call() {
    let mut vm = vm();
    for (spelling, remedy) in [
        (
            Spelling::link(),
            "start on the terminal to see the output: fbsd0-ttyboot",
        ),
        (
            Spelling::default(),
            "start on the terminal to see the output: easy-bhyve ttyboot fbsd0",
        ),
    ] {
        vm.spelling = spelling;
        let command = run(&vm, &Console::Stdio, false).prefixed("timeout", &["9"]);
        assert_eq!(SILENT.remedy_for(&command), remedy);
    }
    // What a placeholder becomes is not read again.
    let mut other = vm.clone();
    other.name = VmName::parse("myVM_1").expect("a name");
    let command = run(&other, &Console::Stdio, false);
    assert_eq!(
        command.spelled("VM-ttyboot; VM_mem; any VM; easy-bhyve status"),
        "easy-bhyve ttyboot myVM_1; myVM_1_mem; any VM; easy-bhyve status"
    );
    let known = of_status(&Command::root("timeout", Vec::new()), 124).expect("known");
    let load = Command::root("bhyveload", Vec::new()).works_for(&vm);
    assert!(known.remedy_for(&load).ends_with("needs fbsd0_freebsd=NO"));
}

#[test]
fn in_a_remedy_vm_is_only_a_part_of_a_command_or_a_setting() {
    let grub = || Command::root("grub-bhyve", Vec::new());
    let (limited, bhyve) = (
        grub().prefixed("timeout", &[]),
        Command::root("bhyve", Vec::new()),
    );
    let slow = Command::root("timeout", Vec::new());
    let of_menu = Command::root("grub-bhyve", args!["-r", "hd0,gpt2"]).prefixed("timeout", &[]);
    let statuses = [
        (&of_menu, 124),
        (&limited, 124),
        (&slow, 124),
        (&slow, 1),
        (&bhyve, 64),
        (&bhyve, 71),
    ];
    let statuses = statuses.map(|(command, status)| of_status(command, status));
    let signals = [9, 11, 15].map(|signal| of_signal(&grub(), signal));
    let others = statuses.iter().chain(&signals);
    let others: Vec<_> = others.map(|known| known.expect("a known cause")).collect();
    for known in KNOWN.iter().chain(&[SILENT]).chain(&others) {
        let mut rest = known.remedy.split("VM").skip(1);
        assert!(
            rest.all(|rest| rest.starts_with(['-', '_'])),
            "{}",
            known.remedy
        );
    }
}
