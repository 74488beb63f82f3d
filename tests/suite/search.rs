//! The places where the real program looks for its configuration.

mod cut_short;
mod trust;

use crate::place::{PROGRAM, Place, Said};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A configuration whose VM has this much memory.
fn config(mem: &str) -> String {
    format!("bridge=bridge0 netif=igb0 volroot=zroot/vm vm_id=1 vm_cd0=/iso vm_mem={mem}\n")
}

/// The host's name up to its first dot, as the program sees it.
fn host() -> String {
    let name = nix::unistd::gethostname().unwrap();
    let name = name.to_str().unwrap();
    name.split('.').next().unwrap().to_owned()
}

fn overlay() -> String {
    format!("easy-bhyve-{}.conf", host())
}

/// A link in a directory of links, a program elsewhere, a home directory.
struct Layout {
    place: Place,
}

/// The places, in the order of the search.
const PLACES: [&str; 5] = [
    "user/bin/eb",
    "user/bin",
    "opt/bin",
    "home/bin",
    "xdg/easy-bhyve",
];

impl Layout {
    fn new() -> Self {
        let place = Place::new();
        let program = place.program("opt/bin/easy-bhyve");
        place.link("user/bin/eb/vm-resources", program);
        Self { place }
    }

    fn call(&self) -> Command {
        let mut call = self.place.call(self.place.path("user/bin/eb/vm-resources"));
        call.env("HOME", self.place.path("home"))
            .env("XDG_CONFIG_HOME", self.place.path("xdg"));
        call
    }
}

/// The configuration that a call has read, by the memory in it.
#[track_caller]
fn memory(call: &mut Command) -> String {
    let said = Said::of(&call.output().unwrap());
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{call:?}");
    let mut lines = said
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("mem="));
    lines.next().unwrap().to_owned()
}

#[test]
fn each_place_has_precedence_over_the_later_ones() {
    let layout = Layout::new();
    for (number, directory) in PLACES.iter().enumerate().rev() {
        let mem = format!("{}M", 100 + number);
        layout
            .place
            .write(&format!("{directory}/easy-bhyve.conf"), config(&mem));
        assert_eq!(memory(&mut layout.call()), mem, "{directory}");
    }
    // In the word form the called name leads elsewhere.
    let program = layout.place.path("opt/bin/easy-bhyve");
    let mut call = layout.place.call(program);
    assert_eq!(memory(call.args(["resources", "vm"])), "102M");
    // So does a link of the same directory, which leads through another one.
    layout
        .place
        .link("elsewhere/vm-resources", "../user/bin/eb/vm-resources");
    let mut call = layout
        .place
        .call(layout.place.path("elsewhere/vm-resources"));
    assert_eq!(memory(&mut call), "102M");
}

#[test]
fn each_place_has_precedence_even_with_only_the_file_of_this_host() {
    let layout = Layout::new();
    for (number, directory) in PLACES.iter().enumerate().rev() {
        let mem = format!("{}M", 100 + number);
        layout
            .place
            .write(&format!("{directory}/{}", overlay()), config(&mem));
        assert_eq!(memory(&mut layout.call()), mem, "{directory}");
        // The file of this host in a later place is not read in addition.
        if number > 0 {
            layout.place.write(
                &format!("{directory}/easy-bhyve.conf"),
                "vm_id=2 other_id=1\n",
            );
            assert_eq!(memory(&mut layout.call()), mem, "{directory}");
        }
    }
}

#[test]
fn the_settings_of_the_file_of_this_host_have_precedence() {
    let layout = Layout::new();
    layout
        .place
        .write("user/bin/easy-bhyve.conf", config("1G") + "size=2G\n");
    layout
        .place
        .write("user/bin/easy-bhyve-other-host.conf", "vm_mem=9G\n");
    assert_eq!(memory(&mut layout.call()), "1G");
    layout.place.write(
        &format!("user/bin/{}", overlay()),
        "vm_mem=$size\nvm_cpu=4\n",
    );
    assert_eq!(memory(&mut layout.call()), "2G");
    let said = Said::of(&layout.call().output().unwrap());
    assert_eq!(
        said.out,
        format!(
            "host={}\nsystem=vm\ncon=/dev/nmdm1A\ncpu=4\nmem=2G\nzvol=zroot/vm/vm\ncd0=/iso\n\
             host_netif=igb0\nhost_bridge=bridge0\nif0=tap1\nif0_bridge=bridge0\n\
             hd0=/dev/zvol/zroot/vm/vm\ngrub_bootpart=msdos1\n",
            host()
        )
    );
    // A mistake in that file is shown with its place.
    layout
        .place
        .write(&format!("user/bin/{}", overlay()), "\nvm_cpu=none\n");
    let said = Said::of(&layout.call().output().unwrap());
    let at = format!(
        "{}:2:8",
        layout.place.path("user/bin").join(overlay()).display()
    );
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains(&at), "{}", said.err);
}

#[test]
fn the_home_and_the_configuration_home_come_from_the_environment() {
    let place = Place::new();
    let words = ["resources", "vm"];
    let call = || {
        let mut call = place.call(PROGRAM);
        call.args(words);
        call
    };
    place.write("home/.config/easy-bhyve/easy-bhyve.conf", config("1M"));
    place.write("xdg/easy-bhyve/easy-bhyve.conf", config("2M"));
    let (home, xdg) = (place.path("home"), place.path("xdg"));
    assert_eq!(memory(call().env("HOME", &home)), "1M");
    assert_eq!(
        memory(call().env("HOME", &home).env("XDG_CONFIG_HOME", "")),
        "1M"
    );
    assert_eq!(
        memory(call().env("HOME", &home).env("XDG_CONFIG_HOME", &xdg)),
        "2M"
    );
    assert_eq!(memory(call().env("XDG_CONFIG_HOME", &xdg)), "2M");
    place.write("home/bin/easy-bhyve.conf", config("3M"));
    assert_eq!(
        memory(call().env("HOME", &home).env("XDG_CONFIG_HOME", &xdg)),
        "3M"
    );
}

#[test]
fn a_named_file_is_the_only_one_and_an_option_has_precedence_over_the_environment() {
    let layout = Layout::new();
    let place = &layout.place;
    place.write("user/bin/eb/easy-bhyve.conf", config("1M"));
    place.write("a/easy-bhyve.conf", config("2M"));
    place.write(&format!("a/{}", overlay()), "vm_mem=3M\n");
    place.write("with blank/other file", config("4M"));
    place.write(&format!("user/bin/eb/{}", overlay()), "vm_mem=5M\n");
    let by_environment = |file: &str| {
        let mut call = layout.call();
        call.env("EASY_BHYVE_CONFIG", file);
        call
    };
    let whole = place.shown("a/easy-bhyve.conf");
    assert_eq!(memory(&mut layout.call()), "5M");
    assert_eq!(memory(&mut by_environment(&whole)), "2M");
    assert_eq!(memory(&mut by_environment("a/easy-bhyve.conf")), "2M");
    assert_eq!(memory(&mut by_environment("")), "5M");
    assert_eq!(memory(layout.call().args(["--config", &whole])), "2M");
    assert_eq!(
        memory(layout.call().args(["--config=a/easy-bhyve.conf"])),
        "2M"
    );
    assert_eq!(
        memory(by_environment(&whole).args(["--config", "with blank/other file"])),
        "4M"
    );
    // Before the verb, too.
    let mut call = place.call(PROGRAM);
    call.args(["--config", "with blank/other file", "resources", "vm"]);
    assert_eq!(memory(&mut call), "4M");
    // A missing named file is not looked for anywhere else.
    let said = Said::of(
        &by_environment(&whole)
            .args(["--config", "none"])
            .output()
            .unwrap(),
    );
    let err = format!(
        "vm-resources: could not read the configuration {0}: No such file or directory (os error 2)\n  \
         help: name an existing file with --config FILE, or write this one for this host: easy-bhyve init --config {0}\n",
        place.shown("none")
    );
    assert_eq!(said, Said::new(1, "", err));
    let said = Said::of(&by_environment("a").output().unwrap());
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.err.contains(&place.shown("a")), "{said:?}");
}

#[test]
fn without_any_file_the_places_are_listed() {
    let layout = Layout::new();
    let place = &layout.place;
    let system = Path::new("/usr/local/etc");
    if [overlay(), "easy-bhyve.conf".into()]
        .iter()
        .any(|name| system.join(name).exists())
    {
        crate::place::skip("this system has a configuration of its own");
        return;
    }
    // A directory of that name does not count, and neither do other files.
    fs::create_dir_all(place.path("user/bin/easy-bhyve.conf")).unwrap();
    place.write("user/bin/easy-bhyve.conf.orig", config("1M"));
    place.write("home/bin/easy-bhyve-no-such-host.conf", config("1M"));
    let missing = |title: &str, places: &[&str]| {
        let mut err = format!(
            "{title}: no configuration: there is neither easy-bhyve.conf nor {}\n",
            overlay()
        );
        for directory in places {
            err.push_str(&format!("  not in {}\n", place.path(directory).display()));
        }
        err.push_str(
            "  not in /usr/local/etc\n  help: write the first one for this host: easy-bhyve init\n  \
             help: or name an existing file with --config FILE\n",
        );
        Said::new(1, "", err)
    };
    assert_eq!(
        Said::of(&layout.call().output().unwrap()),
        missing("vm-resources", &PLACES)
    );
    // The directory of the called name is that of the program here: each place is listed once.
    let program = place.path("opt/bin/easy-bhyve");
    let said = Said::of(&place.call(&program).arg("list").output().unwrap());
    assert_eq!(said, missing("easy-bhyve", &["opt/bin", "opt"]));
    let said = Said::of(
        &place
            .call(&program)
            .env("HOME", place.path("home"))
            .output()
            .unwrap(),
    );
    let places = ["opt/bin", "opt", "home/bin", "home/.config/easy-bhyve"];
    assert_eq!(said, missing("easy-bhyve", &places));
    // A name that is not found along the path has no directory.
    let said = Said::of(&place.call(&program).arg0("easy-bhyve").output().unwrap());
    assert_eq!(said, missing("easy-bhyve", &["opt/bin"]));
}

/// Every path below a directory, with its mode and the target of a link.
fn tree(directory: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let target = fs::read_link(&path).ok();
        tree.insert(
            path.display().to_string(),
            format!("{:o} {target:?}", metadata.permissions().mode()),
        );
        if metadata.is_dir() {
            tree.append(&mut self::tree(&path));
        }
    }
    tree
}

#[test]
fn a_file_that_cannot_be_read_is_a_failure_and_changes_nothing() {
    let place = Place::new();
    let program = place.program("bin/easy-bhyve");
    let file = place.write("bin/easy-bhyve.conf", config("1M"));
    place.write("home/bin/easy-bhyve.conf", config("2M"));
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let root = place.path("");
    mode(&root, 0o755);
    mode(&file, 0o000);
    let before = tree(&root);
    let is_root = nix::unistd::geteuid().is_root();
    let call = |words: &[&str]| {
        let mut call = place.call(&program);
        call.args(words).env("HOME", place.path("home"));
        if is_root {
            // Root can read everything.
            call.uid(65534).gid(65534);
        }
        call.output()
    };
    let said = match call(&["--version"]) {
        Ok(output) => Said::of(&output),
        Err(error) => {
            crate::place::skip(&format!(
                "another user cannot run {}: {error}",
                program.display()
            ));
            assert!(is_root, "{error}");
            return;
        }
    };
    assert_eq!(said.status, Some(0));
    for words in [
        &["setup"][..],
        &["list"],
        &["resources", "vm"],
        &["resources", "vm", "-V", "1g"],
        &["boot", "vm", "-d"],
        &["--config", "bin/easy-bhyve.conf", "setup"],
    ] {
        let err = format!(
            "easy-bhyve: could not read the configuration {}: Permission denied (os error 13)\n  \
             help: check its owner and mode with ls -l, or name another file with --config FILE\n",
            file.display()
        );
        assert_eq!(
            Said::of(&call(words).unwrap()),
            Said::new(1, "", err),
            "{words:?}"
        );
    }
    assert_eq!(tree(&root), before);
}
