//! What is measured: processes, from start to exit.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::ground::{CONFIGURATION, Ground, QUESTIONS, Size, WITH_PROFILES};
use super::rival;

const PROGRAM: &str = env!("CARGO_BIN_EXE_easy-bhyve");

/// What a round runs, in this order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Contender {
    /// true(1): the price of a process.
    True,
    /// sh(1) reading the configuration.
    Sh,
    /// The settings of one VM.
    Resources,
    /// All VMs, none of which runs.
    List,
    /// All VMs, each of which has a profile.
    ListProfiles,
    /// All VMs, one of which runs.
    ListRunning,
    /// The VMs that begin with a letter, as a shell asks for them.
    Complete,
    /// A boot's plan on a host that is not FreeBSD.
    BootForeign,
    /// A boot's plan on a host that answers all questions.
    Boot,
    /// The questions of [`Self::Boot`] without easy-bhyve.
    Questions,
    /// As many links as [`Self::Setup`] makes, by calls of symlink(2) alone.
    BareLinks,
    /// All links, in a fresh directory.
    Setup,
    /// The same again, with nothing to do.
    SetupAgain,
    /// A boot on a host on which no VM has run.
    ColdBoot,
    /// The commands of [`Self::ColdBoot`] in sh(1).
    ColdCommands,
    /// All VMs, by vm-bhyve.
    Rival,
}

impl Contender {
    /// All of them; `SetupAgain` needs what `Setup` made.
    pub(super) const ALL: [Self; 16] = [
        Self::True,
        Self::Sh,
        Self::Resources,
        Self::List,
        Self::ListProfiles,
        Self::ListRunning,
        Self::Complete,
        Self::BootForeign,
        Self::Boot,
        Self::Questions,
        Self::BareLinks,
        Self::Setup,
        Self::SetupAgain,
        Self::ColdBoot,
        Self::ColdCommands,
        Self::Rival,
    ];

    /// Whether this run has the contender in this size.
    pub(super) fn is_there(self, ground: &Ground, size: Size) -> bool {
        self != Self::Rival || ground.rival.is_some() && size <= rival::LARGEST
    }

    /// Whether the contender is easy-bhyve itself.
    pub(super) fn is_ours(self) -> bool {
        !matches!(
            self,
            Self::True
                | Self::Sh
                | Self::Questions
                | Self::BareLinks
                | Self::ColdCommands
                | Self::Rival
        )
    }

    /// Whether the contender takes seconds, or makes links, which costs inodes.
    pub(super) fn is_rare(self) -> bool {
        matches!(
            self,
            Self::BareLinks
                | Self::Setup
                | Self::SetupAgain
                | Self::ColdBoot
                | Self::ColdCommands
                | Self::Rival
        )
    }

    /// The words of its only process; none for a contender that is not a single process.
    pub(super) fn command(self, ground: &Ground, size: Size) -> Option<Command> {
        let (program, words): (&str, Vec<OsString>) = match self {
            Self::True => (true_program(), vec![]),
            Self::Sh => (
                "/bin/sh",
                vec!["-c".into(), format!(". ./{CONFIGURATION}").into()],
            ),
            Self::Resources => (PROGRAM, vec!["resources".into(), size.vm().into()]),
            Self::List | Self::ListProfiles | Self::ListRunning => (PROGRAM, vec!["list".into()]),
            Self::Complete => {
                let line = format!("complete -- easy-bhyve --config {CONFIGURATION} boot v");
                (PROGRAM, line.split(' ').map(OsString::from).collect())
            }
            Self::BootForeign | Self::Boot => {
                (PROGRAM, vec!["boot".into(), size.vm().into(), "-d".into()])
            }
            Self::Setup | Self::SetupAgain => (PROGRAM, vec!["setup".into()]),
            Self::Rival => return Some(ground.rival.as_ref()?.list(size)),
            Self::Questions | Self::BareLinks | Self::ColdBoot | Self::ColdCommands => return None,
        };
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(ground.directory(size))
            .env_clear();
        if self.is_ours() {
            let host = match self {
                Self::BootForeign => ground.foreign_host(),
                _ => ground.host(),
            };
            let devices = match self {
                Self::ListRunning => ground.devices_of_running(),
                _ => ground.devices(),
            };
            let configuration = match self {
                Self::ListProfiles => WITH_PROFILES,
                _ => CONFIGURATION,
            };
            if self != Self::Complete {
                command.args(["--config", configuration]);
            }
            command
                .env("EASY_BHYVE_PATH", host)
                .env("EASY_BHYVE_DEV", devices);
        }
        Some(command)
    }

    /// Runs the contender once; the duration.
    pub(super) fn run(self, ground: &Ground, size: Size) -> Result<Duration> {
        match self {
            Self::Questions => QUESTIONS
                .iter()
                .map(|question| time(Command::new(ground.host().join(question))))
                .sum(),
            Self::BareLinks => make_links(&ground.bare_links(size), size),
            Self::ColdBoot => ground.cold.boot(ground, size),
            Self::ColdCommands => ground.cold.commands(size),
            _ => time(self.command(ground, size).context("no such contender")?),
        }
    }

    /// Checks that the contender does what it is measured for.
    pub(super) fn prove(self, ground: &Ground, size: Size) -> Result<()> {
        let Some(mut command) = self.command(ground, size) else {
            return Ok(());
        };
        if let (Self::Rival, Some(rival)) = (self, &ground.rival) {
            return rival.prove(size);
        }
        let output = command.output()?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let is_right = match self {
            Self::True | Self::Sh => stdout.is_empty(),
            Self::Resources => stdout.contains(&format!("\nsystem={}\n", size.vm())),
            Self::List | Self::ListProfiles | Self::ListRunning => {
                let loaders = stdout.lines().filter(|line| line.contains("  uefi  "));
                let running = stdout.lines().filter(|line| line.ends_with(" running"));
                (loaders.count() > 0) == (self == Self::ListProfiles)
                    && running.count() == usize::from(self == Self::ListRunning)
                    && stdout.lines().count() == usize::try_from(size.0)? + 1
            }
            Self::Complete => stdout.lines().count() == usize::try_from(size.0)?,
            Self::BootForeign => stdout.contains("nmdm if_tuntap"),
            Self::Boot => stdout.contains("nmdm if_bridge"),
            Self::Setup | Self::SetupAgain => {
                fs::read_dir(ground.links(size))?.count() == usize::try_from(size.links())?
            }
            _ => true,
        };
        if self == Self::SetupAgain {
            ground.set_aside(size)?;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && is_right, "{stdout}{said}");
        Ok(())
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "`true`",
            Self::Sh => "`sh -c '. ./FILE'`",
            Self::Resources => "`resources`",
            Self::List => "`list`",
            Self::ListProfiles => "`list`, each with a profile",
            Self::ListRunning => "`list`, one VM runs",
            Self::Complete => "`complete`, all VMs",
            Self::BootForeign => "`boot -d`, foreign host",
            Self::Boot => "`boot -d`, host answers",
            Self::Questions => "its 3 questions alone",
            Self::BareLinks => "as many symlink(2) alone",
            Self::Setup => "`setup`, fresh directory",
            Self::SetupAgain => "`setup`, no change",
            Self::ColdBoot => "`boot`, cold host",
            Self::ColdCommands => "its commands in `sh`",
            Self::Rival => "`vm list` of vm-bhyve",
        })
    }
}

/// How many processes each contender of ours spawned.
pub(super) fn spawned(ground: &Ground, size: Size) -> Result<BTreeMap<Contender, usize>> {
    let mut counts = BTreeMap::new();
    for contender in Contender::ALL {
        let command = contender.command(ground, size);
        let Some(mut command) = command.filter(|_| contender.is_ours()) else {
            continue;
        };
        fs::write(ground.tally(), "")?;
        if contender != Contender::BootForeign {
            command.env("EASY_BHYVE_PATH", ground.counting_host());
        }
        time(command)?;
        let tally = fs::read_to_string(ground.tally())?;
        counts.insert(contender, tally.lines().count());
    }
    ground.set_aside(size)?;
    Ok(counts)
}

fn time(mut command: Command) -> Result<Duration> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().with_context(|| format!("{command:?}"))?;
    let time = begun.elapsed();
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(time)
}

fn make_links(directory: &Path, size: Size) -> Result<Duration> {
    let begun = Instant::now();
    fs::create_dir(directory)?;
    for number in 0..size.links() {
        // A name as long as most names that we make.
        symlink(PROGRAM, directory.join(format!("vm{number}-rollback")))?;
    }
    Ok(begun.elapsed())
}

fn true_program() -> &'static str {
    // FreeBSD has it in the second of these places.
    if PathBuf::from("/bin/true").exists() {
        "/bin/true"
    } else {
        "/usr/bin/true"
    }
}
