//! `init`: the first configuration, from what the host answers.

use crate::call::{Said, call_bare, owner};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::state::Kind;
use crate::machine::Machine;
use crate::place::{PROGRAM, Place};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A user with a home directory on a host, without a configuration.
struct User {
    home: tempfile::TempDir,
    fake: Fake,
}

impl User {
    fn new(host: Host) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut fake = Fake::new(host, owner());
        let variable = |name: &str| OsString::from(name);
        fake.environment
            .insert(variable("HOME"), home.path().into());
        Self { home, fake }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("bin/easy-bhyve.conf")
    }

    /// Calls the program; `~` stands for the home directory in the output.
    fn call(&mut self, words: &[&str]) -> Said {
        let words = ["easy-bhyve"].iter().chain(words);
        let said = call_bare(&mut self.fake, words.map(OsString::from).collect());
        let home = self.home.path().display().to_string();
        Said {
            out: said.out.replace(&home, "~"),
            err: said.err.replace(&home, "~"),
            ..said
        }
    }

    /// The settings that `init` writes, without comments, and its notes.
    #[track_caller]
    fn settings(mut self) -> (Vec<String>, String) {
        let said = self.call(&["init", "--yes"]);
        assert_eq!(said.status, 0, "{said:?}");
        let text = fs::read_to_string(self.file()).unwrap();
        assert_eq!(said.out, text);
        let lines = text.lines();
        let settings = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        (settings.map(str::to_owned).collect(), said.err)
    }
}

const FILE: &str = "# Settings of this host, written by easy-bhyve init.
# easy-bhyve new adds a VM; easy-bhyve man 5 explains every setting.

# The bridge of the VMs; made when the first VM boots.
bridge=bridge0

# The interface with the default route; it joins the bridge.
netif=igb0

# The ZFS dataset of the disks.
volroot=zroot/vm
";

const STALL: &str = "easy-bhyve: when the first VM boots, igb0 joins a bridge: its link may stall \
                     for a second or two, and with it this session if it uses igb0\n";

const WROTE: &str = "easy-bhyve: wrote ~/bin/easy-bhyve.conf; next: easy-bhyve new VM --cd ISO \
                     --disk 20G --links\n";

#[test]
fn the_file_is_shown_and_written_when_the_user_confirms() {
    let mut user = User::new(Host::freebsd(14));
    user.fake.answer = Some(true);
    let said = user.call(&["init"]);
    let asked = format!("{STALL}Write ~/bin/easy-bhyve.conf? [y/N] y\n{WROTE}");
    assert_eq!((said.status, &*said.out, &*said.err), (0, FILE, &*asked));
    assert_eq!(fs::read_to_string(user.file()).unwrap(), FILE);
    // The file is a configuration that the other commands find and extend.
    let said = user.call(&["new", "web", "freebsd=YES"]);
    assert_eq!(said.status, 0, "{said:?}");
    let said = user.call(&["resources", "web"]);
    assert!(
        said.out
            .contains("\nhost_netif=igb0\nhost_bridge=bridge0\n"),
        "{said:?}"
    );
}

#[test]
fn nothing_is_written_without_a_yes() {
    let mut user = User::new(Host::freebsd(14));
    let said = user.call(&["init"]);
    let err = format!(
        "{STALL}easy-bhyve: Write ~/bin/easy-bhyve.conf? There is no terminal to ask on\n  \
         help: to proceed without the question: --yes\n"
    );
    assert_eq!((said.status, said.err), (2, err));
    user.fake.answer = Some(false);
    let said = user.call(&["init"]);
    assert_eq!(said.status, 1);
    assert!(
        said.err.ends_with("easy-bhyve: nothing was written\n"),
        "{said:?}"
    );
    let said = user.call(&["init", "-d", "--format", "json"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!user.home.path().join("bin").exists());
}

#[test]
fn an_existing_configuration_is_never_overwritten() {
    let mut user = User::new(Host::freebsd(14));
    fs::create_dir(user.home.path().join("bin")).unwrap();
    for name in ["easy-bhyve-vmhost.conf", "easy-bhyve.conf", "other.conf"] {
        let path = user.home.path().join("bin").join(name);
        fs::write(&path, "x=1\n").unwrap();
        let named = path.display().to_string();
        let words: &[&str] = match name {
            "other.conf" => &["init", "--yes", "--config", &named],
            _ => &["init", "--yes"],
        };
        let said = user.call(words);
        assert_eq!(said.status, 2, "{said:?}");
        let begins = format!("easy-bhyve: the configuration ~/bin/{name} already exists\n");
        assert!(said.err.starts_with(&begins), "{said:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "x=1\n");
        fs::remove_file(&path).unwrap();
    }
    // Nor one whose replacement was interrupted, or a link to a file that is missing.
    fs::write(
        user.home.path().join("bin/easy-bhyve.conf.aB3dE6.old"),
        "x=1\n",
    )
    .unwrap();
    let said = user.call(&["init", "--yes"]);
    assert!(
        said.err.contains("its replacement was interrupted"),
        "{said:?}"
    );
    let link = user.home.path().join("link.conf");
    std::os::unix::fs::symlink("missing", &link).unwrap();
    let said = user.call(&["init", "--yes", "--config", link.to_str().unwrap()]);
    assert_eq!(said.status, 2, "{said:?}");
}

#[test]
fn a_named_file_is_written_instead() {
    let mut user = User::new(Host::freebsd(14));
    let path = user.home.path().join("a b/my.conf");
    let said = user.call(&["init", "--yes", "--config", path.to_str().unwrap()]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), FILE);
    assert!(!user.file().exists());
}

#[test]
fn the_network_is_that_of_the_host() {
    let host = || Host::freebsd(14);
    let route = |mut host: Host, interface: Option<&str>| {
        host.state.routes.clear();
        if let Some(name) = interface {
            let route = ("fe80::1".to_owned(), name.to_owned());
            host.state.routes.insert("inet6".to_owned(), route);
        }
        host
    };
    let mut wlan = host();
    wlan.add_interface("wlan0", Kind::Wireless);
    let mut cases = vec![
        (host(), ["bridge=bridge0", "netif=igb0"], STALL),
        // Only IPv6 has a default route.
        (
            route(host(), Some("igb0")),
            ["bridge=bridge0", "netif=igb0"],
            STALL,
        ),
        (
            route(host(), None),
            ["bridge=bridge0", "netif="],
            "no interface has a default route",
        ),
        (
            route(wlan, Some("wlan0")),
            ["bridge=bridge0", "netif="],
            "is wireless and cannot join",
        ),
        (
            route(host(), Some("lo0")),
            ["bridge=bridge0", "netif="],
            "is not Ethernet and cannot",
        ),
    ];
    // The names of others' bridges are not used; the bridge of the interface is.
    let others = host().with_commands(&["kldload if_bridge", "ifconfig bridge0 create"]);
    cases.push((others, ["bridge=bridge1", "netif=igb0"], STALL));
    let bridged = host().with_commands(&[
        "kldload if_bridge",
        "ifconfig bridge0 create",
        "ifconfig bridge7 create",
        "ifconfig bridge7 addm igb0 up",
    ]);
    cases.push((bridged.clone(), ["bridge=bridge7", "netif=igb0"], ""));
    cases.push((
        route(bridged, Some("bridge7")),
        ["bridge=bridge7", "netif="],
        "",
    ));
    // An addressed interface joins no bridge there, so no VM would boot.
    cases.push((
        Host::freebsd(16),
        ["bridge=bridge0", "netif=igb0"],
        "no VM would boot: igb0 has an address: since FreeBSD 16",
    ));
    for (host, expected, note) in cases {
        let (settings, err) = User::new(host).settings();
        assert_eq!(settings[..2], expected, "{err}");
        assert!(err.contains(note), "{err}");
        assert_eq!(err == WROTE, note.is_empty(), "{err}");
    }
}

#[test]
fn the_disks_are_in_the_pool_with_the_most_room_or_in_files() {
    let pool = |mut host: Host, name: &str, free: u64| {
        host.state.pools.insert(name.to_owned(), free);
        host.add_dataset(name, None);
        host
    };
    let without = |mut host: Host| {
        host.state.datasets.clear();
        host.state.pools.clear();
        host
    };
    let two = pool(
        pool(without(Host::freebsd(14)), "boot", 1 << 30),
        "tank",
        9 << 30,
    );
    let mut no_vm = without(Host::freebsd(14));
    no_vm.state.files = crate::host::files::MemoryFiles::default();
    let mut no_zfs = Host::freebsd(14);
    no_zfs.state.programs.remove("zfs");
    let make = "tank/vm does not exist yet; as root: zfs create -o mountpoint=none tank/vm\n";
    for (host, volroot, note) in [
        // An existing dataset has precedence over more room.
        (
            pool(Host::freebsd(14), "tank", 900 << 30),
            "volroot=zroot/vm",
            "",
        ),
        (two, "volroot=tank/vm", make),
        (without(Host::freebsd(14)), "volroot=/vm", ""),
        (
            no_vm,
            "volroot=/vm",
            "/vm does not exist yet; as root: mkdir /vm\n",
        ),
        (no_zfs, "volroot=/vm", ""),
    ] {
        let (settings, err) = User::new(host).settings();
        assert_eq!(settings[2], volroot, "{err}");
        assert!(err.contains(note), "{err}");
        assert_eq!(
            err.contains("does not exist yet"),
            !note.is_empty(),
            "{err}"
        );
    }
}

#[test]
fn a_query_that_fails_stops_it() {
    for program in ["route", "ifconfig", "zfs"] {
        let mut user = User::new(Host::freebsd(14));
        user.fake.host().fail(program, 1, 2, "no\n");
        let said = user.call(&["init", "--yes"]);
        let begins = format!("easy-bhyve: {program} failed with status 2\n");
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.err.starts_with(&begins), "{said:?}");
        assert!(!user.file().exists());
    }
}

/// The text of a file, if it exists.
fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[test]
fn run_and_script_write_the_same_file_and_refuse_an_existing_one() {
    let machine = Machine::new(Host::freebsd(14), "");
    let home = machine.path().join("home");
    let [by_run, by_script] = ["run.conf", "script.conf"].map(|name| home.join(name));
    let call = |words: &[&str], file: &Path| {
        let words: Vec<&str> = ["easy-bhyve", "init"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        let mut call = machine.program(&words);
        call.env("EASY_BHYVE_CONFIG", file).output().unwrap()
    };
    let output = call(&["--yes"], &by_run);
    assert!(output.status.success(), "{output:?}");
    let output = call(&["-d", "--format", "sh"], &by_script);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&by_script), None);
    let script = machine.path().join("script");
    fs::write(&script, &output.stdout).unwrap();
    assert!(machine.sh().arg(&script).status().unwrap().success());
    assert_eq!(text(&by_script), text(&by_run));
    assert!(text(&by_run).is_some_and(|text| text.contains("\nnetif=igb0\n")));
    fs::write(&by_script, "mine\n").unwrap();
    let output = machine.sh().arg(&script).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&by_script).as_deref(), Some("mine\n"));
}

#[test]
fn another_host_gets_a_preview_only() {
    let place = Place::new();
    let call = |words: &[&str]| {
        let mut call = place.call(PROGRAM);
        let output = call.env("HOME", place.path("home")).args(words).output();
        crate::place::Said::of(&output.unwrap())
    };
    let said = call(&["init", "--yes"]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.err.starts_with("easy-bhyve: this host is not FreeBSD"),
        "{said:?}"
    );
    assert!(said.err.contains("-d shows the file"), "{said:?}");
    let said = call(&["init", "-d"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert_eq!(
        said.err,
        "easy-bhyve: this host is not FreeBSD: the file is for a host with the interface igb0 and the pool zroot\n"
    );
    assert!(said.out.contains("netif=igb0"), "{said:?}");
    assert!(!place.path("home").exists());
}

#[test]
fn every_message_without_a_configuration_offers_it() {
    let place = Place::new();
    let missing = place.path("none.conf");
    for words in [
        &["status"][..],
        &["list"],
        &["boot", "a"],
        &["setup"],
        &["check"],
    ] {
        let call = |file: Option<&Path>| {
            let mut call = place.call(PROGRAM);
            call.env("HOME", place.path("home")).args(words);
            file.map(|file| call.env("EASY_BHYVE_CONFIG", file));
            crate::place::Said::of(&call.output().unwrap()).err
        };
        assert!(
            call(None).contains("\n  help: write the first one for this host: easy-bhyve init\n")
        );
        let offer = format!("easy-bhyve init --config {}\n", missing.display());
        assert!(call(Some(&missing)).contains(&offer));
    }
}
