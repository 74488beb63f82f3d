//! The directory that contains the simulated host and the user's own files.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::host::build::USER;
use super::host::{GuestPlan, Host, program};

/// The example configuration.
const CONFIG: &str = include_str!("../easy-bhyve.conf");

/// A directory for one run of the playground; it is removed with this value.
pub(super) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// A FreeBSD 15 host with the example configuration and its ISO images, on which no VM has a
    /// disk yet, and whose guests behave as given.
    pub(super) fn new(guest: GuestPlan) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("eb.").tempdir()?;
        let mut host = Host::freebsd(15);
        host.state.guest = guest;
        host.advance_to(program::now_ms());
        let exe = std::env::current_exe()?;
        program::install(host, directory.path(), &exe)?;
        let place = Self { directory };
        let bin = place.home().join("bin");
        fs::create_dir_all(&bin)?;
        // A file of its own: by the path of its file the program is called again, and is easy-bhyve there.
        let program = bin.join("easy-bhyve");
        fs::hard_link(&exe, &program).or_else(|_| fs::copy(&exe, &program).map(drop))?;
        fs::write(bin.join("easy-bhyve.conf"), place.config()?)?;
        Ok(place)
    }

    /// The example configuration, with the paths below `/dev` and `/iso` moved into this directory, and
    /// every image created that it names.
    fn config(&self) -> io::Result<String> {
        let images = self.path("iso");
        fs::create_dir_all(&images)?;
        let named = CONFIG.split("${iso_path}/").skip(1);
        for image in named.filter_map(|rest| rest.split_whitespace().next()) {
            fs::write(images.join(image), "a simulated ISO image\n")?;
        }
        let here = |below: &str| self.path(below).display().to_string();
        let moved = |line: &str| match line.split_once("=/dev/") {
            // Not the root of a guest, in a value in quotes.
            Some((name, path)) if !name.contains('=') => {
                format!("{name}={}/{path}\n", here("dev"))
            }
            _ => format!("{line}\n"),
        };
        let config: String = CONFIG.lines().map(moved).collect();
        Ok(config.replace("iso_path=/iso", &format!("iso_path={}", here("iso"))))
    }

    /// Removes the configuration, and puts its ISO images below the home directory.
    pub(super) fn leave_configuration(&self) -> io::Result<()> {
        fs::remove_file(self.home().join("bin/easy-bhyve.conf"))?;
        fs::rename(self.path("iso"), self.home().join("iso"))
    }

    /// A path below this directory.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// The home directory of the user.
    pub(super) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Gives a command the environment of the host and of the user.
    pub(super) fn surround(&self, mut command: Command) -> Command {
        let shown = |path: PathBuf| path.display().to_string();
        let host = format!("{}:/usr/bin:/bin", shown(self.path("bin")));
        let own = shown(self.home().join("bin"));
        // root does not need doas there either.
        let uid = if nix::unistd::geteuid().is_root() {
            0
        } else {
            USER
        };
        let term = std::env::var("TERM").unwrap_or_else(|_| "vt100".into());
        command
            .env("HOME", self.home())
            .env("PATH", format!("{own}/eb:{own}:{host}"))
            .env("TERM", term)
            .env_remove("EASY_BHYVE_CONFIG")
            .env_remove("XDG_CONFIG_HOME")
            .env(program::DIRECTORY, self.directory.path())
            .env(program::UID, uid.to_string())
            .current_dir(self.home());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = program::remove(self.directory.path());
    }
}
