//! A machine with an ordinary user, the real doas(1) or sudo(8), and the simulated host behind it.
//!
//! Nothing of the machine that runs the tests changes: each call has mounts and a network of its
//! own, with a temporary `/etc`, `/run` and `/usr/local`. They disappear when its last process exits.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::host::build::USER;
use crate::host::{Host, shared};
use crate::machine::{Machine, link, playground};
use crate::place::{Said, put, skip, write_script};

/// The user's answer to a request for a password.
pub(super) const PASSWORD: &str = "secret";

/// [`PASSWORD`], as crypt(5) writes it.
const HASH: &str = "$6$easybhyve$3MsAa2cI7uWalHUlFF6naTVDadurmuh3f0fI1IM7Tgt3UMrnhp1lL0G4FNPHc/\
                    rjzgNyQcBDp86lSb0gfppMC1";

/// `/etc/sudoers` as Debian ships it, without comments.
const SUDOERS: &str = "Defaults env_reset
Defaults mail_badpass
Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"
Defaults use_pty
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
";

/// Enters the environment `$1` with the host `$2`, and becomes the user in a session of its own
/// there, who cannot change what root runs. sudo keeps its records below `/run` and
/// `/var/lib/sudo`; syslog gets no messages.
const ENTER: &str = r#"set -eu
mount --bind "$1/etc" /etc
mount --bind "$1/run" /run
[ ! -d /var/lib/sudo ] || mount --bind "$1/run" /var/lib/sudo
[ ! -S /dev/log ] || mount --bind /dev/null /dev/log
mount --bind "$2" /usr/local
mount --bind "$1/bin" /usr/local/bin
mount --bind "$1/eb" /usr/local/eb
hostname vmhost
shift 2
exec setpriv --reuid=1001 --regid=1001 --clear-groups setsid "$@"
"#;

/// The directories of system programs.
const SYSTEM: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether the real ones can be tested here; if not, reports the reason.
pub(super) fn is_possible() -> bool {
    if !nix::unistd::geteuid().is_root() {
        skip("doas and sudo: not root");
        return false;
    }
    for program in ["doas", "sudo"] {
        if which::which_in(program, Some(SYSTEM), "/").is_err() {
            skip(&format!("doas and sudo: {program} is not installed"));
            return false;
        }
    }
    let temporary = std::env::temp_dir();
    if !is_open_to_all(&temporary) {
        let place = temporary.display();
        skip(&format!(
            "doas and sudo: an ordinary user cannot enter {place}"
        ));
        return false;
    }
    let alone = Command::new("unshare")
        .args(["--mount", "--uts", "--net", "true"])
        .output();
    let is_alone = alone.is_ok_and(|output| output.status.success());
    if !is_alone {
        skip("doas and sudo: unshare cannot make private mounts");
    }
    is_alone
}

/// The rights of the user, in the words of both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules<'text> {
    /// `/etc/doas.conf`, if it exists.
    pub(super) doas: Option<&'text str>,
    /// The rules in sudoers besides those of Debian, if there is a sudoers file.
    pub(super) sudo: Option<&'text str>,
}

/// The machine, its host and its user.
pub(super) struct Ground {
    pub(super) machine: Machine,
    surroundings: tempfile::TempDir,
}

impl Ground {
    /// A machine with these escalators, rules, and settings.
    pub(super) fn new(host: Host, installed: &[&str], rules: Rules<'_>, config: &str) -> Self {
        let machine = Machine::new(host, config);
        let ground = Self {
            machine,
            surroundings: tempfile::tempdir().unwrap(),
        };
        ground.make_directories();
        ground.share_host();
        ground.write_programs(installed);
        ground.write_etc(rules);
        ground
    }

    fn make_directories(&self) {
        shared::allow(self.surroundings.path(), 0o755).unwrap();
        for (name, mode) in [
            ("bin", 0o755),
            ("bin/real", 0o755),
            ("eb", 0o755),
            ("run", 0o755),
            ("etc", 0o755),
            ("etc/security", 0o755),
            ("etc/sudoers.d", 0o750),
        ] {
            let directory = self.surroundings.path().join(name);
            fs::create_dir(&directory).unwrap();
            shared::allow(&directory, mode).unwrap();
        }
    }

    /// Makes the host's state one that programs of root and of the user change in turn, and no other
    /// user.
    fn share_host(&self) {
        let path = self.machine.path();
        open(path);
        chown(path, Some(USER), Some(USER)).unwrap();
        shared::allow(path, 0o700).unwrap();
    }

    /// Installs the program, the programs of the simulated host, and these escalators.
    fn write_programs(&self, installed: &[&str]) {
        let bin = self.surroundings.path().join("bin");
        put(playground(), &bin.join("playground"));
        for entry in fs::read_dir(self.machine.path().join("bin")).unwrap() {
            let name = entry.unwrap().file_name();
            if name != "doas" && name != "sudo" {
                symlink("playground", bin.join(name)).unwrap();
            }
        }
        for name in installed.iter().chain(&["env", "timeout"]) {
            symlink(Path::new("/usr/bin").join(name), bin.join(name)).unwrap();
        }
        let program = self.surroundings.path().join("eb/easy-bhyve");
        put(playground(), &program);
    }

    fn write_etc(&self, rules: Rules<'_>) {
        let copied = Command::new("cp")
            .args(["-RL", "/etc/pam.d", "/etc/ld.so.cache"])
            .arg(self.surroundings.path().join("etc"))
            .status();
        assert!(copied.unwrap().success());
        self.write(
            "passwd",
            "root:x:0:0::/root:/bin/sh\nuser:x:1001:1001::/:/bin/sh\n",
            0o644,
        );
        self.write("group", "root:x:0:\nuser:x:1001:\n", 0o644);
        let shadow = format!("root:*:19000:0:99999:7:::\nuser:{HASH}:19000:0:99999:7:::\n");
        self.write("shadow", &shadow, 0o600);
        self.write(
            "nsswitch.conf",
            "passwd: files\ngroup: files\nshadow: files\nhosts: files\nsudoers: files\n",
            0o644,
        );
        self.write("hosts", "127.0.0.1 localhost\n127.0.1.1 vmhost\n", 0o644);
        self.write("security/limits.conf", "", 0o644);
        // As Debian's, without the delay of two seconds after a wrong password.
        self.write(
            "pam.d/common-auth",
            "auth required pam_unix.so nodelay\n",
            0o644,
        );
        self.write(
            "pam.d/common-account",
            "account required pam_unix.so\n",
            0o644,
        );
        self.write(
            "pam.d/common-session-noninteractive",
            "session required pam_permit.so\n",
            0o644,
        );
        if let Some(doas) = rules.doas {
            self.write("doas.conf", &format!("{doas}\n"), 0o600);
        }
        if let Some(sudo) = rules.sudo {
            self.write("sudoers", SUDOERS, 0o440);
            // Without a mailer, as where none is installed.
            let rules = format!("Defaults !mailerpath\n{sudo}\n");
            self.write("sudoers.d/rules", &rules, 0o440);
        }
    }

    /// Writes a file below `/etc`.
    pub(super) fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.surroundings.path().join("etc").join(name), text).unwrap();
        self.chmod(name, mode);
    }

    /// Gives a file below `/etc` this mode.
    pub(super) fn chmod(&self, name: &str, mode: u32) {
        shared::allow(&self.surroundings.path().join("etc").join(name), mode).unwrap();
    }

    /// A call of the program by the first word, as words for [`Self::session`].
    pub(super) fn called<'word>(&self, words: &[&'word str]) -> Vec<Cow<'word, str>> {
        let eb = self.surroundings.path().join("eb");
        link(&eb, OsStr::new(words[0]), Path::new("easy-bhyve"));
        let program = Cow::Owned(format!("/usr/local/eb/{}", words[0]));
        let words = words[1..].iter().copied().map(Cow::Borrowed);
        std::iter::once(program).chain(words).collect()
    }

    /// Runs the program as the user, without a terminal.
    pub(super) fn run(&self, words: &[&str]) -> Said {
        let mut command = self.session(&[], &self.called(words));
        said_of(&command.output().unwrap())
    }

    /// Runs any command as the user, in a session of its own: without a terminal or, with `--ctty`, with
    /// its standard input as the terminal.
    pub(super) fn session(&self, options: &[&str], words: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--uts", "--net", "/bin/sh", "-c", ENTER, "sh"])
            .arg(self.surroundings.path())
            .arg(self.machine.path())
            .args(options)
            .args(["env", "-i"])
            .args(Self::ENVIRONMENT)
            .args(words.iter().map(AsRef::as_ref))
            .env_clear()
            .env("PATH", SYSTEM)
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    /// Replaces a program of the host, which is then `bin/real/NAME`, by a shell script.
    pub(super) fn replace(&self, name: &str, text: &str) {
        let bin = self.surroundings.path().join("bin");
        symlink("../playground", bin.join("real").join(name)).unwrap();
        fs::remove_file(bin.join(name)).unwrap();
        write_script(&bin.join(name), text);
    }

    /// Makes a link to a program of the machine beside those of the host.
    pub(super) fn add(&self, name: &str) {
        let link = self.surroundings.path().join("bin").join(name);
        symlink(Path::new("/bin").join(name), link).unwrap();
    }

    /// The settings of the program in its environment; doas and sudo pass none of them on.
    const ENVIRONMENT: [&str; 4] = [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "TERM=vt100",
        "EASY_BHYVE_PATH=/usr/local/bin",
        "EASY_BHYVE_CONFIG=/usr/local/easy-bhyve.conf",
    ];
}

/// Whether every user can enter a directory.
fn is_open_to_all(directory: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    directory.ancestors().all(|path| {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        mode & 0o001 != 0
    })
}

/// Lets every user read and write all files below a directory.
fn open(directory: &Path) {
    shared::allow(directory, 0o777).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            open(&path);
        } else if kind.is_file() {
            shared::allow(&path, 0o666).unwrap();
        }
    }
}

/// The output of a program that has ended, its status as a shell reports it: 128 and the signal's number.
pub(super) fn said_of(output: &Output) -> Said {
    let signal = output.status.signal().map(|signal| 128 + signal);
    Said {
        status: output.status.code().or(signal),
        ..Said::of(output)
    }
}
