//! The device map of grub-bhyve: grub-core/kern/emu/hostdisk.c, `read_device_map`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::Host;

/// The longest piece of a line that is read at once, in bytes; each piece counts as a line.
const PIECE: usize = 1023;
/// The most drives.
const MOST: usize = 256;

/// Drives and their paths, in order, and the warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) drives: Vec<(String, PathBuf)>,
    pub(super) warnings: Vec<String>,
}

/// Reads a device map. A path that cannot be opened is skipped silently, and so is a map that does
/// not exist.
pub(super) fn read(host: &mut Host, map: &str) -> Result<Map, String> {
    let mut read = Map::default();
    let Ok(text) = host.files().read(Path::new(map)) else {
        return Ok(read);
    };
    let mut seen = 0;
    for (index, line) in pieces(&text).into_iter().enumerate() {
        let wrong = |text: &str| format!("grub-bhyve: error: {map}:{}: {text}.", index + 1);
        let line = trimmed(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let Some(rest) = line.strip_prefix(b"(") else {
            return Err(wrong("missing `(' symbol"));
        };
        seen += 1;
        if seen > MOST {
            return Err(wrong("device count exceeds limit"));
        }
        let Some(end) = rest.iter().position(|&byte| byte == b')') else {
            return Err(wrong("missing `)' symbol"));
        };
        let name = String::from_utf8_lossy(&rest[..end]);
        let path = trimmed(&rest[end + 1..]);
        let path = path
            .split(|&byte| is_blank(byte))
            .next()
            .unwrap_or_default();
        if path.is_empty() {
            return Err(wrong("filename expected"));
        }
        let path = Path::new(OsStr::from_bytes(path));
        let shown = path.display();
        if name.contains(',') {
            read.warnings.push(format!(
                "grub-bhyve: warning: the device.map entry `{name}' is invalid. Ignoring it. Please \
                 correct or delete your device.map."
            ));
            continue;
        }
        let kind = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let name = if ["hd", "fd", "cd"].contains(&kind) {
            name.into_owned()
        } else {
            read.warnings.push(format!(
                "grub-bhyve: warning: the drive name `{name}' in device.map is incorrect. Using \
                 hostdisk/{shown} instead. Please use the form [hfc]d[0-9]* (E.g. `hd0' or `cd')."
            ));
            format!("hostdisk/{shown}")
        };
        if path == Path::new("/dev/null") || host.open_disk_to_write(path).is_ok() {
            // The first path of a name counts.
            let first = read.drives.iter().find(|(known, _)| *known == name);
            let path = first.map_or(path, |(_, path)| path.as_path()).to_owned();
            read.drives.push((name, path));
        }
    }
    Ok(read)
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A text without the white space before it.
fn trimmed(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|&&byte| is_blank(byte)).count();
    &text[blanks..]
}

/// The lines as C reads them: in pieces, each up to a NUL.
fn pieces(text: &[u8]) -> Vec<&[u8]> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines
        .flat_map(|line| line.chunks(PIECE))
        .map(|piece| piece.split(|&byte| byte == 0).next().unwrap_or_default())
        .collect()
}
