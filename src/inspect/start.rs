//! Where grub begins on a disk: the partition, and the directory of its menu there.
//!
//! What grub-bhyve finds by which name is recorded in `tests/calibration/grub`.

use super::judge::{self, Answer, grub_reads};
use super::report::{Content, Partition, Report, Table};
use crate::model::loader::{BootPart, GrubDir};

/// Where grub is to begin.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'text> {
    /// The partition.
    pub part: &'text BootPart,
    /// The directory of the menu.
    pub directory: &'text GrubDir,
    /// Whether grub uses the menu: not with commands, nor at its prompt.
    pub needs_menu: bool,
}

/// Where grub begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The partition.
    pub part: BootPart,
    /// The directory of the menu.
    pub directory: GrubDir,
    /// Why grub may find no menu there.
    pub fault: Option<Fault>,
}

/// How sure a reason is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Sure: by the table or the superblock.
    Sure,
    /// Sure, unless a guest that runs has not written it yet: by a directory.
    Written,
    /// Unsure: something that is not known here may be there.
    Unsure,
}

/// Why grub finds no menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The reason, as a clause.
    pub why: String,
    /// How sure this is.
    pub certainty: Certainty,
    /// A partition with a menu, and the directory of that menu.
    pub better: Option<(BootPart, GrubDir)>,
}

/// Where grub begins on a disk.
///
/// # Errors
/// If the partition is to be found, and none or several may be meant.
pub fn begin(report: &Report, wanted: Wanted<'_>) -> Result<Start, Fault> {
    if wanted.part.is_auto() {
        return choose(report, wanted);
    }
    let usual = Start {
        part: wanted.part.clone(),
        directory: or_usual(wanted.directory),
        fault: None,
    };
    let start = match on(report, wanted.part) {
        Ok(content) => with_menu(usual, content, wanted),
        Err(fault) => Start {
            fault: Some(fault),
            ..usual
        },
    };
    Ok(Start {
        fault: start.fault.map(|fault| Fault {
            better: with_best(report, wanted.directory),
            ..fault
        }),
        ..start
    })
}

fn fault(certainty: Certainty, why: String) -> Fault {
    Fault {
        why,
        certainty,
        better: None,
    }
}

fn sure(why: String) -> Fault {
    fault(Certainty::Sure, why)
}

fn unsure(why: String) -> Fault {
    fault(Certainty::Unsure, why)
}

fn or_usual(directory: &GrubDir) -> GrubDir {
    if directory.is_auto() {
        GrubDir::default()
    } else {
        directory.clone()
    }
}

/// What is on a partition from which grub reads.
fn on<'report>(report: &'report Report, part: &BootPart) -> Result<&'report Content, Fault> {
    if report.is_damaged {
        let why = "the first copy of the GPT is damaged, and grub-bhyve reads no other";
        return Err(sure(why.to_owned()));
    }
    let content = if part.is_whole_disk() {
        if report.content.is_none() && !report.partitions.is_empty() {
            let found = listed(report);
            return Err(sure(format!("the disk has partitions: {found}")));
        }
        report.content.as_ref()
    } else {
        let mut all = report.partitions.iter();
        let found = all.find(|one| is_named(one, part.as_str()));
        found.ok_or_else(|| absent(report, part))?.content.as_ref()
    };
    let content = content.ok_or_else(|| unsure("no file system that is known is on it".into()))?;
    let verdict = grub_reads(content);
    let name = content.name();
    match (verdict.answer, content) {
        (Answer::Yes, _) => Ok(content),
        (Answer::No, _) => Err(sure(format!("{name} is on it: {}", verdict.why))),
        (Answer::Unknown, Content::Other { name }) if ["LVM", "MD raid"].contains(name) => Err(
            sure(format!("{name} is on it, and no file system by itself")),
        ),
        (Answer::Unknown, _) => Err(unsure(format!("{name} is on it: {}", verdict.why))),
    }
}

/// Whether a partition has this name; grub ignores zeros before a number.
fn is_named(part: &Partition, name: &str) -> bool {
    let plain = |name: &str| -> Vec<String> {
        let parts = name.split(',').map(|part| {
            let stem = part.trim_end_matches(|c: char| c.is_ascii_digit());
            let number = part.get(stem.len()..).unwrap_or_default();
            format!("{stem}{}", number.trim_start_matches('0'))
        });
        parts.collect()
    };
    plain(&part.name) == plain(name)
}

fn absent(report: &Report, part: &BootPart) -> Fault {
    let table = match report.table {
        Table::None => return unsure("the disk has no partition table".into()),
        Table::Gpt => "GPT",
        Table::Mbr => "MBR",
        Table::Bsd => "BSD disklabel",
    };
    let why = format!("the {table} has {}", listed(report));
    // grub knows further kinds of tables, and tables inside partitions.
    let is_plain = ["gpt", "msdos"].iter().any(|kind| {
        let number = part.as_str().strip_prefix(kind);
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if is_plain && report.table != Table::Bsd {
        sure(why)
    } else {
        unsure(why)
    }
}

/// The partitions with what is on them.
fn listed(report: &Report) -> String {
    const MOST: usize = 8;
    let shown = |part: &Partition| match &part.content {
        Some(content) => format!("{} ({})", part.name, content.name()),
        None => part.name.clone(),
    };
    let parts = report.partitions.iter();
    let mut parts: Vec<String> = parts.take(MOST).map(shown).collect();
    match report.partitions.len().saturating_sub(MOST) {
        0 => {}
        more => parts.push(format!("{more} more")),
    }
    match parts.as_slice() {
        [] => "no partition".to_owned(),
        parts => parts.join(", "),
    }
}

/// What is known of the menu in a file system.
enum Menu {
    /// It is in this directory.
    In(GrubDir),
    /// There is none.
    Missing,
    /// The directories were not read.
    Unread,
}

fn menu(content: &Content, wanted: &GrubDir) -> Menu {
    let Some(found) = content.menus() else {
        return Menu::Unread;
    };
    let mut found = found.iter();
    let found = found.find(|one| wanted.is_auto() || *one == wanted.as_str());
    match found.and_then(|one| GrubDir::parse(one).ok()) {
        Some(directory) => Menu::In(directory),
        None => Menu::Missing,
    }
}

/// The start with the directory of the menu, or with the reason why there is no menu.
fn with_menu(start: Start, content: &Content, wanted: Wanted<'_>) -> Start {
    let name = content.name();
    let fault = match menu(content, wanted.directory) {
        Menu::In(directory) => return Start { directory, ..start },
        Menu::Unread if wanted.directory.is_auto() => Some(unsure(format!(
            "grub.cfg was not looked for in {name}, and {} is used",
            start.directory
        ))),
        Menu::Unread => None,
        Menu::Missing => {
            let why = if wanted.directory.is_auto() {
                format!("{name} is on it, without grub.cfg in a directory where one usually is")
            } else {
                format!("{name} is on it, without {}/grub.cfg", wanted.directory)
            };
            Some(self::fault(Certainty::Written, why))
        }
    };
    Start {
        fault: fault.filter(|_| wanted.needs_menu),
        ..start
    }
}

/// Whether a system may be on it: a firmware's files and Windows are not booted by grub.
fn may_boot(content: &Content) -> bool {
    let is_windows = matches!(content, Content::Other { name: "NTFS" });
    !is_windows && !matches!(content, Content::Fat { .. })
}

/// The first partition with a menu; one of firmware's files comes last.
fn best(report: &Report, directory: &GrubDir) -> Option<(BootPart, GrubDir)> {
    let with_menu = |(name, content): (&str, &Content)| {
        let is_read = grub_reads(content).answer == Answer::Yes;
        match menu(content, directory) {
            Menu::In(directory) if is_read => Some((BootPart::of_report(name).ok()?, directory)),
            _ => None,
        }
    };
    let (systems, others): (Vec<_>, Vec<_>) = report
        .contents()
        .partition(|(_, content)| may_boot(content));
    systems.into_iter().chain(others).find_map(with_menu)
}

/// The best partition, with the wanted directory if that is possible.
fn with_best(report: &Report, directory: &GrubDir) -> Option<(BootPart, GrubDir)> {
    let any = || best(report, &GrubDir::auto());
    best(report, directory)
        .or_else(any)
        .filter(|_| !report.is_damaged)
}

/// Chooses the partition: the first with a menu, or else the only one that may have what is booted.
fn choose(report: &Report, wanted: Wanted<'_>) -> Result<Start, Fault> {
    if report.is_damaged {
        return Err(sure(
            "the first copy of the GPT is damaged, and grub-bhyve reads no other".to_owned(),
        ));
    }
    if let Some((part, directory)) = best(report, wanted.directory) {
        return Ok(Start {
            part,
            directory,
            fault: None,
        });
    }
    let is_meant = |content: &Content| {
        let has_it = !wanted.needs_menu || matches!(menu(content, wanted.directory), Menu::Unread);
        has_it && may_boot(content) && grub_reads(content).answer == Answer::Yes
    };
    let meant: Vec<_> = { report.contents() }
        .filter(|(_, content)| is_meant(content))
        .collect();
    match meant.as_slice() {
        [] => Err(Fault {
            better: with_best(report, wanted.directory),
            ..sure(none_meant(report, wanted))
        }),
        [(name, content)] => {
            let part = BootPart::of_report(name);
            let start = Start {
                part: part.map_err(|error| sure(error.to_string()))?,
                directory: or_usual(wanted.directory),
                fault: None,
            };
            Ok(with_menu(start, content, wanted))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            Err(sure(format!(
                "each of these may be the partition of the guest: {names}"
            )))
        }
    }
}

fn none_meant(report: &Report, wanted: Wanted<'_>) -> String {
    let verdict = judge::loaders(report).grub;
    let directory = wanted.directory;
    match verdict.answer {
        Answer::No => verdict.why,
        _ if report.partitions.is_empty() && directory.is_auto() => {
            "the disk has no partition, and no grub.cfg was found on it".to_owned()
        }
        _ if report.partitions.is_empty() => {
            format!("the disk has no partition, and no {directory}/grub.cfg was found on it")
        }
        _ if directory.is_auto() => format!("no grub.cfg was found on {}", listed(report)),
        _ => format!("no {directory}/grub.cfg was found on {}", listed(report)),
    }
}
