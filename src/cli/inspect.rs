//! `easy-bhyve inspect`: what is on the disks of a VM or in an image file, and which loader boots it.

use super::elevated;
use super::invocation::Invocation;
use super::invocation::options::InspectArgs;
use super::locate;
use crate::config::Config;
use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::Look;
use crate::inspect::judge::{self, Answer, Loaders, Verdict};
use crate::inspect::report::{Content, Partition, Report, Table};
use crate::operation::context::json;
use crate::operation::options::Format;
use crate::process::Process;
use crate::run::not_written;
use crate::session::Session;
use crate::table::table;
use crate::{quote, vis};
use serde::Serialize;
use std::ffi::OsStr;
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 1;

/// The result as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    disks: Vec<Inspected>,
}

/// One disk.
#[derive(Debug, Serialize)]
struct Inspected {
    path: String,
    #[serde(flatten)]
    report: Report,
    /// What grub-bhyve reads, in the order of the contents.
    grub_reads: Vec<Reads>,
    loaders: Loaders,
}

/// Whether grub-bhyve reads the content of a partition.
#[derive(Debug, Serialize)]
struct Reads {
    /// The name of the partition; empty for the whole disk.
    partition: String,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Shows what is on each disk of a VM, or in an image file, whose word has a slash.
///
/// # Errors
/// If the VM is not configured, a disk cannot be read, or the output cannot be written.
pub(super) fn inspect(
    session: &mut Session<'_, '_>,
    invocation: &Invocation,
    args: &InspectArgs,
    config: Option<&Config>,
) -> Result<()> {
    let paths = match (config, args.is_file()) {
        (Some(config), false) => {
            let name = args.what.to_string_lossy();
            let spelling = locate::spelling(session, invocation.spelling.clone());
            let wanted = Wanted::new(Need::Disks, spelling, &session.process.devices);
            let vm = resolve::vm(config, &name, &wanted).map_err(|error| {
                let file = absolute(session.process, &args.what);
                let is_file = !config.is_vm(&name) && session.host.exists(&file).unwrap_or(false);
                let help = || format!("for the file write ./{}", quote::shown(&args.what));
                if is_file { error.help(help()) } else { error }
            })?;
            vm.disks.into_iter().map(|disk| disk.path).collect()
        }
        _ => vec![absolute(session.process, &args.what)],
    };
    let disks = paths.iter().map(|path| one(session, args, config, path));
    let disks: Vec<Inspected> = disks.collect::<Result<_>>()?;
    let shown = match args.format.format.unwrap_or_default() {
        Format::Json => json(&Document {
            schema: SCHEMA,
            disks,
        })?,
        Format::Text => disks.iter().map(text).collect::<Vec<_>>().join("\n"),
    };
    let out = &mut session.output.out;
    let written = out.write_all(vis::lines(&shown).as_bytes());
    written.and_then(|()| out.flush()).map_err(not_written)
}

fn one(
    session: &mut Session<'_, '_>,
    args: &InspectArgs,
    config: Option<&Config>,
    path: &PathBuf,
) -> Result<Inspected> {
    let report = session.host.inspect(path, None).map_err(|error| {
        let shown = vis::shown(path);
        let what = match error.kind() {
            ErrorKind::Unsupported => format!("{shown} is neither a file nor a disk with a size"),
            _ => format!("could not inspect {shown}: {error}"),
        };
        match error.kind() {
            ErrorKind::PermissionDenied => Error::host(what).help(as_root(session, args, config)),
            _ => Error::host(what),
        }
    })?;
    let reads = report.contents().map(|(name, content)| Reads {
        partition: name.to_owned(),
        verdict: judge::grub_reads(content),
    });
    Ok(Inspected {
        path: path.display().to_string(),
        grub_reads: reads.collect(),
        loaders: judge::loaders(&report),
        report,
    })
}

/// How to read the disk as root.
fn as_root(session: &mut Session<'_, '_>, args: &InspectArgs, config: Option<&Config>) -> String {
    let (process, look): (_, &mut dyn Look) = (session.process, &mut *session.host);
    let what = if args.is_file() {
        // root may be in another directory.
        absolute(process, &args.what)
    } else {
        PathBuf::from(&args.what)
    };
    let words = format!("inspect {}", quote::shown(&what));
    match elevated::command(process, config, look, &words) {
        Some(command) => format!("to read it: {command}"),
        None => format!("run as root: {} {words}", quote::shown(&process.program)),
    }
}

fn text(disk: &Inspected) -> String {
    let report = &disk.report;
    if report.size == 0 {
        return format!("{} is empty\n", vis::shown(Path::new(&disk.path)));
    }
    let kind = match report.table {
        Table::None => "no partition table",
        Table::Gpt if report.is_damaged => "GPT, of which the first copy is damaged",
        Table::Gpt => "GPT",
        Table::Mbr => "MBR",
        Table::Bsd => "BSD disklabel",
    };
    let mut text = format!(
        "{}: {}, {kind}\n",
        vis::shown(Path::new(&disk.path)),
        size(report.size)
    );
    let whole = report.content.as_ref().map(|content| {
        let (label, holds) = (content.label(), described(content));
        [
            "disk".into(),
            size(report.size),
            "-".into(),
            label.map_or("-".into(), cell),
            holds,
            reads(content),
        ]
    });
    let rows: Vec<[String; 6]> = { whole.into_iter() }
        .chain(report.partitions.iter().map(row))
        .collect();
    if !rows.is_empty() {
        let head = [
            "PARTITION",
            "SIZE",
            "TYPE",
            "LABEL",
            "CONTENT",
            "GRUB READS",
        ];
        text.push_str(&table(&head, rows.iter()));
    }
    let loaders = &disk.loaders;
    for (name, verdict) in [
        ("bhyveload", &loaders.bhyveload),
        ("grub", &loaders.grub),
        ("uefi", &loaders.uefi),
    ] {
        let (answer, why) = (verdict.answer.as_str(), vis::line(&verdict.why));
        let _ = writeln!(text, "{name}: {answer}: {why}");
    }
    text
}

fn row(part: &Partition) -> [String; 6] {
    let content = part.content.as_ref();
    let label = content.and_then(Content::label).or(part.label.as_deref());
    [
        part.name.clone(),
        size(part.size),
        part.kind.clone(),
        label.map_or("-".into(), cell),
        content.map_or("-".into(), described),
        content.map_or("-".into(), reads),
    ]
}

/// A label in one cell.
fn cell(label: &str) -> String {
    vis::line(label).into_owned()
}

fn described(content: &Content) -> String {
    let mut parts = vec![content.name()];
    parts.extend(content.efi().map(|efi| match efi.boot.as_slice() {
        [] => "\\EFI".to_owned(),
        files => format!("\\EFI\\BOOT: {}", files.join(" ")),
    }));
    let menus = content.menus().unwrap_or_default().iter();
    parts.extend(menus.map(|directory| format!("{directory}/grub.cfg")));
    parts.join(", ")
}

fn reads(content: &Content) -> String {
    let Verdict { answer, why } = judge::grub_reads(content);
    match answer {
        Answer::Yes if !why.is_empty() => format!("yes: {why}"),
        _ => answer.as_str().to_owned(),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..0x10_0000 => format!("{}K", bytes.div_ceil(1 << 10)),
        _ => format!("{}M", bytes.div_ceil(1 << 20)),
    }
}

/// The path of a file, without `.` in it.
fn absolute(process: &Process, what: &OsStr) -> PathBuf {
    process.directory.join(what).components().collect()
}
