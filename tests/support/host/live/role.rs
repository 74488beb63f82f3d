//! The role of a process of the playground, if its name does not determine it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::super::daemon::Daemon;

/// The environment variable with the role.
const ROLE: &str = "EASY_BHYVE_PLAYGROUND_ROLE";

/// The role of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The process that daemon(8) leaves in the background, for this user.
    Daemon(Daemon, u32),
    /// The driver of this null modem.
    Nmdm(String),
    /// The guest of a bhyve that has been only an entry of the host so far.
    Guest(i32),
    /// Starts another process and exits, so that no process has to wait for that one.
    Starter(Box<Role>),
}

impl Role {
    /// The role of this process, if it has one.
    pub fn own() -> Option<Self> {
        serde_json::from_str(&std::env::var(ROLE).ok()?).ok()
    }

    /// A command with this role, in the program of this process or in another one.
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

    /// Starts the command beside this process, and waits until it reports that it is ready.
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

    /// Runs as this role.
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

/// The environment without the role, for the programs that this process becomes or starts.
pub(super) fn without_role(command: &mut Command) -> &mut Command {
    command.env_remove(ROLE)
}
