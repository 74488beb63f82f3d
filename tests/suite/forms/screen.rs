//! What a screen needs: its password, its socket, and a first round of its own.

use super::{both, log, undo};
use easy_bhyve::command::Command;
use easy_bhyve::host::scratch as own;
use easy_bhyve::model::name::VmName;
use easy_bhyve::plan::{FileChange, Form, Loop, Undo, When};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

fn me() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The file for bhyve, made from one with this content and mode, is copied and removed.
fn secret(at: &Path, content: &str, mode: u32) -> Vec<Form> {
    let from = at.join("password");
    fs::write(&from, content).unwrap();
    fs::set_permissions(&from, PermissionsExt::from_mode(mode)).unwrap();
    let scratch = own::directory(&at.join("run")).join("web.abc");
    let file = scratch.join("screen.conf");
    let make = FileChange::Secret {
        path: file.clone(),
        name: "pci.0.29.0.password".to_owned(),
        from,
        owner: me(),
    };
    let remove = Undo {
        forms: vec![FileChange::RemoveScratch(scratch.clone()).into()],
        when: When::End,
        what: "its files".to_owned(),
    };
    let copy = Command::question(
        "cp",
        vec!["-p".into(), file.clone().into(), at.join("copy").into()],
    );
    vec![
        FileChange::MakeScratch(scratch).into(),
        remove.into(),
        make.clone().into(),
        make.into(),
        copy.into(),
        FileChange::RemoveSecret(file.clone()).into(),
        FileChange::RemoveSecret(file).into(),
        Command::question(
            "sh",
            vec![
                "-c".into(),
                format!(
                    "cat {0} >>{1}; ls -l {0} | cut -c 1-10 >>{1}",
                    at.join("copy").display(),
                    at.join("log").display()
                )
                .into(),
            ],
        )
        .into(),
    ]
}

#[test]
fn a_password_is_written_by_the_script_as_by_the_program() {
    for (password, value) in [
        ("secret", "secret"),
        ("s3cr%t\\", "s3cr\\%t\\\\"),
        ("a\\n'\"$x", "a\\n'\"$x"),
        (" -e #=", " -e #="),
    ] {
        let left = both(|at| secret(at, &format!("{password}\n"), 0o600));
        let line = format!("pci.0.29.0.password={value}");
        assert_eq!(
            (left.status, left.log),
            (0, vec![line, "-rw-------".to_owned()])
        );
    }
}

#[test]
fn what_is_no_password_stops_both() {
    for (content, mode) in [
        ("", 0o600),
        ("\n", 0o600),
        ("a\nb\n", 0o600),
        ("a\tb\n", 0o600),
        ("123456789\n", 0o600),
        ("secret\n", 0o640),
        ("secret\n", 0o602),
    ] {
        let left = both(|at| secret(at, content, mode));
        assert_eq!(
            (left.status, left.log),
            (1, Vec::new()),
            "{content:?} {mode:o}"
        );
    }
    let linked = both(|at| {
        let forms = secret(at, "secret\n", 0o600);
        fs::rename(at.join("password"), at.join("other")).unwrap();
        symlink(at.join("other"), at.join("password")).unwrap();
        forms
    });
    assert_eq!((linked.status, linked.log), (1, Vec::new()));
}

#[test]
fn only_a_socket_is_removed() {
    let remove = |at: &Path| FileChange::RemoveSocket {
        path: at.join("vnc"),
        owner: me(),
    };
    let left = both(|at| {
        drop(UnixListener::bind(at.join("vnc")).unwrap());
        vec![remove(at).into(), remove(at).into()]
    });
    assert_eq!((left.status, left.files), (0, Vec::new()));
    for is_link in [false, true] {
        let left = both(|at| {
            if is_link {
                drop(UnixListener::bind(at.join("other")).unwrap());
                symlink(at.join("other"), at.join("vnc")).unwrap();
            } else {
                fs::write(at.join("vnc"), "theirs").unwrap();
            }
            vec![remove(at).into(), log(at, "behind", 0).into()]
        });
        assert_eq!((left.status, left.log), (1, Vec::new()));
        assert!(left.files.contains(&"vnc".to_owned()));
    }
}

#[test]
fn the_first_round_has_a_command_of_its_own() {
    let left = both(|at| {
        let round = Loop {
            body: vec![log(at, "round", 0).into()],
            between: Vec::new(),
            vm: VmName::parse("web").unwrap(),
            command: log(at, "later", 1).accept(&[0, 1]),
            first: Some(log(at, "first", 0).accept(&[0, 1])),
            once_running: Vec::new(),
            again: &[0],
            again_if_failed: false,
            start_limit: None,
        };
        vec![undo(at, "not", When::Failure), round.into()]
    });
    let log = ["round", "first", "round", "later"].map(str::to_owned);
    assert_eq!((left.status, left.log), (0, log.to_vec()));
}
