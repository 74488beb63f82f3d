//! What a process of the playground is, where its name does not say it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::super::daemon::Daemon;

/// The environment variable that says it.
const ROLE: &str = "EASY_BHYVE_PLAYGROUND_ROLE";

/// What a process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// What daemon(8) leaves behind, for this user.
    Daemon(Daemon, u32),
    /// The driver of this null modem.
    Nmdm(String),
    /// The guest that is this process of the host so far.
    Guest(i32),
    /// Starts another and ends, so that nobody has to wait for that one.
    Starter(Box<Role>),
}

impl Role {
    /// The role of this process, if it has one.
    pub fn own() -> Option<Self> {
        serde_json::from_str(&std::env::var(ROLE).ok()?).ok()
    }

    /// A command that takes this role, in the program of this process or in another.
    pub(super) fn command(&self, program: &Path, directory: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        command
            .arg0(match self {
                Self::Daemon(..) => "daemon",
                Self::Nmdm(_) => "nmdm",
                Self::Guest(_) => "bhyve",
                Self::Starter(_) => "starter",
            })
            .env(super::super::program::DIRECTORY, directory)
            .env(ROLE, serde_json::to_string(self)?);
        Ok(command)
    }

    /// Starts it beside this process, and waits until it says that it is ready.
    pub(in super::super) fn start(self, program: &Path, directory: &Path) -> io::Result<()> {
        let mut starter = Self::Starter(Box::new(self))
            .command(program, directory)?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut ready = [0];
        if let Some(mut said) = starter.stdout.take() {
            said.read_exact(&mut ready)?;
        }
        starter.wait()?;
        Ok(())
    }

    /// Takes the role.
    ///
    /// # Errors
    /// If the state directory cannot be used.
    pub fn play(self, directory: &Path) -> io::Result<i32> {
        match self {
            Self::Daemon(daemon, uid) => super::detach::stay(&daemon, uid, directory),
            Self::Nmdm(pair) => super::nmdm::run(&pair, directory),
            Self::Guest(pid) => super::guest::resume(pid, directory),
            Self::Starter(role) => {
                role.command(&std::env::current_exe()?, directory)?
                    .spawn()?;
                Ok(0)
            }
        }
    }
}

/// The environment without the role, for what this process becomes or starts.
pub(super) fn without_role(command: &mut Command) -> &mut Command {
    command.env_remove(ROLE)
}
