//! The names and paths by which the real program is called, and the destination of its output.

use crate::place::{FRESH, PROGRAM, Place, Said};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

const CONFIG: &str = "\
bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=/iso/fbsd.iso
";

fn resources(place: &Place, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
    let mut call = place.call(program);
    call.env("PATH", "/nowhere");
    call
}

/// The values which show that a call found the configuration and the VM.
#[track_caller]
fn assert_found(call: &mut std::process::Command) {
    let said = Said::of(&call.output().unwrap());
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{call:?}");
    assert!(
        said.out.contains("\nsystem=fbsd0\ncon="),
        "{call:?}: {}",
        said.out
    );
}

#[test]
fn a_link_works_by_every_path_that_leads_to_it() {
    let place = Place::new();
    for bin in ["bin", "my own bin", "bin-1.2.3", "it's $HOME"] {
        place.write(&format!("{bin}/easy-bhyve.conf"), CONFIG);
        place.program(&format!("{bin}/easy-bhyve"));
        let link = place.link(&format!("{bin}/eb/fbsd0-resources"), "../easy-bhyve");
        let eb = place.path(format!("{bin}/eb"));
        assert_found(&mut resources(&place, &link));
        assert_found(resources(&place, "./fbsd0-resources").current_dir(&eb));
        assert_found(resources(&place, "../eb/./fbsd0-resources").current_dir(&eb));
        assert_found(&mut resources(&place, format!("{bin}/eb/fbsd0-resources")));
        assert_found(
            resources(&place, &link)
                .arg0("fbsd0-resources")
                .env("PATH", &eb),
        );
        assert_found(
            resources(&place, &link)
                .arg0("fbsd0-resources")
                .env("PATH", format!("/nowhere:{bin}/eb")),
        );
        // The caller's shell may find the program in the working directory by an empty part of PATH.
        let words = ["resources", "fbsd0"];
        let program = place.path(format!("{bin}/easy-bhyve"));
        assert_found(resources(&place, &program).args(words));
        assert_found(
            resources(&place, "./easy-bhyve")
                .current_dir(eb.parent().unwrap())
                .args(words),
        );
        assert_found(
            resources(&place, &program)
                .arg0("easy-bhyve")
                .env("PATH", bin)
                .args(words),
        );
    }
}

#[test]
fn a_chain_of_links_leads_to_the_program_and_the_first_name_counts() {
    let place = Place::new();
    place.write("home/bin/easy-bhyve.conf", CONFIG);
    place.program("opt/easy-bhyve-0.1/bin/easy-bhyve");
    place.link("opt/easy-bhyve", "easy-bhyve-0.1");
    place.link(
        "home/bin/easy-bhyve",
        place.path("opt/easy-bhyve/bin/easy-bhyve"),
    );
    place.link("home/bin/eb/fbsd0-resources", "../easy-bhyve");
    assert_found(&mut resources(&place, "home/bin/eb/fbsd0-resources"));
    // The directory of the links may itself be reached through a link.
    place.link("desk", "home/bin/eb");
    assert_found(&mut resources(&place, "desk/fbsd0-resources"));
    // A link to a link of another VM and verb is called by its own name.
    place.link("home/bin/eb/none-resources", "fbsd0-resources");
    let said = Said::of(
        &resources(&place, "home/bin/eb/none-resources")
            .output()
            .unwrap(),
    );
    let file = place.shown("home/bin/easy-bhyve.conf");
    let err = format!("none-resources: there is no VM \"none\" in {file}\n  VMs: fbsd0\n");
    assert_eq!(said, Said::new(2, "", err));
}

#[test]
fn a_version_in_the_path_or_the_name_is_ignored() {
    let place = Place::new();
    place.write("vms.conf", CONFIG);
    let words = ["resources", "fbsd0"];
    let plain = place.say(PROGRAM, words, "vms.conf");
    assert_eq!((plain.status, plain.err.as_str()), (Some(0), ""));
    for name in [
        "easy-bhyve-0.1.0/easy-bhyve",
        "opt/easy-bhyve-0.1.0",
        "opt/easy-bhyve",
        "fbsd9-boot/easy-bhyve",
        "a-b/easy-bhyve-new",
    ] {
        let program = place.program(name);
        assert_eq!(place.say(&program, words, "vms.conf"), plain, "{name}");
    }
    for directory in ["easy-bhyve-0.1.0/eb", "v1.2-boot/eb-1.0"] {
        let link = place.link(&format!("{directory}/fbsd0-resources"), PROGRAM);
        assert_eq!(place.say(&link, [""; 0], "vms.conf"), plain, "{directory}");
    }
}

#[test]
fn version_needs_no_configuration() {
    let place = Place::new();
    let said = Said::new(
        0,
        concat!("easy-bhyve ", env!("CARGO_PKG_VERSION"), "\n"),
        "",
    );
    for option in ["--version", "-V"] {
        assert_eq!(place.say(PROGRAM, [option], "missing"), said);
    }
    let unknown = place.say(PROGRAM, ["--versoin"], "missing");
    assert_eq!((unknown.status, unknown.out.as_str()), (Some(2), ""));
}

/// Calls whose standard output is long, short, a list, or a plan.
const CALLS: [&[&str]; 6] = [
    &["--help"],
    &["--version"],
    &["boot", "--help"],
    &["list"],
    &["resources", "fbsd0"],
    &["resources", "fbsd0", "--format", "json"],
];

#[test]
fn a_closed_pipe_is_no_failure() {
    let place = Place::new();
    let config = place.write("vms.conf", CONFIG);
    for words in CALLS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut call = place.call(PROGRAM);
        call.args(words)
            .env("EASY_BHYVE_CONFIG", &config)
            .stdout(Stdio::from(writer));
        assert_eq!(
            Said::of(&call.output().unwrap()),
            Said::new(0, "", ""),
            "{words:?}"
        );
    }
    // Output on standard error that cannot be written is no failure either.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut call = place.call(PROGRAM);
    call.args(["boot", "fbsd0", "-d"])
        .env("EASY_BHYVE_CONFIG", &config)
        .stderr(Stdio::from(writer));
    assert_eq!(Said::of(&call.output().unwrap()).status, Some(0));
}

#[test]
fn output_that_cannot_be_written_is_reported_as_a_failure() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        crate::place::skip(&format!("this system has no {}", full.display()));
        return;
    }
    let place = Place::new();
    let config = place.write("vms.conf", CONFIG);
    for words in CALLS.into_iter().chain([&["boot", "fbsd0", "-d"][..]]) {
        let mut call = place.call(PROGRAM);
        let out = File::options().write(true).open(full).unwrap();
        call.args(words)
            .env("EASY_BHYVE_CONFIG", &config)
            .stdout(Stdio::from(out));
        let said = Said::of(&call.output().unwrap());
        let remark = if words.contains(&"-d") {
            format!("easy-bhyve: {FRESH}")
        } else {
            String::new()
        };
        let err = "easy-bhyve: standard output: No space left on device (os error 28)\n  \
                   help: the file system of the output is full: see df -h; free space\n";
        assert_eq!(
            said,
            Said::new(1, "", format!("{remark}{err}")),
            "{words:?}"
        );
    }
}

#[test]
fn output_to_a_pipe_has_no_colour() {
    let place = Place::new();
    place.write("vms.conf", CONFIG);
    place.write("broken.conf", "a_id=1 b_id=$(date)\n");
    place.write(
        "warned.conf",
        "volroot=zroot/vm a_id=1 a_memm=1g a_cd0=/iso\n",
    );
    for (config, words) in [
        ("vms.conf", &["--help"][..]),
        ("vms.conf", &["boot", "--help"]),
        ("vms.conf", &["boot", "none"]),
        ("vms.conf", &["boot", "fbsd0", "-d"]),
        ("vms.conf", &["bot"]),
        ("vms.conf", &["boot", "-x"]),
        ("broken.conf", &["list"]),
        ("warned.conf", &["resources", "a"]),
        ("warned.conf", &["check"]),
        ("missing.conf", &["list"]),
    ] {
        let mut call = place.call(PROGRAM);
        call.args(words)
            .env("EASY_BHYVE_CONFIG", place.path(config))
            .envs([
                ("TERM", "xterm-256color"),
                ("CLICOLOR_FORCE", "1"),
                ("COLORTERM", "truecolor"),
            ]);
        let said = Said::of(&call.output().unwrap());
        assert!(
            !format!("{}{}", said.out, said.err).contains('\u{1b}'),
            "{words:?}: {said:?}"
        );
        assert!(!(said.out.is_empty() && said.err.is_empty()), "{words:?}");
    }
}

#[test]
fn wrong_arguments_are_reported_without_a_configuration() {
    let place = Place::new();
    for words in [
        &["boot"][..],
        &["boot", "a", "b"],
        &["boot", "a", "-x"],
        &["clone", "a"],
        &["-d"],
        &[""],
    ] {
        let said = place.say(PROGRAM, words, "missing");
        assert_eq!(
            (said.status, said.out.as_str()),
            (Some(2), ""),
            "{words:?}: {said:?}"
        );
        assert!(said.err.starts_with("easy-bhyve: "), "{said:?}");
    }
}

#[test]
fn every_word_behind_a_link_belongs_to_its_verb() {
    let place = Place::new();
    place.write("vms.conf", "volroot=zroot/vm z0_id=1 z0_cd0=/iso/a.iso\n");
    let link = place.link("eb/z0-snapshot", PROGRAM);
    for words in [&["root-fs-grown", "-d"][..], &["root-boot", "z0", "-d"]] {
        let said = place.say(&link, words, "vms.conf");
        assert_eq!(said.status, Some(0), "{said:?}");
        let name = words.split_last().unwrap().1.join("_");
        assert!(said.out.contains(&format!("-{name}\n")), "{said:?}");
    }
    let said = place.say(PROGRAM, ["root-nothing", "z0"], "vms.conf");
    assert!(said.err.contains("only easy-bhyve itself"), "{said:?}");
}

#[test]
fn a_hint_is_a_link_that_exists_or_else_words_and_keeps_the_named_file() {
    let place = Place::new();
    place.write("bin/easy-bhyve.conf", CONFIG);
    place.write("bin/other.conf", CONFIG);
    place.program("bin/easy-bhyve");
    let link = place.path("bin/eb/fbsd0-clone");
    place.write("bin/eb/unlike", "");
    let hint = |words: &[&str]| {
        let mut call = resources(&place, place.path("bin/easy-bhyve"));
        let call = call.arg0(&link).args(["-d", "@x"]).args(words);
        let said = Said::of(&call.output().unwrap());
        let hint = said.err.lines().last().unwrap_or_default().trim();
        hint.to_owned()
    };
    let other = place.path("bin/other.conf").display().to_string();
    let named = ["--config", &other];
    assert_eq!(hint(&[]), "help: for example: easy-bhyve clone fbsd0 new0");
    assert_eq!(
        hint(&named),
        format!("help: for example: easy-bhyve --config {other} clone fbsd0 new0")
    );
    place.link("bin/eb/fbsd0-clone", "../easy-bhyve");
    assert_eq!(hint(&[]), "help: for example: fbsd0-clone new0");
    assert_eq!(
        hint(&named),
        format!("help: for example: fbsd0-clone --config {other} new0")
    );
}
