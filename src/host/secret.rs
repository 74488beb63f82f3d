//! The password of a screen: read from a file of the user, and written to one that only bhyve(8) reads.
//!
//! No message contains the password.

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How many bytes of a password VNC uses (`usr.sbin/bhyve/rfb.c`, `PASSWD_LENGTH`).
const LONGEST: usize = 8;

/// The permissions of others than the owner.
const OTHERS: u32 = 0o077;

/// Why a file is not one with a password.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system's error.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A symbolic link.
    #[error("it is a symbolic link; name the file itself")]
    Link,
    /// A directory, a FIFO, a socket or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// The file of another user.
    #[error("it belongs to uid {0}, and must belong to you or to root")]
    Foreign(u32),
    /// Others may use the file.
    #[error("other users may read or write it (mode {0:04o}); close it: chmod 600")]
    NotClosed(u32),
    /// No password.
    #[error("it is empty")]
    Empty,
    /// More than one line.
    #[error("it has more than one line")]
    Lines,
    /// A character that no user can type.
    #[error("it is not UTF-8 text, or has a control character")]
    NotText,
    /// More than VNC uses.
    #[error("its password has {0} bytes, and VNC uses {LONGEST}; write a shorter one")]
    TooLong(usize),
}

/// Checks that a file has a password, and is closed to everybody but root and this user.
///
/// # Errors
/// If it is not so.
pub fn check(path: &Path, owner: u32) -> Result<(), SecretError> {
    read(path, owner).map(drop)
}

/// Writes the line `NAME=PASSWORD` to a new file that only its owner can read; a file of that name is
/// replaced.
///
/// # Errors
/// If the first file is not one with a password, or the system's error.
pub(super) fn write(to: &Path, name: &str, from: &Path, owner: u32) -> Result<(), SecretError> {
    let line = line(name, &read(from, owner)?);
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let options = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to);
    Ok(options?.write_all(&line)?)
}

fn read(path: &Path, owner: u32) -> Result<Vec<u8>, SecretError> {
    // A FIFO or a terminal must neither block this process nor become its terminal.
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file = match nix::fcntl::open(path, flags, Mode::empty()) {
        // FreeBSD has the second one (open(2)).
        Err(Errno::ELOOP | Errno::EMLINK) => return Err(SecretError::Link),
        Err(Errno::ENXIO | Errno::EOPNOTSUPP) => return Err(SecretError::NotAFile),
        opened => File::from(opened.map_err(io::Error::from)?),
    };
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(SecretError::NotAFile);
    }
    if ![0, owner].contains(&about.uid()) {
        return Err(SecretError::Foreign(about.uid()));
    }
    if about.mode() & OTHERS != 0 {
        return Err(SecretError::NotClosed(about.mode() & 0o7777));
    }
    let mut text = Vec::new();
    file.take(1 << 12).read_to_end(&mut text)?;
    parse(&text).map(<[u8]>::to_vec)
}

/// The password in the content of a file: its one line.
///
/// # Errors
/// If there is no password that can be typed.
pub fn parse(content: &[u8]) -> Result<&[u8], SecretError> {
    let password = content.strip_suffix(b"\n").unwrap_or(content);
    let text = str::from_utf8(password).map_err(|_| SecretError::NotText)?;
    match password.len() {
        0 => Err(SecretError::Empty),
        _ if text.contains('\n') => Err(SecretError::Lines),
        _ if text.chars().any(char::is_control) => Err(SecretError::NotText),
        length if length > LONGEST => Err(SecretError::TooLong(length)),
        _ => Ok(password),
    }
}

/// A line of a file for `bhyve -k`. In a value with a `%`, both it and a backslash begin something
/// (`usr.sbin/bhyve/config.c`, `expand_config_value`).
pub fn line(name: &str, password: &[u8]) -> Vec<u8> {
    let expands = password.contains(&b'%');
    let mut line = format!("{name}=").into_bytes();
    for &byte in password {
        if expands && matches!(byte, b'%' | b'\\') {
            line.push(b'\\');
        }
        line.push(byte);
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::{SecretError, check, line, parse, write};
    use nix::sys::stat::Mode;
    use nix::unistd::{geteuid, mkfifo};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    const NAME: &str = "pci.0.29.0.password";

    fn closed(path: &Path, text: &[u8]) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_password_is_one_line_that_vnc_uses_as_a_whole() {
        for (content, password) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            (" a b\"'$ ", " a b\"'$ "),
            ("12345678\n", "12345678"),
            ("pässe", "pässe"),
        ] {
            assert_eq!(parse(content.as_bytes()).unwrap(), password.as_bytes());
        }
        for (content, said) in [
            (&b""[..], "empty"),
            (b"\n", "empty"),
            (b"a\nb", "more than one line"),
            (b"a\n\n", "more than one line"),
            (b"a\r\n", "control character"),
            (b"a\0", "control character"),
            (b"\xff", "UTF-8"),
            (b"123456789", "9 bytes, and VNC uses 8"),
        ] {
            let error = parse(content).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn bhyve_reads_the_password_as_it_is() {
        for (password, value) in [
            ("secret", "secret"),
            ("a\\b", "a\\b"),
            ("a%(name)", "a\\%(name)"),
            ("%%", "\\%\\%"),
            ("\\%", "\\\\\\%"),
            ("# =x", "# =x"),
        ] {
            let expected = format!("{NAME}={value}\n");
            assert_eq!(line(NAME, password.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn the_file_of_bhyve_is_new_each_time_and_closed() {
        let at = tempfile::tempdir().unwrap();
        let (from, to) = (at.path().join("mine"), at.path().join("screen.conf"));
        let elsewhere = at.path().join("elsewhere");
        closed(&from, b"secret\n");
        fs::write(&elsewhere, "theirs").unwrap();
        symlink(&elsewhere, &to).unwrap();
        let owner = geteuid().as_raw();
        for _ in 0..2 {
            write(&to, NAME, &from, owner).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"pci.0.29.0.password=secret\n");
            let about = fs::symlink_metadata(&to).unwrap();
            assert_eq!(
                (about.is_file(), about.permissions().mode() & 0o7777),
                (true, 0o600)
            );
        }
        assert_eq!(fs::read(&elsewhere).unwrap(), b"theirs");
    }

    #[test]
    fn a_file_that_others_can_use_or_replace_has_no_password() {
        let at = tempfile::tempdir().unwrap();
        let owner = geteuid().as_raw();
        let path = at.path().join("password");
        closed(&path, b"secret\n");
        check(&path, owner).unwrap();
        for mode in [0o640, 0o620, 0o604, 0o602, 0o610, 0o644] {
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let error = check(&path, owner).unwrap_err();
            assert!(
                matches!(error, SecretError::NotClosed(found) if found == mode),
                "{error}"
            );
        }
        fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
        check(&path, owner).unwrap();
        if owner != 0 {
            // The file of a third user; root's are everybody's.
            assert!(matches!(
                check(&path, owner + 1),
                Err(SecretError::Foreign(_))
            ));
        } else {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            check(&path, 12345).unwrap();
            assert!(matches!(check(&path, 0), Err(SecretError::Foreign(12345))));
        }
        let link = at.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(check(&link, owner), Err(SecretError::Link)));
        let fifo = at.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        assert!(matches!(check(&fifo, owner), Err(SecretError::NotAFile)));
        let socket = at.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(matches!(check(&socket, owner), Err(SecretError::NotAFile)));
        assert!(matches!(
            check(at.path(), owner),
            Err(SecretError::NotAFile)
        ));
        let missing = check(&at.path().join("missing"), owner).unwrap_err();
        assert!(missing.to_string().contains("No such file"), "{missing}");
    }
}
