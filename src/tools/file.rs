//! Disk image files and stores of variables: install(1), stat(1), truncate(1), dd(1), ln(1), mv(1), rm(1),
//! rmdir(1).

use crate::command::{Command, args};
use crate::model::size::DiskSize;
use crate::plan::Test;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directory in which the file for `path` is created: `.NAME.TOKEN` in the same directory, so on the
/// same file system; other users cannot change its content.
pub fn workshop(path: &Path, token: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(token);
    path.with_file_name(name)
}

/// Whether a name is that of a [`workshop`] for `path`, with any token.
pub fn is_workshop(name: &OsStr, path: &Path) -> bool {
    let of = workshop(path, "");
    let of = of.file_name().unwrap_or_default().as_bytes();
    let token = name.as_bytes().strip_prefix(of);
    token.is_some_and(|token| token.len() == 8 && token.iter().all(u8::is_ascii_alphanumeric))
}

/// Makes an empty file that only root can read: `install -m 600 /dev/null PATH`. Removes an existing
/// file (`usr.bin/xinstall/xinstall.c`).
pub fn make_empty(path: &Path) -> Command {
    Command::root("install", args!["-m", "600", "/dev/null", path])
}

/// Copies a file for root alone: `install -m 600 PATH COPY`. Removes an existing `COPY`.
pub fn copy(path: &Path, copy: &Path) -> Command {
    Command::root("install", args!["-m", "600", path, copy])
}

/// Makes a directory that others may read, and its parents: `install -d -m 755 PATH`.
pub fn make_directory(path: &Path) -> Command {
    Command::root("install", args!["-d", "-m", "755", path])
}

/// Renames a file, replacing another one: `mv -f PATH NAME`.
pub fn put_back(path: &Path, name: &Path) -> Command {
    Command::root("mv", args!["-f", path, name])
}

/// Removes a file; a missing one is no failure: `rm -f PATH`.
pub fn remove(path: &Path) -> Command {
    Command::root("rm", args!["-f", path])
}

/// Removes an empty directory: `rmdir PATH`.
pub fn remove_directory(path: &Path) -> Command {
    Command::root("rmdir", args![path])
}

/// Links a file to another name, which must not exist: `ln -P PATH NAME`. Without `-P`, ln(1) follows a
/// symbolic link, and links its target (`bin/ln/ln.c`).
pub fn name(path: &Path, name: &Path) -> Command {
    Command::root("ln", args!["-P", path, name])
}

/// Sets the size of an empty file without allocation: `truncate -s BYTES PATH`.
///
/// The size is in bytes, because truncate(1) accepts no decimals.
pub fn make_sparse(path: &Path, size: &DiskSize) -> Command {
    Command::root("truncate", args!["-s", size.bytes().to_string(), path])
}

/// Whether a file, or the target of a symbolic link, has exactly this size:
/// `stat -L -f 'size %z bytes' PATH` (stat(1)).
pub fn has_size(path: &Path, bytes: u64) -> Test {
    Test::Mentions {
        command: Command::question("stat", args!["-L", "-f", "size %z bytes", path]),
        text: format!("size {bytes} bytes"),
    }
}

/// Makes an existing file longer, without allocation: `truncate -c -s +BYTES PATH`.
///
/// A relative size never cuts a file, whatever its size has become since the question.
pub fn grow(path: &Path, more: u64) -> Command {
    Command::root("truncate", args!["-c", "-s", format!("+{more}"), path])
}

/// Fills an empty file with zeros, fully allocated: `dd if=/dev/zero of=PATH bs=BYTES count=N status=none`.
pub fn make_full(path: &Path, size: &DiskSize) -> Command {
    let mut block = 1_u64 << 20;
    while !size.bytes().is_multiple_of(block) {
        block /= 2;
    }
    let mut output = OsString::from("of=");
    output.push(path);
    let args = args![
        "if=/dev/zero",
        output,
        format!("bs={block}"),
        format!("count={}", size.bytes() / block),
        "status=none"
    ];
    Command {
        fills: Some((path.to_owned(), size.bytes())),
        ..Command::root("dd", args)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        copy, grow, has_size, is_workshop, make_directory, make_empty, make_full, make_sparse, name,
    };
    use super::{put_back, remove, workshop};
    use crate::model::size::DiskSize;
    use crate::plan::Test;
    use std::path::Path;

    #[test]
    fn a_directory_of_a_file_that_is_being_made_is_known() {
        let path = Path::new("/vm/deb0.img");
        for (name, is_one) in [
            (".deb0.img.aB3dE6gH", true),
            (".deb0.img.aB3dE6g", false),
            (".deb0.img.aB3dE6g/", false),
            (".deb0.aB3dE6gH", false),
            ("deb0.img.aB3dE6gH", false),
        ] {
            assert_eq!(is_workshop(name.as_ref(), path), is_one, "{name}");
        }
    }

    #[test]
    fn the_arguments_are_those_of_install_truncate_dd_and_ln() {
        let path = Path::new("/vm/deb0");
        let size = |text| DiskSize::parse(text).expect(text);
        for (command, line) in [
            (
                make_sparse(path, &size("1.5G")),
                "truncate -s 1610612736 /vm/deb0",
            ),
            (grow(path, 1 << 30), "truncate -c -s +1073741824 /vm/deb0"),
            (
                make_full(path, &size("20g")),
                "dd if=/dev/zero of=/vm/deb0 bs=1048576 count=20480 status=none",
            ),
            (
                make_full(path, &size("1536k")),
                "dd if=/dev/zero of=/vm/deb0 bs=524288 count=3 status=none",
            ),
            (
                make_empty(&workshop(path, "abc").join("disk")),
                "install -m 600 /dev/null /vm/.deb0.abc/disk",
            ),
            (
                name(&workshop(path, "abc").join("disk"), path),
                "ln -P /vm/.deb0.abc/disk /vm/deb0",
            ),
            (copy(Path::new("/x"), path), "install -m 600 /x /vm/deb0"),
            (make_directory(Path::new("/vm")), "install -d -m 755 /vm"),
            (put_back(Path::new("/x"), path), "mv -f /x /vm/deb0"),
            (remove(path), "rm -f /vm/deb0"),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn a_size_is_asked_for_in_words_in_which_no_other_number_fits() {
        let size = has_size(Path::new("/vm/a b"), 512);
        let command = "stat -L -f 'size %z bytes' '/vm/a b'";
        let Test::Mentions {
            command: asked,
            text,
        } = size
        else {
            panic!("another test");
        };
        assert_eq!(
            (asked.to_string().as_str(), &*text),
            (command, "size 512 bytes")
        );
    }
}
