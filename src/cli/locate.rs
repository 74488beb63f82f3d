//! Finds and reads the configuration of a call; the first finding becomes an [`Error`].

use super::invocation::{self, Invocation};
use crate::config::{self, Config, ConfigError, CutShort, FILE, Outside, Trust, Unfound, Unread};
use crate::error::{Error, Result};
use crate::process::{CONFIG_VARIABLE, Process};
use crate::session::Session;
use crate::verb::{Links, Spelling, Verb};
use crate::{quote, vis};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The directory of a configuration for all users of the host.
pub(super) const HOST_DIRECTORY: &str = "/usr/local/etc";

/// Why the configuration cannot be used, and the text that was read, for the source line.
#[derive(Debug)]
pub(super) struct Refused {
    /// The error.
    pub error: Error,
    /// The configuration as read.
    pub config: Option<Config>,
}

fn alone(error: Error) -> Box<Refused> {
    Box::new(Refused {
        error,
        config: None,
    })
}

/// Finds and reads the configuration.
///
/// # Errors
/// If there is no configuration, or it cannot be read or is refused.
pub(super) fn load(process: &Process, invocation: &Invocation) -> Result<Config, Box<Refused>> {
    let (files, trust) = match named(process, invocation) {
        Some(file) => (vec![file], Trust::Named),
        None => (found(process)?, trust(process)),
    };
    with_outside(process, |outside| config::load(&files, trust, outside)).map_err(|error| {
        match error {
            ConfigError::Unreadable { path, error } => alone(unread(&path, &error)),
            ConfigError::Refused(config) => Box::new(Refused {
                error: first_finding(&config),
                config: Some(*config),
            }),
        }
    })
}

/// The file that the caller names: by the option, or else by the environment.
fn named(process: &Process, invocation: &Invocation) -> Option<PathBuf> {
    let typed = invocation.config.as_deref();
    let named = typed.or_else(|| process.variable(CONFIG_VARIABLE).map(Path::new))?;
    Some(process.directory.join(named))
}

/// Whether there is no configuration yet.
pub(super) fn is_nowhere(process: &Process, invocation: &Invocation) -> bool {
    if let Some(file) = named(process, invocation) {
        return file.symlink_metadata().is_err() && config::cut_short(&file).is_none();
    }
    let found = config::find(&directories(process), &process.host_name);
    matches!(found, Err(Unfound::Nowhere(_)))
}

/// The path of a first configuration: the named file, or else the file in `~/bin`.
///
/// # Errors
/// If a configuration exists, its replacement was interrupted, or the home directory is unknown.
pub(super) fn first(process: &Process, invocation: &Invocation) -> Result<PathBuf> {
    let existing = match named(process, invocation) {
        Some(file) if file.symlink_metadata().is_ok() => file,
        Some(file) => match config::cut_short(&file) {
            Some(cut) => return Err(left(&cut)),
            None => return Ok(file),
        },
        None => match config::find(&directories(process), &process.host_name) {
            Ok(files) => files.into_iter().next().unwrap_or_default(),
            Err(Unfound::CutShort(cut)) => return Err(left(&cut)),
            Err(Unfound::Nowhere(_)) => {
                let home = process.variable("HOME").filter(|home| !home.is_empty());
                let home = home.ok_or_else(|| {
                    Error::usage("the environment has no HOME, in whose bin the file is written")
                        .help("name the file with --config FILE")
                })?;
                return Ok(process.directory.join(home).join("bin").join(FILE));
            }
        },
    };
    let shown = vis::shown(&existing);
    Err(
        Error::state(format!("the configuration {shown} already exists"))
            .help(format!(
                "add a VM to this file: {}; change a setting: {}",
                invocation.spelling.command("new VM"),
                invocation.spelling.command("set KEY=VALUE")
            ))
            .help("to write another file, name it: --config FILE"),
    )
}

/// The files that the search finds.
fn found(process: &Process) -> Result<Vec<PathBuf>, Box<Refused>> {
    config::find(&directories(process), &process.host_name).map_err(|unfound| {
        let missing = match unfound {
            Unfound::Nowhere(missing) => missing,
            Unfound::CutShort(cut) => return alone(left(&cut)),
        };
        let mut error = Error::config(format!(
            "no configuration: there is neither {}",
            missing.names.join(" nor ")
        ));
        for directory in &missing.directories {
            error = error.note(format!("not in {}", vis::shown(directory)));
        }
        alone(
            error
                .help("write the first one for this host: easy-bhyve init")
                .help("or name an existing file with --config FILE"),
        )
    })
}

/// The error for a file that is missing because its replacement was interrupted.
fn left(cut: &CutShort) -> Error {
    Error::config(format!(
        "the configuration {} is missing: its replacement was interrupted",
        vis::shown(&cut.path)
    ))
    .note(format!("its previous text is in {}", vis::shown(&cut.old)))
    .help(format!(
        "unless a replacement is running now, restore the file: mv {} {}",
        quote::shown(&cut.old),
        quote::shown(&cut.path)
    ))
}

/// The users whose files are read if found by search.
fn trust(process: &Process) -> Trust {
    Trust::Found {
        caller: process.uid,
        behind: process.behind(),
    }
}

/// The error for a file that cannot be read or is controlled by another user.
fn unread(path: &Path, error: &Unread) -> Error {
    if let Unread::Foreign(foreign) = error {
        let refused = Error::config(format!(
            "the configuration {} is refused: {error}",
            vis::shown(path)
        ));
        let refused = foreign.remedy().into_iter().fold(refused, Error::help);
        return refused.help(format!(
            "to use this file nevertheless, name it: --config {}",
            quote::shown(path)
        ));
    }
    if let Unread::System(why) = error
        && why.kind() == ErrorKind::NotFound
        && let Some(cut) = config::cut_short(path)
    {
        return left(&cut);
    }
    let help = match error {
        Unread::System(why) if why.kind() != ErrorKind::NotFound => {
            "check its owner and mode with ls -l, or name another file with --config FILE"
                .to_owned()
        }
        Unread::System(_) => format!(
            "name an existing file with --config FILE, or write this one for this host: easy-bhyve init --config {}",
            quote::shown(path)
        ),
        Unread::NoFile(_) | Unread::Foreign(_) => "name a file with --config FILE".to_owned(),
    };
    Error::config(format!(
        "could not read the configuration {}: {error}",
        vis::shown(path)
    ))
    .help(help)
}

/// Calls `work` with the environment that an expansion may read.
pub(super) fn with_outside<T>(process: &Process, work: impl FnOnce(&Outside<'_>) -> T) -> T {
    work(&Outside {
        variable: &|name| process.environment.get(OsStr::new(name)).cloned(),
        home: &|user| process.home_of(user),
    })
}

/// The first finding as an error; the others become notes, because they are often caused by the first.
pub(super) fn first_finding(config: &Config) -> Error {
    let mut findings = config.findings().iter();
    let Some(first) = findings.next() else {
        return Error::config("the configuration is refused");
    };
    let mut error = Error::from(first.clone());
    for other in findings.take(9) {
        error = error.note(format!(
            "also {}: {}",
            config.place(other.span),
            other.message
        ));
    }
    error
}

/// The directories of the search, in order.
///
/// Differs: The configuration is looked for in several places
fn directories(process: &Process) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    if let Some(called) = called_directory(process) {
        let above = called.parent().map(Path::to_owned);
        directories.push(called);
        directories.extend(above);
    }
    directories.extend(process.program.parent().map(Path::to_owned));
    let home = process.variable("HOME").map(PathBuf::from);
    directories.extend(home.as_ref().map(|home| home.join("bin")));
    let config_home = process.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    directories.extend(
        config_home
            .or_else(|| home.map(|home| home.join(".config")))
            .map(|config| config.join("easy-bhyve")),
    );
    directories.push(PathBuf::from(HOST_DIRECTORY));
    directories
}

/// The form of calls in hints: of the called VM's links, those that exist.
pub(super) fn spelling(session: &mut Session<'_, '_>, typed: Spelling) -> Spelling {
    let process = session.process;
    let called = called_directory(process).zip(invocation::called_as(session.title));
    let Some((directory, (vm, _))) = called.filter(|_| typed.links.is_some()) else {
        return typed;
    };
    let mut is_missing = |verb: &Verb| {
        let link = directory.join(format!("{vm}-{verb}"));
        matches!(session.host.exists(&link), Ok(false))
    };
    let missing = Verb::ALL.into_iter().filter(|verb| is_missing(verb));
    Spelling {
        links: Some(Links {
            missing: missing.collect(),
        }),
        ..typed
    }
}

/// The directory of the called name: as typed, or as found in the caller's PATH.
fn called_directory(process: &Process) -> Option<PathBuf> {
    let called = Path::new(process.args.first()?);
    let found = if called
        .parent()
        .is_some_and(|parent| !parent.as_os_str().is_empty())
    {
        process.directory.join(called)
    } else {
        which::which_in(called, process.variable("PATH"), &process.directory).ok()?
    };
    // Links in the directory are resolved so that messages show no `eb/..`; the name is not resolved.
    found.parent()?.canonicalize().ok()
}
