//! Disk image files: truncate(1), dd(1), rm(1).

use crate::command::{Command, args};
use crate::model::size::DiskSize;
use std::path::Path;

/// Makes a file without blocks: `truncate -s BYTES PATH`.
///
/// The size is given in bytes, since truncate(1) knows no decimals. It would cut an existing file.
pub fn make_sparse(path: &Path, size: &DiskSize) -> Command {
    Command::root("truncate", args!["-s", size.bytes().to_string(), path])
}

/// Makes a file with all its blocks: `dd if=/dev/zero of=PATH bs=BYTES count=N status=none`.
pub fn make_full(path: &Path, size: &DiskSize) -> Command {
    let mut block = 1_u64 << 20;
    while !size.bytes().is_multiple_of(block) {
        block /= 2;
    }
    let mut output = std::ffi::OsString::from("of=");
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
    use super::{make_full, make_sparse, remove};
    use crate::model::size::DiskSize;
    use std::path::Path;

    #[test]
    fn the_arguments_are_those_of_truncate_dd_and_rm() {
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
            (remove(path), "rm -f /vm/deb0"),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }
}
