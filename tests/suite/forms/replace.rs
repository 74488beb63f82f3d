//! The replacement of a file: by the executor and by sh, with the same bytes, or not at all.

use super::{both, log, refusal};
use easy_bhyve::command::Command;
use easy_bhyve::error::Kind;
use easy_bhyve::plan::{FileChange, Guard, Test, Undo, When};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// Texts of a file before and after its replacement: with a newline at the end and without, with the
/// end of a here-document in it, with text that sh could expand, with every byte but NUL, and empty.
fn replaced() -> Vec<(Vec<u8>, Vec<u8>)> {
    let all: Vec<u8> = (1..=255).collect();
    vec![
        (b"a=1\n".to_vec(), b"a=2\nEND\nEND_\n".to_vec()),
        (b"a=1".to_vec(), b"a='$x `y` \\' # it's".to_vec()),
        (all.clone(), [all.as_slice(), b"\n"].concat()),
        ([all.as_slice(), b"\n"].concat(), all),
        (b"a=1\n".to_vec(), Vec::new()),
        (Vec::new(), b"\n\na=1\r\n".to_vec()),
    ]
}

#[test]
fn a_file_is_replaced_by_exactly_this_text_and_keeps_its_mode() {
    for (before, text) in replaced() {
        let left = both(|at| {
            let (file, wanted) = (at.join("it's a file"), at.join("wanted"));
            std::fs::write(&file, &before).unwrap();
            std::fs::write(&wanted, &text).unwrap();
            std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
            let mode = vec![file.clone().into(), "-perm".into(), "0640".into()];
            vec![
                FileChange::Replace {
                    path: file.clone(),
                    before: before.clone(),
                    text: text.clone(),
                }
                .into(),
                Command::question("cmp", vec![file.into(), wanted.into()]).into(),
                Guard {
                    test: Test::Mentions {
                        command: Command::question("find", mode),
                        text: "a file".into(),
                    },
                    refusal: refusal(Kind::Host),
                }
                .into(),
            ]
        });
        assert_eq!(
            (left.status, left.files),
            (0, vec!["it's a file".to_owned(), "wanted".to_owned()])
        );
    }
}

#[test]
fn a_file_that_has_changed_or_cannot_be_replaced_stays_unchanged() {
    for (now, is_file) in [("a=3\n", true), ("", true), ("", false)] {
        let left = both(|at| {
            let file = at.join("log");
            if is_file {
                std::fs::write(&file, now).unwrap();
            }
            let change = FileChange::Replace {
                path: file,
                before: b"a=1\n".to_vec(),
                text: b"a=2\n".to_vec(),
            };
            vec![change.into(), log(at, "behind", 0).into()]
        });
        let files: &[&str] = if is_file { &["log"] } else { &[] };
        assert_eq!(
            (left.status, left.log.concat(), left.files),
            (
                1,
                now.trim().to_owned(),
                files.iter().map(|&name| name.to_owned()).collect()
            )
        );
    }
}

#[test]
fn a_replacement_is_undone_after_a_later_failure() {
    let left = both(|at| {
        let file = at.join("log");
        std::fs::write(&file, "old\n").unwrap();
        let change = |before: &str, text: &str| FileChange::Replace {
            path: file.clone(),
            before: before.into(),
            text: text.into(),
        };
        vec![
            change("old\n", "new\n").into(),
            Undo {
                forms: vec![change("new\n", "old\n").into()],
                when: When::Failure,
                what: "the change".to_owned(),
            }
            .into(),
            Guard {
                test: Test::Exists(at.join("nothing")),
                refusal: refusal(Kind::Host),
            }
            .into(),
        ]
    });
    assert_eq!(
        (left.status, left.log, left.files),
        (1, vec!["old".to_owned()], vec!["log".to_owned()])
    );
}

#[test]
fn a_file_of_another_user_beside_it_stays_unchanged() {
    let left = both(|at| {
        let (file, victim) = (at.join("c.conf"), at.join("victim"));
        std::fs::write(&file, "a=1\n").unwrap();
        std::fs::write(&victim, "precious\n").unwrap();
        std::os::unix::fs::symlink("victim", at.join("c.conf.new")).unwrap();
        let text = |path: &std::path::Path, text: &str| Guard {
            test: Test::Mentions {
                command: Command::question("cat", vec![path.into()]),
                text: text.into(),
            },
            refusal: refusal(Kind::Host),
        };
        vec![
            FileChange::Replace {
                path: file.clone(),
                before: b"a=1\n".to_vec(),
                text: b"a=2\n".to_vec(),
            }
            .into(),
            text(&file, "a=2").into(),
            text(&victim, "precious").into(),
        ]
    });
    let files = ["c.conf", "c.conf.new", "victim"].map(str::to_owned);
    assert_eq!((left.status, left.files), (0, files.to_vec()));
}
