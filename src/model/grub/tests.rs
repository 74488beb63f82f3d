use super::GrubCommands;

const END: &str = "; then true; else echo; exit; fi";

#[test]
fn each_command_that_counts_is_checked_where_it_stands() {
    let table = [
        ("linux /vmlinuz ro", "{linux /vmlinuz ro}"),
        ("#'a' b\nlinux /k\n", "#'a' b\n{linux /k}\n"),
        (
            "linux /k a;initrd /i # x; y\n",
            "{linux /k a};{initrd /i} # x; y\n",
        ),
        (
            "insmod ext2; search -u x\nlinux \"/a b\" c=$d",
            "insmod ext2; search -u x\n{linux \"/a b\" c=$d}",
        ),
        ("$load /k", "{$load /k}"),
        (
            "if [ -f /k ]; then linux /k; else linux /l; fi",
            "if [ -f /k ]; then {linux /k}; else {linux /l}; fi",
        ),
        (
            "if linux /k; then if initrd /i; then boot; fi; fi",
            "if linux /k; then if initrd /i; then boot; fi; fi",
        ),
        (
            "function f { linux $1; }\nf /k",
            "function f { {linux $1}; }\nf /k",
        ),
        (
            "function f { linux $1; }\nif f /k; then boot; fi",
            "function f { linux $1; }\nif f /k; then boot; fi",
        ),
        (
            "for i in a; do initrd /$i\ndone",
            "for i in a; do {initrd /$i}\ndone",
        ),
        (
            "menuentry x { linux /k; initrd /i }",
            "menuentry x { {linux /k}; {initrd /i} }",
        ),
        ("linux '/k;' \\\n a", "{linux '/k;' \\\n a}"),
        (
            "knetbsd -h -r ld0a (hd0,netbsd1)/netbsd",
            "{knetbsd -h -r ld0a (hd0,netbsd1)/netbsd}",
        ),
        ("exit", "exit"),
    ];
    for (text, checked) in table {
        let commands = GrubCommands::parse(text).unwrap();
        let is_block = text.contains('{');
        let checked = if is_block {
            // The braces of the text itself stay.
            checked
                .replace("{linux", "if linux")
                .replace("{initrd", "if initrd")
                .replace("$1}", &format!("$1{END}"))
                .replace("/k}", &format!("/k{END}"))
                .replace("/i}", &format!("/i{END}"))
        } else {
            checked.replace('{', "if ").replace('}', END)
        };
        assert_eq!(commands.checked(), checked, "{text}");
    }
}

#[test]
fn what_grub_would_not_run_to_its_end_is_refused_with_the_reason() {
    let table = [
        ("linux /k user=o'neil", "the ' in \"user=o'neil\" is never"),
        (
            "linux /k \"x\ninitrd /i",
            "the \" in \"\"x\" is never closed",
        ),
        ("#it's\nlinux /k", "the ' in \"#it's\" is never closed"),
        ("linux /k \\", "a backslash at the end"),
        ("linux /k \\\n", "a backslash at the end"),
        ("if true; then linux /k", "if is never closed"),
        ("if true", "if is never closed"),
        (
            "while true; do true",
            "while is never closed; end it with done",
        ),
        ("for i in a b; do true;", "for is never closed"),
        ("function f { linux /k", "function is never closed"),
        ("menuentry x { linux /k", "{ is never closed"),
        ("linux /k a{b", "{ is never closed"),
        ("linux /k || linux /l", "grub does not accept | here"),
        ("linux /k && initrd /i", "grub does not accept & here"),
        ("linux /k;; initrd /i", "grub does not accept ; here"),
        (
            "linux /k; $(hit)",
            "grub does not accept $ here and skips the whole line \"linux /k; $(hit)\"",
        ),
        ("linux /k a${root", "grub does not accept $ here"),
        ("; linux /k", "grub cannot parse the line \"; linux /k\""),
        (
            "linux /k\nfi\ninitrd /i",
            "grub cannot parse the line \"fi\"",
        ),
        ("linux /k {a} b", "grub cannot parse"),
        ("linux /k }", "grub cannot parse"),
        ("linux /k\nlinux /l", "linux has loaded a kernel twice"),
        (
            "lin\\ux /k\nl\"i\\\nnux\" /l",
            "linux has loaded a kernel twice",
        ),
        ("for i in a b; do linux /$i; done", "loaded a kernel twice"),
        ("for i in; do true; done", "grub crashes at for"),
        ("linuxefi /k", "grub-bhyve has no command linuxefi"),
        ("linux /k; initrdefi /i", "write initrd"),
        ("linux /k\0a", "NUL"),
        ("", "no commands"),
    ];
    for (text, reason) in table {
        let said = GrubCommands::parse(text).unwrap_err().to_string();
        let said = said.replace(", and grub would wait for the rest forever", "");
        assert!(said.contains(reason), "{text}: {said}");
    }
}

#[test]
fn lengths_that_grub_cannot_take_are_refused() {
    let words = |length: usize| format!("linux /k {}", "x".repeat(length));
    assert!(GrubCommands::parse(&words(2018)).is_ok());
    assert!(GrubCommands::parse(&words(2019)).is_err());
    let line = |length: usize| format!("set a={}", "x".repeat(length));
    assert!(GrubCommands::parse(&line(7994)).is_ok());
    assert!(GrubCommands::parse(&line(7995)).is_err());
    let deep = "if true; then ".repeat(10_000);
    assert!(GrubCommands::parse(&deep.replace("; ", "\n")).is_err());
}

#[test]
fn one_kernel_on_each_way_is_no_second_one() {
    for text in [
        "if true; then linux /k; else linux /l; fi",
        "if linux /k; then true; else linux /l; fi",
        "linux /k; if [ -f /l ]; then linux /l; fi",
        "knetbsd /k; knetbsd /l",
    ] {
        assert!(GrubCommands::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn commands_that_may_wait_for_somebody_need_a_console() {
    for (text, asks) in [
        ("linux /k; initrd /i", false),
        ("configfile /boot/grub2/grub.cfg", true),
        ("if source /x; then boot; fi", true),
        ("$x", true),
        ("sleep 5; linux /k", true),
    ] {
        assert_eq!(GrubCommands::parse(text).unwrap().asks(), asks, "{text}");
    }
}
