//! Bytes that are not text, and a search path with unusual characters.

use super::read_by_sh;
use crate::place::{PROGRAM, Place, Said, skip};
use crate::shown::shell;
use std::os::unix::ffi::OsStrExt;

#[test]
fn bytes_that_are_not_text_are_read_back_unchanged() {
    let place = Place::new();
    let path = b"/vm/\xff\xfe it's \x80".to_vec();
    let mut config =
        b"bridge=bridge0 netif=igb0 volroot=zroot/vm a_id=7 a_freebsd=YES\na_hd0=\"".to_vec();
    config.extend_from_slice(&path);
    config.extend_from_slice(b"\"\n");
    place.write("vms.conf", config);
    let mut call = place.call(PROGRAM);
    let shown = call
        .args(["--config", "vms.conf", "resources", "a"])
        .output()
        .unwrap();
    let script = [&shown.stdout[..], b"printf %s \"$hd0\"\n"].concat();
    let script = place.write("read.sh", script);
    let Some(shell) = shell() else {
        skip("no shell here reads $'…'");
        return;
    };
    let read = place.call(shell).arg(script).output().unwrap();
    assert_eq!(read.stdout, path, "{:?}", Said::of(&shown));
}

/// A script finds the same programs as a run.
#[test]
fn a_search_path_with_blanks_and_quotes_is_valid_in_the_script() {
    for directory in ["my tools", "it's $HOME", "a;b"] {
        let place = Place::new();
        let bin = place.path(directory).join("bin");
        let path = [bin.as_os_str().as_bytes(), b":/bin"].concat();
        let mut call = place.call(PROGRAM);
        place.write(
            "vms.conf",
            "volroot=zroot/vm bridge=b a_id=7 a_freebsd=YES a_cd0=/iso\n",
        );
        let output = call
            .args([
                "--config", "vms.conf", "console", "a", "-d", "--format", "sh",
            ])
            .env("EASY_BHYVE_PATH", std::ffi::OsStr::from_bytes(&path))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let head: String = text
            .lines()
            .take(4)
            .map(|line| format!("{line}\n"))
            .collect();
        let read = read_by_sh(&place, &head, &["PATH"]);
        assert_eq!(read, [String::from_utf8(path).unwrap()], "{text}");
    }
}
