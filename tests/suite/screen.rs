//! The screen of a VM: its password stays in files, and is in no other place.

use crate::call::{Said, call};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use easy_bhyve::host::Interruption;
use std::path::{Path, PathBuf};

const PASSWORD: &str = "s3cr%t!";
/// As bhyve reads it.
const ESCAPED: &str = "s3cr\\%t!";
const FILE: &str = "/home/me/vnc";

const CONFIG: &str = "bridge=bridge0 netif= volroot=zroot/vm\n\
    win0_id=1 win0_loader=uefi win0_cd0=/iso/win.iso win0_vnc=YES win0_vnc_password_file=/home/me/vnc\n\
    sock0_id=2 sock0_loader=uefi sock0_vnc=unix:/home/me/sock sock0_vnc_password_file=/home/me/vnc\n";

fn host() -> Host {
    let mut host = Host::freebsd(16)
        .with_volume("zroot/vm/win0", 20 << 30)
        .with_volume("zroot/vm/sock0", 20 << 30)
        .with_image("/iso/win.iso", 1 << 30)
        .with_closed_file(FILE, &format!("{PASSWORD}\n"));
    for vm in ["win0", "sock0"] {
        host = host.with_store(&format!("/var/db/easy-bhyve/{vm}/uefi-vars"), 540_672);
    }
    host
}

/// The files that have the password, and every other place that has it.
fn places(fake: &Fake, said: &[Said]) -> (Vec<PathBuf>, Vec<String>) {
    let has = |text: &str| text.contains(PASSWORD) || text.contains(ESCAPED);
    let host = fake.host();
    let files = host.state.files.nodes.iter().filter(|(_, file)| {
        let text = file
            .as_ref()
            .map(|file| String::from_utf8_lossy(&file.data).into_owned());
        text.is_some_and(|text| has(&text))
    });
    let files = files.map(|(path, _)| path.clone()).collect();
    let mut others = Vec::new();
    let mut look = |place: &str, text: &str| others.extend(has(text).then(|| place.to_owned()));
    for call in host.calls() {
        look("argv", &call.argv.join(" "));
    }
    for process in host.state.processes.values() {
        look("ps", &process.argv.join(" "));
        look("title", process.title.as_deref().unwrap_or_default());
    }
    drop(host);
    for text in fake.states().values() {
        look("state", text);
    }
    for text in fake.logs().values() {
        look("log", text);
    }
    for one in said {
        look("output", &one.out);
        look("error", &one.err);
    }
    (files, others)
}

#[test]
fn the_password_is_in_its_file_and_nowhere_else() {
    let mut fake = Fake::new(host(), USER);
    fake.environment.insert("DISPLAY".into(), ":0".into());
    fake.host().state.programs.insert("vncviewer".into());
    let calls: &[&[&str]] = &[
        &["win0-boot", "-d"],
        &["win0-boot", "-d", "--format", "sh"],
        &["win0-boot", "-d", "--format", "json"],
        &["win0-install", "-d", "--format", "sh"],
        &["win0-resources", "-a"],
        &["win0-resources", "--format", "json"],
        &["easy-bhyve", "check"],
        &["easy-bhyve", "set", "win0", "vnc_size=800x600", "-d"],
        &["win0-boot"],
        &["win0-boot"],
        &["sock0-boot"],
        &["win0-vnc"],
        &["win0-vnc", "--format", "json"],
        &["win0-vnc", "-d"],
        &["easy-bhyve", "status", "-a"],
        &["easy-bhyve", "list"],
        &["win0-restart"],
        &["win0-log"],
        &["win0-shutdown"],
        &["sock0-shutdown", "-f"],
        &["win0-log"],
    ];
    let said: Vec<Said> = calls
        .iter()
        .map(|words| call(&mut fake, CONFIG, words))
        .collect();
    let failed = |words: &[&str]| words == ["win0-boot"] || words == ["easy-bhyve", "check"];
    for (words, said) in calls.iter().zip(&said) {
        assert!(said.status == 0 || failed(words), "{words:?}: {said:?}");
    }
    assert_eq!(places(&fake, &said), (vec![FILE.into()], Vec::new()));
    // The viewer runs as the user, and gets no password.
    let viewer = |host: &Host| {
        let calls = host.calls().iter();
        let viewer = calls.filter(|call| call.argv[0] == "vncviewer");
        viewer
            .map(|call| (call.argv.join(" "), call.uid))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        viewer(&fake.host()),
        [("vncviewer 127.0.0.1::5901".to_owned(), USER)]
    );
    // bhyve had it: two starts of one VM, one of the other.
    let host = fake.host();
    let bhyve = host.calls().iter().filter(|call| call.argv[0] == "bhyve");
    assert_eq!(
        bhyve
            .filter(|call| call.argv.contains(&"-k".to_owned()))
            .count(),
        3
    );
}

#[test]
fn the_file_for_bhyve_is_made_anew_for_each_round_and_gone_while_the_guest_runs() {
    let mut host = host();
    host.state.guest.runs_ms = Some(60_000);
    host.state.guest.endings = vec![crate::host::process::Ending::Reboot];
    let mut fake = Fake::new(host, USER);
    let said = call(&mut fake, CONFIG, &["win0-boot"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(places(&fake, &[]).0, [Path::new(FILE)]);
    // The next round takes the password that the file has by then.
    let other = b"0ther\n";
    let _ = fake.host().files_mut().write(Path::new(FILE), other);
    fake.advance(70.0);
    let log = fake.logs()["win0"].clone();
    assert!(log.contains("rebooted"), "{log}");
    let host = fake.host();
    let files = host.state.files.nodes.iter().filter(|(_, file)| {
        file.as_ref()
            .is_some_and(|file| file.data.windows(5).any(|some| some == b"0ther"))
    });
    let files: Vec<_> = files.map(|(path, _)| path.clone()).collect();
    assert_eq!(files, [Path::new(FILE)]);
    assert!(host.state.bhyve_of("win0").is_some());
    let bhyve = host.calls().iter().filter(|call| call.argv[0] == "bhyve");
    assert_eq!(bhyve.count(), 2);
}

#[test]
fn a_start_that_fails_or_is_interrupted_leaves_no_password() {
    // bhyve dies before its title; and a signal at each point of the start.
    let mut fake = Fake::new(host(), USER);
    fake.host()
        .order("bhyve", 1, crate::host::Fault::Fail(4, "no".into()));
    let said = call(&mut fake, CONFIG, &["win0-boot"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert_eq!(places(&fake, &[said]), (vec![FILE.into()], Vec::new()));
    for form in 1..60 {
        let mut fake = Fake::new(host(), USER);
        fake.interrupted = Some((form, Interruption::Signal(2)));
        let said = call(&mut fake, CONFIG, &["win0-boot"]);
        let looks = fake.looks_for_signals();
        assert_eq!(
            places(&fake, &[said]),
            (vec![FILE.into()], Vec::new()),
            "at {form}"
        );
        if looks < form {
            assert!(form > 12, "only {form} looks for a signal");
            return;
        }
    }
}

#[test]
fn a_bhyve_that_waits_for_a_viewer_ends_at_once_when_the_user_gives_up() {
    let config = format!("{CONFIG}win0_vnc_wait=YES\n");
    let mut fake = Fake::new(host(), USER);
    // Long after the time limit of a start.
    fake.interrupted = Some((400, Interruption::Signal(2)));
    let before = fake.host().state.clock_ms;
    let said = call(&mut fake, &config, &["win0-boot"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("interrupted by SIGINT"), "{said:?}");
    let waited = fake.host().state.clock_ms - before;
    assert!(waited > 20_000, "{waited} ms");
    let host = fake.host();
    assert!(host.state.bhyve_of("win0").is_none() && host.state.vms.is_empty());
    let kills: Vec<&str> = host
        .calls()
        .iter()
        .filter(|call| call.argv[0] == "kill")
        .map(|call| call.argv[1].as_str())
        .collect();
    assert_eq!(kills, ["-TERM"]);
    drop(host);
    assert_eq!(places(&fake, &[said]), (vec![FILE.into()], Vec::new()));
}
