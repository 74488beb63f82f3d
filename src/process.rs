//! The surroundings of a run as one value; the only file that reads arguments, environment, clock
//! and identity.

use crate::error::{Error, Result};
use crate::host::{scratch, terminal};
use crate::model::name::VmName;
use crate::run::progress::Display;
use crate::tools::firmware::SHARE_DIRECTORY;
use anyhow::Context;
use chrono::NaiveDateTime;
use console::Term;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The search path of programs; never the caller's PATH.
pub const SEARCH_PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin";
/// Overrides [`SEARCH_PATH`], for tests.
pub const SEARCH_PATH_VARIABLE: &str = "EASY_BHYVE_PATH";
/// Overrides `/dev`, for tests.
pub const DEVICES_VARIABLE: &str = "EASY_BHYVE_DEV";
/// The directory of locks and records.
pub const RUN_DIRECTORY: &str = "/var/run/easy-bhyve";
/// The directory of logs.
pub const LOG_DIRECTORY: &str = "/var/log/easy-bhyve";
/// Names the one configuration file.
pub const CONFIG_VARIABLE: &str = "EASY_BHYVE_CONFIG";

/// The places on a host that the root side uses; its caller cannot change them.
#[derive(Clone, Debug)]
pub struct Places {
    /// The search path of programs.
    pub search_path: String,
    /// The directory of devices.
    pub devices: PathBuf,
    /// The directory of locks and records.
    pub run: PathBuf,
    /// The directory of logs.
    pub logs: PathBuf,
    /// The directory of the packages' files.
    pub share: PathBuf,
    /// The factor by which waits are longer than real time: 1, except for a simulated host, whose
    /// programs a busy machine may delay.
    pub pace: u32,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            search_path: SEARCH_PATH.to_owned(),
            devices: PathBuf::from("/dev"),
            run: PathBuf::from(RUN_DIRECTORY),
            logs: PathBuf::from(LOG_DIRECTORY),
            share: PathBuf::from(SHARE_DIRECTORY),
            pace: 1,
        }
    }
}

/// The surroundings of a run.
#[derive(Clone, Debug)]
pub struct Process {
    /// The words of the call, the name first.
    pub args: Vec<OsString>,
    /// The environment.
    pub environment: HashMap<OsString, OsString>,
    /// The working directory.
    pub directory: PathBuf,
    /// This program's file.
    pub program: PathBuf,
    /// Whether this process is the root side.
    pub is_root_side: bool,
    /// The caller's uid.
    pub uid: u32,
    /// The pid of this process.
    pub pid: u32,
    /// The host's name, in full.
    pub host_name: String,
    /// Local time, read when it is needed.
    pub clock: Clock,
    /// The search path of programs.
    pub search_path: String,
    /// The directory of devices.
    pub devices: PathBuf,
    /// The directory of locks and records.
    pub run: PathBuf,
    /// The directory of logs.
    pub logs: PathBuf,
    /// The directory of the packages' files.
    pub share: PathBuf,
    /// Eight random characters, for the name of a directory of scratch files.
    pub token: String,
    /// A random UUID, from which those of new VMs follow.
    pub seed: Uuid,
    /// Whether messages go to a terminal that shows colours.
    pub colour: bool,
    /// Whether all output goes to a terminal.
    pub is_watched: bool,
    /// The columns in which help is shown: those of the terminal, or 80; at most 100.
    pub columns: usize,
    /// How the progress of a wait is displayed. The root side is told by its caller.
    pub display: Display,
}

/// The surroundings that a survey needs.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'process> {
    /// The directory of devices: `/dev`.
    pub devices: &'process Path,
    /// The directory of records: `/var/run/easy-bhyve`.
    pub run: &'process Path,
    /// The caller's uid: root sees all processes.
    pub uid: u32,
    /// The pid of the querying process, which does not count as a process of a VM.
    pub pid: u32,
}

/// A source of local time.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's.
    System,
    /// Always this time, for tests.
    Fixed(NaiveDateTime),
}

impl Clock {
    /// Local time.
    pub fn now(self) -> NaiveDateTime {
        match self {
            Self::System => chrono::Local::now().naive_local(),
            Self::Fixed(now) => now,
        }
    }

    /// The present in seconds since 1970.
    pub fn seconds(self) -> i64 {
        match self {
            Self::System => chrono::Utc::now().timestamp(),
            Self::Fixed(now) => now.and_utc().timestamp(),
        }
    }

    /// A time in seconds since 1970 as local time: `YYYY-MM-DD HH:MM`.
    pub fn date(self, seconds: i64) -> String {
        let Some(time) = chrono::DateTime::from_timestamp(seconds, 0) else {
            return "-".to_owned();
        };
        let local = match self {
            Self::System => time.with_timezone(&chrono::Local).naive_local(),
            Self::Fixed(_) => time.naive_utc(),
        };
        local.format("%Y-%m-%d %H:%M").to_string()
    }
}

impl Process {
    /// The surroundings of this process on a host with these places.
    ///
    /// `is_root_side` returns whether these words are a call of the root side, which reads no
    /// environment: its caller controls it only by the words.
    ///
    /// # Errors
    /// If the working directory or the program's own file is unknown, or the system has no random
    /// number.
    pub fn current(
        places: Places,
        is_root_side: impl FnOnce(&[OsString]) -> bool,
    ) -> anyhow::Result<Self> {
        let args: Vec<OsString> = std::env::args_os().collect();
        let is_root_side = is_root_side(&args);
        let environment: HashMap<OsString, OsString> = if is_root_side {
            HashMap::new()
        } else {
            std::env::vars_os().collect()
        };
        let text = |name: &str| {
            environment
                .get(OsStr::new(name))
                .and_then(|value| value.to_str())
        };
        let directory = if is_root_side {
            // The caller's directory may be missing, or on a file system that is to be unmounted.
            let root = PathBuf::from("/");
            std::env::set_current_dir(&root).context("could not enter /")?;
            root
        } else {
            working_directory()?
        };
        let is_terminal = io::stderr().is_terminal();
        let is_able = text("TERM").is_some_and(|term| term != "dumb");
        let colour = is_terminal && is_able && text("NO_COLOR").is_none_or(str::is_empty);
        let is_watched = is_terminal && io::stdout().is_terminal();
        let mut locales = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(text);
        let locale = locales.find(|locale| !locale.is_empty());
        let display = match locale.map(str::to_ascii_lowercase) {
            _ if !is_watched || !is_able => Display::Lines,
            Some(locale) if locale.contains("utf-8") || locale.contains("utf8") => Display::Utf8,
            _ => Display::Ascii,
        };
        Ok(Self {
            args,
            is_root_side,
            directory,
            program: std::env::current_exe()
                .context("could not determine the path of this program")?,
            uid: nix::unistd::getuid().as_raw(),
            pid: std::process::id(),
            host_name: nix::unistd::gethostname()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            clock: Clock::System,
            search_path: text(SEARCH_PATH_VARIABLE).map_or(places.search_path, str::to_owned),
            devices: environment
                .get(OsStr::new(DEVICES_VARIABLE))
                .map_or(places.devices, PathBuf::from),
            run: places.run,
            logs: places.logs,
            share: places.share,
            token: random_suffix()?,
            seed: random_uuid()?,
            colour,
            is_watched,
            columns: terminal::columns(&Term::stdout()).map_or(80, |columns| columns.min(100)),
            display,
            environment,
        })
    }

    /// The host's name up to its first dot.
    pub fn host(&self) -> &str {
        self.host_name.split('.').next().unwrap_or_default()
    }

    /// Whether this process has a root side, which can access what its user cannot.
    pub fn is_client(&self) -> bool {
        self.uid != 0 && !self.is_root_side
    }

    /// The directory of scratch files for a VM, made only if needed.
    pub fn scratch_of(&self, vm: &VmName) -> PathBuf {
        scratch::directory(&self.run).join(scratch::name(vm, &self.token))
    }

    /// The directory of the caller's own scratch files, made only if needed.
    pub fn scratch_of_user(&self) -> PathBuf {
        Path::new("/tmp").join(format!("easy-bhyve.{}", self.token))
    }

    /// The surroundings that a survey needs.
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            devices: &self.devices,
            run: &self.run,
            uid: self.uid,
            pid: self.pid,
        }
    }

    /// The home directory of a user, from the password database.
    pub fn home_of(&self, user: &OsStr) -> Option<PathBuf> {
        nix::unistd::User::from_name(user.to_str()?)
            .ok()?
            .map(|user| user.dir)
    }

    /// The user who has become root for this call, according to sudo(8) or doas(1).
    pub fn behind(&self) -> Option<u32> {
        if self.uid != 0 {
            return None;
        }
        let text = |name: &str| self.variable(name)?.to_str();
        if let Some(uid) = text("SUDO_UID") {
            return uid.parse().ok();
        }
        let user = nix::unistd::User::from_name(text("DOAS_USER")?).ok()??;
        Some(user.uid.as_raw())
    }

    /// The name of the caller, or of the user that has become root for this call; none for root itself.
    pub fn user_behind(&self) -> Option<String> {
        let uid = self.behind().unwrap_or(self.uid);
        let user = nix::unistd::User::from_uid(uid.into()).ok()??;
        (uid != 0).then_some(user.name)
    }

    /// Whether the caller's PATH has this directory.
    pub fn path_has(&self, directory: &Path) -> bool {
        let path = self.variable("PATH").unwrap_or_default();
        std::env::split_paths(path).any(|entry| entry == directory)
    }

    /// A variable of the environment that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// A random UUID for a new VM, which no other VM of this run has.
    pub fn uuid_for(&self, vm: &VmName) -> Uuid {
        let of_name = Uuid::new_v5(&self.seed, vm.as_str().as_bytes());
        uuid::Builder::from_random_bytes(of_name.into_bytes()).into_uuid()
    }

    /// Whether the caller's terminal is that of ssh(1).
    pub fn is_over_ssh(&self) -> bool {
        self.variable("SSH_CONNECTION").is_some()
    }
}

/// A random UUID.
fn random_uuid() -> anyhow::Result<Uuid> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("could not get a random number from the system")?;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}

fn working_directory() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::host("the working directory no longer exists")
            .help("change to an existing directory, for example: cd"),
        _ => Error::host(format!(
            "could not determine the working directory: {error}"
        ))
        .help("change to another directory, for example: cd"),
    })
}

/// Eight random characters. Other users may be able to create directories next to a disk image, and
/// could use a predictable name before root does.
fn random_suffix() -> anyhow::Result<String> {
    let random = getrandom::u32().context("could not get a random number from the system")?;
    Ok(format!("{random:08x}"))
}
