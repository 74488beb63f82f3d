//! The program's own file, its log directory, its links, and PATH.

use super::Row;
use super::answers::Answers;
use super::private::Name;
use crate::config::resolve;
use crate::process::Process;
use crate::report::counted;
use crate::{quote, vis};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let process = answers.known.process;
    let places = process.program.ancestors().map(Name::place);
    let mut rows = vec![
        program(&process.program).naming_all(places),
        logs(&process.logs),
    ];
    match answers.known.config {
        Ok(config) => {
            let directory = resolve::link_directory(config);
            let own = [links(answers, &directory), path(process, &directory)];
            rows.extend(own.map(|row| row.naming(Name::place(&directory))));
        }
        Err(_) => rows.extend(answers.unknown(["links", "path"]).into_iter().flatten()),
    }
    rows
}

/// The bits of a mode for writing by the group and by everybody, and the sticky bit.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Whoever can replace the program that a rule makes root becomes root.
fn program(file: &Path) -> Row {
    const SUBJECT: &str = "program";
    let mut owned = None;
    for place in file.ancestors() {
        let shown = vis::shown(place);
        let about = match std::fs::metadata(place) {
            Ok(about) => about,
            Err(error) => return Row::not_asked(SUBJECT, format!("{shown}: {error}")),
        };
        let is_guarded = about.is_dir() && about.mode() & STICKY != 0;
        if about.mode() & OTHERS_WRITE != 0 && !is_guarded {
            return Row::fail(
                SUBJECT,
                format!(
                    "others than the owner may write {shown}, and with it the program that becomes root"
                ),
                format!("chmod go-w {}", quote::shown(place)),
            );
        }
        if about.uid() != 0 && (place == file || about.is_dir()) {
            owned = owned.or(Some(shown));
        }
    }
    let Some(shown) = owned else {
        let text = format!("only root can replace {}", vis::shown(file));
        return Row::pass(SUBJECT, text);
    };
    Row::warn(
        SUBJECT,
        format!("{shown} belongs to an ordinary user: a rule for the program makes that user root"),
        format!(
            "install -o root -g wheel -m 755 {} /usr/local/bin/, as root",
            quote::shown(file)
        ),
    )
}

fn logs(path: &Path) -> Row {
    let directory = vis::shown(path);
    match std::fs::metadata(path) {
        Ok(about) if about.is_dir() => Row::pass("log", format!("{directory} exists")),
        Ok(_) => Row::fail(
            "log",
            format!("{directory} is no directory: no VM has a log"),
            format!("move it away: mv {directory} {directory}.old, as root"),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Row::pass(
            "log",
            format!("{directory} is made when the first VM boots"),
        ),
        Err(error) => Row::not_asked("log", format!("{directory}: {error}")),
    }
}

fn links(answers: &Answers<'_>, directory: &Path) -> Row {
    let shown = vis::shown(directory);
    match answers.known.stale_links {
        Some(0) => Row::pass("links", format!("those in {shown} are up to date")),
        Some(stale) => Row::warn(
            "links",
            format!(
                "missing or out of date in {shown}: {}",
                counted(stale, "link")
            ),
            answers.known.spelling.command("setup"),
        ),
        None => Row::not_asked(
            "links",
            format!("those in {shown} cannot be compared with the configuration"),
        ),
    }
}

fn path(process: &Process, directory: &Path) -> Row {
    let shown = vis::shown(directory);
    if process.path_has(directory) {
        return Row::pass("path", format!("PATH has {shown}"));
    }
    Row::warn(
        "path",
        format!("PATH does not have {shown}: the links need their whole path"),
        format!(
            "add to ~/.profile: PATH={}:$PATH; export PATH",
            quote::shown(directory)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::{logs, program};
    use crate::doctor::Verdict;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_program_that_others_can_replace_is_not_safe() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("easy-bhyve");
        fs::write(&file, "").unwrap();
        let of_mode = |path: &std::path::Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            program(&file)
        };
        // A directory of an ordinary user is only that user's.
        let is_root = nix::unistd::geteuid().is_root();
        let usual = if is_root {
            Verdict::Pass
        } else {
            Verdict::Warn
        };
        let row = of_mode(&file, 0o755);
        assert_eq!(row.verdict, usual, "{row:?}");
        for mode in [0o775, 0o757] {
            let row = of_mode(&file, mode);
            assert_eq!(row.verdict, Verdict::Fail, "{row:?}");
            let remedy = format!("chmod go-w {}", file.display());
            assert_eq!(row.remedy.as_ref(), Some(&remedy));
        }
        of_mode(&file, 0o755);
        let row = of_mode(place.path(), 0o777);
        assert_eq!(row.verdict == Verdict::Fail, is_root, "{row:?}");
        assert_eq!(of_mode(place.path(), 0o1777).verdict, usual);
        assert_eq!(
            program(&place.path().join("none")).verdict,
            Verdict::NotAsked
        );
    }

    #[test]
    fn a_file_in_place_of_the_logs_is_reported() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(logs(place.path()).verdict, Verdict::Pass);
        assert_eq!(logs(&place.path().join("none")).verdict, Verdict::Pass);
        let file = place.path().join("log");
        fs::write(&file, "").unwrap();
        assert_eq!(logs(&file).verdict, Verdict::Fail);
        assert_eq!(logs(&file.join("below")).verdict, Verdict::NotAsked);
    }
}
