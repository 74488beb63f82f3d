//! The directory for the files of a script: its owner, and that the owner does not change.

use super::by_sh;
use easy_bhyve::command::Command;
use easy_bhyve::host::scratch as own;
use easy_bhyve::model::name::VmName;
use easy_bhyve::model::privilege::Elevation;
use easy_bhyve::plan::{FileChange, Form, Loop, Plan, Undo, When};
use easy_bhyve::script::script;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

const PATH: &str = "/bin:/usr/bin";

/// The shell that runs a script of this plan, with that scratch directory.
fn run(at: &Path, elevation: Elevation, forms: impl Fn(&Path) -> Vec<Form>) -> Output {
    let scratch = own::directory(&at.join("run")).join("web.abc");
    let mut all: Vec<Form> = vec![FileChange::MakeScratch(scratch.clone()).into()];
    all.extend(forms(&scratch));
    let plan = Plan::new(all);
    by_sh(script(&plan, "test", PATH, &at.join("run"), elevation))
}

fn sh(script: String, word: &Path) -> Command {
    Command::question("sh", vec!["-c".into(), script.into(), word.into()])
}

#[test]
fn the_scratch_directory_of_root_is_closed_to_others_in_the_foreground_too() {
    let at = tempfile::tempdir().unwrap();
    let made = at.path().join("made");
    let output = run(at.path(), Elevation::None, |scratch| {
        vec![sh(format!("printf %s \"$0\" >{}", made.display()), scratch).into()]
    });
    assert!(output.status.success(), "{output:?}");
    let made = PathBuf::from(fs::read_to_string(made).unwrap());
    assert_eq!(made.parent().unwrap(), at.path().join("run/scratch"));
    assert_eq!(made.with_extension("").file_name().unwrap(), "web");
    for directory in [&*made, made.parent().unwrap()] {
        let about = fs::metadata(directory).unwrap().permissions();
        assert_eq!(about.mode() & 0o7777, 0o700, "{directory:?}");
    }
}

#[test]
fn a_later_round_reads_nothing_that_another_user_has_put_there() {
    let is_root = nix::unistd::geteuid().is_root();
    // It was removed, or replaced by a link or, where a test can do that, by another user's directory.
    let links = "mkdir -p $1; echo theirs >$1/map; ln -s $1 \"$0\"";
    let owned = "mkdir -m 777 \"$0\"; echo theirs >\"$0\"/map; chown 65534 \"$0\"";
    for planted in [":", links, owned] {
        if planted == owned && !is_root {
            crate::place::skip("only root can make a directory of another user");
            continue;
        }
        let at = tempfile::tempdir().unwrap();
        let elsewhere = at.path().join("elsewhere");
        let plants = format!("set -- {}; rm -rf \"$0\"; {planted}", elsewhere.display());
        let read = at.path().join("log").display().to_string();
        let output = run(at.path(), Elevation::Doas, |scratch| {
            let map = scratch.join("map");
            let write = FileChange::Write {
                path: map.clone(),
                text: b"ours\n".to_vec(),
            };
            let round = Loop {
                body: vec![sh(format!("cat \"$0\" >>{read}"), &map).into()],
                between: vec![sh(plants.clone(), scratch).into()],
                vm: VmName::parse("web").unwrap(),
                command: sh(format!("[ $(wc -l <{read}) -ge 2 ]; exit $?"), scratch)
                    .accept(&[0, 1]),
                again: &[1],
                again_if_failed: false,
                start_limit: None,
                first: None,
                once_running: Vec::new(),
            };
            let remove = Undo {
                forms: vec![FileChange::RemoveScratch(scratch.to_owned()).into()],
                when: When::End,
                what: "its files".to_owned(),
            };
            vec![remove.into(), write.into(), round.into()]
        });
        assert_eq!(fs::read_to_string(&read).unwrap(), "ours\n", "{planted}");
        assert_eq!(
            (
                output.status.code(),
                String::from_utf8(output.stderr).unwrap().as_str()
            ),
            (
                Some(1),
                "test: the scratch directory of this script was removed, or belongs to another user; \
                 run the script again; it makes a new directory\n"
            ),
            "{planted}"
        );
    }
}
