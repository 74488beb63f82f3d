//! The root side called by hand, with words that the client never uses: it refuses all of them, and
//! changes nothing.

use crate::call::{Said, call_bare};
use crate::fake::Fake;
use crate::host::Host;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The exit status of a refusal by the root side.
const REFUSED: u8 = 12;

/// The words of the client for clean.
const GOOD: [&str; 33] = [
    "root-clean",
    "fbsd0",
    "host=vmhost",
    "system=fbsd0",
    "con=/dev/nmdm1A",
    "cpu=1",
    "mem=256M",
    "rng=NO",
    "utc=YES",
    "wired=NO",
    "strict_msrs=YES",
    "vnc=NO",
    "tablet=NO",
    "loader=bhyveload",
    "freebsd=YES",
    "zvol=zroot/vm/fbsd0",
    "cd0=",
    "host_netif=igb0",
    "host_bridge=bridge0",
    "if0=tap1",
    "if0_bridge=bridge0",
    "if0_private=NO",
    "if0_type=virtio-net",
    "hd0=/dev/zvol/zroot/vm/fbsd0",
    "hd0_type=virtio-blk",
    "on_reboot=restart",
    "on_crash=stop",
    "loader_timeout=120",
    "stop_timeout=60",
    "autostart=NO",
    "autostart_delay=0",
    "protect=NO",
    "as=fbsd0-clean",
];

fn say(words: &[&str]) -> (Said, usize) {
    let words = words.iter().map(|word| OsString::from(*word));
    say_bytes(words.collect())
}

/// The output, and the number of programs that were called.
fn say_bytes(words: Vec<OsString>) -> (Said, usize) {
    let mut fake = Fake::new(Host::freebsd(14), 0);
    let program = std::iter::once(OsString::from("easy-bhyve"));
    let said = call_bare(&mut fake, program.chain(words).collect());
    let calls = fake.host().calls().len();
    (said, calls)
}

/// The valid words; each one with this name before its `=` is replaced by these.
fn with<'words>(name: &str, instead: &[&'words str]) -> Vec<&'words str> {
    let mut words = Vec::new();
    for word in GOOD {
        match word.split_once('=') {
            Some((this, _)) if this == name => words.extend(instead),
            _ => words.push(word),
        }
    }
    words
}

/// The valid words for another verb, with further words.
fn also<'words>(verb: &'words str, more: &[&'words str]) -> Vec<&'words str> {
    let words = std::iter::once(verb).chain(GOOD.into_iter().skip(1));
    words.chain(more.iter().copied()).collect()
}

#[test]
fn the_words_of_the_client_are_accepted() {
    let (said, calls) = say(&GOOD);
    assert_eq!((said.status, calls), (0, 1), "{said:?}");
}

#[test]
fn a_value_that_no_configuration_could_have_is_refused() {
    let mut wrong = Vec::new();
    for word in [
        "system=other",
        "con=/dev/nmdm2B",
        "con=/dev/ttyu0",
        "con=",
        "cpu=0",
        "cpu=two",
        "cpu=cpus=2,nodes=1",
        "mem=1.5G",
        "mem=",
        "zvol=/zroot/vm/fbsd0",
        "zvol=zroot/vm/fbsd0@snap",
        "zvol=zroot/vm/other",
        "cd0=relative.iso",
        "host_netif=not an interface",
        "host_bridge=../bridge0",
        "if0=tap 1",
        "if0=tap99999",
        "if0=",
        "if0_bridge=",
        "if0_bridge=-x",
        "hd0=",
        "hd0=vm/fbsd0",
        "hd0=/vm/a,b",
        "hd0_type=virtio-net",
        "if0_type=tap",
        "rng=maybe",
        "utc=",
        "wired=1",
        "on_reboot=maybe",
        "on_crash=",
        "loader_timeout=-1",
        "loader_timeout=1h",
        "stop_timeout=soon",
        "autostart=PERHAPS",
        "autostart_delay=x",
    ] {
        let name = word.split_once('=').unwrap().0;
        wrong.extend(accepted(word, &with(name, &[word])));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_word_too_many_or_too_few_is_refused() {
    let mut wrong = Vec::new();
    for name in [
        "host",
        "system",
        "con",
        "cpu",
        "mem",
        "freebsd",
        "zvol",
        "if0_bridge",
        "hd0",
        "on_reboot",
        "on_crash",
        "loader_timeout",
        "stop_timeout",
        "autostart",
        "autostart_delay",
        "protect",
    ] {
        wrong.extend(accepted(&format!("no {name}"), &with(name, &[])));
    }
    for word in [
        "fun=1",
        "cpu=1",
        "hd16=/vm/x",
        "hd9=/vm/x",
        "hd0_opts=ro,direct",
        "hd0_opts=ro  direct",
        "hd1_opts=ro",
        "if0_mac=0:0:0:0:0:1",
        "if0_mac=01:00:00:00:00:01",
        "if1_mac=00:00:00:00:00:01",
        "hd01=/vm/x",
        "if1=tap2",
        "grub_root=gpt1",
        "config=/x",
        "=",
        "x=",
        "as=again",
        "how=button",
        "size=1G",
        "pause=yes",
        "force=yes",
        "sparse=yes",
        "target=a",
        "stamp=_1",
        "snapshot=one",
        "disk=0",
        "prune=keep=1",
        "waits=yes",
        "temp=x",
        "calls=other",
        "rival=../x",
    ] {
        wrong.extend(accepted(word, &also("root-clean", &[word])));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_unknown_verb_or_option_is_refused() {
    let mut wrong = Vec::new();
    for (verb, more) in [
        ("root-", &[][..]),
        ("root-nothing", &[]),
        ("root-Boot", &[]),
        ("root-boot", &["pause=no"]),
        ("root-boot", &["temp=a/b"]),
        ("root-install", &["pause=yes"]),
        ("root-install", &["temp=x"]),
        ("root-install", &["waits=yes"]),
        ("root-ttyboot", &["waits=yes"]),
        ("root-attend", &["waits=yes"]),
        ("root-clean", &["rival=fbsd0"]),
        ("root-clean", &["rival=web", "rival=web"]),
        ("root-restart", &[]),
        ("root-shutdown", &[]),
        ("root-shutdown", &["how=never"]),
        ("root-shutdown", &["how=button", "how=cut"]),
        ("root-resources", &[]),
        ("root-resources", &["size=much"]),
        ("root-resources", &["size=1G", "sparse=1"]),
        ("root-snapshot", &[]),
        ("root-snapshot", &["snapshot=a@b"]),
        ("root-snapshot", &["snapshot=../x"]),
        ("root-snapshot", &["snapshot=x", "disk=-1"]),
        ("root-snapshot", &["snapshot=x", "disk=256"]),
        ("root-snapshot", &["snapshot=x", "disk=0", "disk=0"]),
        ("root-snapshot", &["snapshot=x", "force=yes"]),
        ("root-snapshot-delete", &[]),
        ("root-snapshot-delete", &["snapshot=a@b"]),
        ("root-snapshot-prune", &[]),
        ("root-snapshot-prune", &["prune=2"]),
        ("root-snapshot-prune", &["prune=keep=0"]),
        ("root-snapshot-prune", &["prune=keep=1", "snapshot=x"]),
        ("root-promote", &["disk=x"]),
        ("root-promote", &["snapshot=x"]),
        ("root-clone", &["target=zroot/vm/new0"]),
        ("root-clone", &["stamp=_202611282359"]),
        ("root-clone", &["stamp=_202611282359", "target=/zroot"]),
        (
            "root-clone",
            &["stamp=_202611282359", "target=a/b", "target=a/b"],
        ),
        ("root-clone", &["stamp=a@b", "target=zroot/vm/new0"]),
        ("root-clone", &["stamp=_1", "target=zroot/vm/new0"]),
        ("root-resize", &["size=1G"]),
        ("root-resize", &["disk=16", "size=1G"]),
        ("root-resize", &["disk=0", "size=-1"]),
        ("root-destroy", &["disk=0"]),
        ("root-destroy", &["otherwise=x", "disk=1", "disk=1"]),
        ("root-destroy", &["otherwise=x", "below=a/../b"]),
        ("root-rename", &["disk=0"]),
        ("root-rename", &["new=a-b"]),
        ("root-console", &["force=always"]),
        ("root-log", &["lines=-1"]),
        ("root-log", &["lines=many"]),
        ("root-log", &["lines=1", "lines=2"]),
        ("root-log", &["follow=no"]),
    ] {
        wrong.extend(accepted(&format!("{verb} {more:?}"), &also(verb, more)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_call_without_exactly_one_valid_vm_is_refused() {
    let mut wrong = Vec::new();
    for name in ["", "-f", "../x", "a/b", "a.b", "1a", "a b", "a;b", "größe"] {
        let mut words = GOOD;
        words[1] = name;
        wrong.extend(accepted(name, &words));
    }
    wrong.extend(accepted("nothing", &["root-clean"]));
    wrong.extend(accepted("no VM", &["root-clean", "cpu=1"]));
    let two: Vec<&str> = GOOD.into_iter().chain(GOOD.into_iter().skip(1)).collect();
    wrong.extend(accepted("two VMs", &two));
    let again = GOOD
        .into_iter()
        .skip(1)
        .take_while(|word| !word.starts_with("as="));
    let mut twice = also("root-shutdown", &["how=cut"]);
    twice.extend(again);
    wrong.extend(accepted("one VM twice", &twice));
    let bytes = OsString::from_vec(b"cpu=\xff".to_vec());
    let words = GOOD.map(OsString::from).into_iter().chain([bytes]);
    let (said, calls) = say_bytes(words.collect());
    assert_eq!((said.status, calls), (REFUSED, 0), "{said:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The errors in the handling of such words.
fn accepted(what: &str, words: &[&str]) -> Option<String> {
    let (said, calls) = say(words);
    let is_told = said
        .err
        .contains("only easy-bhyve itself may call this verb");
    let is_refused = said.status == REFUSED && calls == 0 && is_told;
    (!is_refused).then(|| format!("{what:?}: {calls} calls, {said:?}"))
}
