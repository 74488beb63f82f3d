use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

const BEFORE: &[u8] = b"a_id=1\n";
const TEXT: &[u8] = b"a_id=1\na_mem=1G\n";
const MOMENTS: [Moment; 4] = [
    Moment::Prepared,
    Moment::Aside,
    Moment::Placed,
    Moment::PutBack,
];

/// How another process saves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Save {
    /// By rename of a new file.
    Rename,
    /// Into the file opened at the start.
    InPlace,
    /// Into the file at the path.
    Anew,
    /// It removes the file.
    Remove,
}

impl Save {
    fn make(self, path: &Path, opened: &File, text: &str) {
        match self {
            Self::Rename => {
                let other = path.with_extension("tmp");
                fs::write(&other, text).unwrap();
                fs::rename(other, path).unwrap();
            }
            Self::InPlace => {
                opened.set_len(0).unwrap();
                let mut file = opened;
                io::Seek::rewind(&mut file).unwrap();
                file.write_all(text.as_bytes()).unwrap();
            }
            Self::Anew => fs::write(path, text).unwrap(),
            Self::Remove => {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// The files in a directory, with their content.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap();
    let mut all: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_somebody_saves_at_any_moment_is_never_lost() {
    let saves = [Save::Rename, Save::InPlace, Save::Anew, Save::Remove];
    for way in [Way::Exchange, Way::Aside] {
        for moment in MOMENTS {
            for save in saves {
                let what = format!("{way:?} {moment:?} {save:?}");
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("c.conf");
                fs::write(&path, BEFORE).unwrap();
                let opened = OpenOptions::new().write(true).open(&path).unwrap();
                let mut was_made = false;
                let result = replace_by(way, &path, BEFORE, TEXT, &mut |at| {
                    // Nothing is put back without an earlier save.
                    if moment == Moment::PutBack && at == Moment::Prepared {
                        Save::Rename.make(&path, &opened, "first\n");
                    } else if at == moment {
                        was_made = true;
                        save.make(&path, &opened, "saved\n");
                    }
                });
                let all = contents(directory.path());
                let there = fs::read(&path).ok();
                if !was_made {
                    assert!(
                        way == Way::Exchange && moment == Moment::Aside
                            || way == Way::Aside && moment == Moment::PutBack,
                        "{what}"
                    );
                    continue;
                }
                match save {
                    // The new file was removed or overwritten.
                    Save::Remove => {}
                    Save::Anew if moment == Moment::Placed => {
                        assert_eq!(there.as_deref(), Some(&b"saved\n"[..]), "{what}");
                    }
                    Save::InPlace if moment == Moment::PutBack => {}
                    _ => {
                        let is_saved = all.iter().any(|(_, text)| text == b"saved\n");
                        assert!(is_saved, "{what}: {all:?}");
                        assert_eq!(there.as_deref(), Some(&b"saved\n"[..]), "{what}");
                    }
                }
                // A save over the new file is a later change, and no error.
                let is_over_new = moment == Moment::Placed && save != Save::InPlace;
                let is_of_nothing = moment == Moment::Aside && save == Save::Remove;
                let is_done = is_over_new || is_of_nothing;
                assert_eq!(result.is_ok(), is_done, "{what}: {result:?}");
                let kept = match result {
                    Err(ChangeError::Meanwhile(kept)) => kept.len(),
                    Err(error) => panic!("{what}: {error}"),
                    Ok(after) => {
                        assert!(after.is_none(), "{what}: {after:?}");
                        0
                    }
                };
                let others = all.len() - usize::from(there.is_some());
                assert_eq!(others, kept, "{what}: {all:?}");
            }
        }
    }
}

#[test]
fn of_several_who_save_the_newest_is_there_and_the_others_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.conf");
    fs::write(&path, BEFORE).unwrap();
    let opened = File::open(&path).unwrap();
    let result = replace_by(Way::Exchange, &path, BEFORE, TEXT, &mut |at| match at {
        Moment::Prepared => Save::Rename.make(&path, &opened, "first\n"),
        Moment::Placed => Save::Rename.make(&path, &opened, "second\n"),
        Moment::Aside | Moment::PutBack => {}
    });
    let Err(ChangeError::Meanwhile(kept)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(fs::read(&path).unwrap(), b"second\n");
    let [kept] = &kept[..] else {
        panic!("{kept:?}")
    };
    assert_eq!(fs::read(kept).unwrap(), b"first\n");
}

#[test]
fn both_ways_keep_owner_and_mode_and_leave_nothing_else() {
    for way in [Way::Exchange, Way::Aside] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.conf");
        fs::write(&path, BEFORE).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let before = fs::metadata(&path).unwrap();
        assert!(
            replace_by(way, &path, BEFORE, TEXT, &mut |_| {})
                .unwrap()
                .is_none()
        );
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.mode(), after.uid()), (before.mode(), before.uid()));
        assert_eq!(
            contents(directory.path()),
            [("c.conf".to_owned(), TEXT.to_vec())]
        );
    }
}

#[test]
fn what_is_no_file_any_more_is_not_replaced_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.conf");
    let other = directory.path().join("other");
    fs::write(&other, BEFORE).unwrap();
    for make in [
        |path: &Path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
        |path: &Path| symlink("other", path).unwrap(),
        |_: &Path| {},
    ] {
        let _ = fs::remove_file(&path);
        make(&path);
        let result = replace(&path, BEFORE, TEXT);
        assert!(
            matches!(result, Err(ChangeError::Meanwhile(_))),
            "{result:?}"
        );
        assert_eq!(fs::read(&other).unwrap(), BEFORE);
    }
}

#[test]
fn what_cannot_be_linked_is_renamed_unless_something_has_the_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    // link(2) refuses directories, as some file systems refuse every link.
    fs::create_dir(path("fresh")).unwrap();
    assert!(put(&path("fresh"), &path("file")).unwrap());
    assert!(path("file").is_dir() && !path("fresh").exists());
    fs::write(path("other"), "").unwrap();
    assert!(!put(&path("other"), &path("file")).unwrap());
    assert!(path("other").exists());
}
