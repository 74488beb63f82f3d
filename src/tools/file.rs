//! Disk image files: install(1), truncate(1), dd(1), ln(1), rm(1).

use crate::command::{Command, args};
use crate::model::size::DiskSize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a file is made that is to be at `path`: `.NAME.easy-bhyve` beside it.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".easy-bhyve");
    path.with_file_name(name)
}

/// Makes an empty file that only root can read: `install -m 600 /dev/null PATH`. What was there goes
/// first (`usr.bin/xinstall/xinstall.c`).
pub fn make_empty(path: &Path) -> Command {
    Command::root("install", args!["-m", "600", "/dev/null", path])
}

/// Gives a file another name, which nothing may have: `ln PATH NAME`.
pub fn name(path: &Path, name: &Path) -> Command {
    Command::root("ln", args![path, name])
}

/// Gives an empty file its size without blocks: `truncate -s BYTES PATH`.
///
/// The size is given in bytes, since truncate(1) knows no decimals.
pub fn make_sparse(path: &Path, size: &DiskSize) -> Command {
    Command::root("truncate", args!["-s", size.bytes().to_string(), path])
}

/// Fills an empty file with zeros, so that all its blocks are its own: `dd if=/dev/zero of=PATH bs=BYTES count=N status=none`.
pub fn make_full(path: &Path, size: &DiskSize) -> Command {
    let mut block = 1_u64 << 20;
    while !size.bytes().is_multiple_of(block) {
        block /= 2;
    }
    let mut output = OsString::from("of=");
    output.push(path);
    Command::root(
        "dd",
        args![
            "if=/dev/zero",
            output,
            format!("bs={block}"),
            format!("count={}", size.bytes() / block),
            "status=none"
        ],
    )
}

/// Removes a file: `rm -f PATH`.
pub fn remove(path: &Path) -> Command {
    Command::root("rm", args!["-f", path])
}

#[cfg(test)]
mod tests {
    use super::{make_empty, make_full, make_sparse, name, remove, unfinished};
    use crate::model::size::DiskSize;
    use std::path::Path;

    #[test]
    fn the_arguments_are_those_of_install_truncate_dd_ln_and_rm() {
        let path = Path::new("/vm/deb0");
        let size = |text| DiskSize::parse(text).expect(text);
        for (command, line) in [
            (
                make_sparse(path, &size("1.5G")),
                "truncate -s 1610612736 /vm/deb0",
            ),
            (
                make_full(path, &size("20g")),
                "dd if=/dev/zero of=/vm/deb0 bs=1048576 count=20480 status=none",
            ),
            (
                make_full(path, &size("1536k")),
                "dd if=/dev/zero of=/vm/deb0 bs=524288 count=3 status=none",
            ),
            (
                make_empty(&unfinished(path)),
                "install -m 600 /dev/null /vm/.deb0.easy-bhyve",
            ),
            (
                name(&unfinished(path), path),
                "ln /vm/.deb0.easy-bhyve /vm/deb0",
            ),
            (remove(path), "rm -f /vm/deb0"),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }
}
