//! The verbs: the single list that links, help and dispatch use; and the groups and examples of help.

use crate::quote;
use std::fmt;
use std::path::{Path, PathBuf};

/// An operation on a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Boots the VM from its first CD on this terminal.
    Install,
    /// Boots the installed VM in the background.
    Boot,
    /// Boots the VM on this terminal.
    Ttyboot,
    /// Connects to the console.
    Console,
    /// Opens the screen.
    Vnc,
    /// Shows the settings, or makes the disk.
    Resources,
    /// Presses the power button and frees the resources.
    Shutdown,
    /// Shuts the VM down and boots it again.
    Restart,
    /// Frees the leftovers.
    Clean,
    /// Shows the log.
    Log,
    /// Makes a disk larger.
    Resize,
    /// Takes or lists snapshots of the disk.
    Snapshot,
    /// Rolls the disk back.
    Rollback,
    /// Clones the disk for new VMs.
    Clone,
    /// Shows the ancestors of the disk.
    History,
    /// Makes a cloned disk independent.
    Promote,
}

impl Verb {
    /// All verbs, in the order of the manual.
    pub const ALL: [Self; 16] = [
        Self::Install,
        Self::Boot,
        Self::Ttyboot,
        Self::Console,
        Self::Vnc,
        Self::Resources,
        Self::Shutdown,
        Self::Restart,
        Self::Clean,
        Self::Log,
        Self::Resize,
        Self::Snapshot,
        Self::Rollback,
        Self::Clone,
        Self::History,
        Self::Promote,
    ];

    /// The spelling, in links and as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Boot => "boot",
            Self::Ttyboot => "ttyboot",
            Self::Console => "console",
            Self::Vnc => "vnc",
            Self::Resources => "resources",
            Self::Shutdown => "shutdown",
            Self::Restart => "restart",
            Self::Clean => "clean",
            Self::Log => "log",
            Self::Resize => "resize",
            Self::Snapshot => "snapshot",
            Self::Rollback => "rollback",
            Self::Clone => "clone",
            Self::History => "history",
            Self::Promote => "promote",
        }
    }

    /// The verb of that spelling; `clear`, the name in later versions of the script, is `clean`.
    ///
    /// Differs: The links say `clean`, and `clear` is understood, too
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "clear" => Some(Self::Clean),
            _ => Self::ALL.into_iter().find(|verb| verb.as_str() == text),
        }
    }

    /// The words that follow the VM in a line of usage.
    pub fn words(self) -> &'static str {
        match self {
            Self::Snapshot => " [WORD]...",
            Self::Rollback => " [SNAP]",
            Self::Clone => " NEW...",
            Self::Resize => " SIZE",
            Self::Shutdown => " [VM]...",
            _ => "",
        }
    }

    /// Whether the verb needs the VM to have a screen.
    pub fn needs_screen(self) -> bool {
        self == Self::Vnc
    }

    /// Whether the verb needs the disk to be a ZFS volume.
    pub fn needs_zfs(self) -> bool {
        matches!(
            self,
            Self::Snapshot | Self::Rollback | Self::Clone | Self::History | Self::Promote
        )
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Verbs and commands that are for one purpose.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The purpose.
    pub heading: &'static str,
    /// Each with the words of its examples, which follow its name and, of a verb, the VM.
    pub members: &'static [(&'static str, &'static [&'static str])],
}

/// All verbs and commands, in the order of help.
pub const GROUPS: [Group; 6] = [
    Group {
        heading: "Run a VM",
        members: &[
            ("install", &["", "-c 2 -m 2G"]),
            ("boot", &["", "-T -m 2G"]),
            ("ttyboot", &["", "-p"]),
            ("console", &["", "-f"]),
            ("vnc", &["", "--format json"]),
            ("restart", &["-q", "-f -m 2G"]),
            ("shutdown", &["", "web0 web1"]),
            ("clean", &["", "-d"]),
        ],
    },
    Group {
        heading: "State and settings",
        members: &[
            ("status", &["-a", "--watch"]),
            ("list", &["", "--format json"]),
            ("resources", &["--origin", "-V 20G -s"]),
            ("log", &["-n 20", "-f"]),
            ("doctor", &["", "--privilege"]),
            ("inspect", &["deb0", "/iso/deb.iso --format json"]),
        ],
    },
    Group {
        heading: "Disks and snapshots",
        members: &[
            ("resize", &["40G", "--disk 1 1.5T"]),
            (
                "snapshot",
                &[
                    "",
                    "before upgrade",
                    "--delete before_upgrade",
                    "--prune keep=10",
                ],
            ),
            (
                "rollback",
                &["before_upgrade", "_202611231200-before_upgrade -f"],
            ),
            (
                "clone",
                &["web0 web1 --add", "_202611231200-before_upgrade old0"],
            ),
            ("history", &["", "--tree"]),
            ("promote", &["", "-d"]),
        ],
    },
    Group {
        heading: "Configuration",
        members: &[
            (
                "init",
                &["", "--yes --config /usr/local/etc/easy-bhyve.conf"],
            ),
            (
                "new",
                &[
                    "web0 --cd /iso/deb.iso --disk 20G --links",
                    "web0 mem=2G -d",
                ],
            ),
            (
                "set",
                &["deb0 mem=2G stop_timeout=120", "deb0 grub_bootcmd= -d"],
            ),
            ("os", &["", "debian --format json"]),
            ("disk", &["web0", "web0 100G -s"]),
            ("rename", &["web0 www0", "web0 www0 --keep"]),
            ("destroy", &["web0 -d", "web0 --disks -f"]),
            ("import", &["vm-bhyve /vm", "libvirt win.xml --add -d"]),
            ("check", &["", "--list"]),
            ("setup", &["--completions -d", "--man /usr/local/share/man"]),
        ],
    },
    Group {
        heading: "Start and stop VMs with the host",
        members: &[("autostart", &["", "-d"]), ("stop-all", &["", "-f"])],
    },
    Group {
        heading: "Help",
        members: &[
            ("completions", &["bash", "zsh"]),
            ("man", &["5", "--source 1"]),
            ("help", &[]),
        ],
    },
];

/// The examples of a verb or command, each beginning with `call`.
pub fn examples(name: &str, call: &str) -> impl Iterator<Item = String> {
    let mut members = GROUPS.iter().flat_map(|group| group.members);
    let words = members.find(|(member, _)| *member == name);
    let words = words.map_or(&[][..], |(_, words)| words);
    let examples = words.iter().map(move |words| format!("{call} {words}"));
    examples.map(|example| example.trim_end().to_owned())
}

/// How the user calls verbs; help lines use the same form, and can be pasted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    /// The links, if the user calls verbs by them.
    pub links: Option<Links>,
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
}

/// The links of the called VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The verbs without a link.
    pub missing: Vec<Verb>,
}

impl Spelling {
    /// By links, all of which exist.
    pub fn link() -> Self {
        Self {
            links: Some(Links::default()),
            config: None,
        }
    }

    /// The command for a verb of a VM: `fbsd0-boot`, or `easy-bhyve boot fbsd0`.
    pub fn of(&self, verb: Verb, vm: &str) -> String {
        let links = self.links.as_ref();
        if links.is_some_and(|links| !links.missing.contains(&verb)) {
            format!("{vm}-{verb}{}", with(self.config.as_deref()))
        } else {
            self.command(format_args!("{verb} {vm}"))
        }
    }

    /// A command of easy-bhyve itself with its words.
    pub fn command(&self, words: impl fmt::Display) -> String {
        format!("{} {words}", Self::program(self.config.as_deref()))
    }

    /// The program's name, and the file that `--config` names.
    pub fn program(config: Option<&Path>) -> String {
        format!("easy-bhyve{}", with(config))
    }
}

fn with(config: Option<&Path>) -> String {
    config.map_or_else(String::new, |file| {
        format!(" --config {}", quote::shown(file))
    })
}
