//! What was typed: the name of the call and its words become an [`Invocation`].
//!
//! One clap definition serves both forms; a link name is split at its last hyphen and becomes the
//! word form.

use crate::error::{Error, Result};
use crate::model::cpu::CpuTopology;
use crate::model::size::{DiskSize, MemSize};
use crate::suggest;
use crate::verb::{Spelling, Verb};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The program's own name.
pub const PROGRAM: &str = "easy-bhyve";

/// What was typed, as far as it can be understood without a configuration.
#[derive(Debug)]
pub struct Invocation {
    /// The program as it was called, for messages: `fbsd0-boot`.
    pub title: String,
    /// In which form verbs are called.
    pub spelling: Spelling,
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// What is wanted.
    pub request: Request,
}

/// What is wanted.
#[derive(Debug)]
pub enum Request {
    /// A text that clap has made: help or the version.
    Show(String),
    /// A command of easy-bhyve itself.
    Admin(Admin),
    /// A verb of a VM, by the name that was typed.
    Vm(String, Work),
}

/// A command of easy-bhyve itself.
#[derive(Debug)]
pub enum Admin {
    /// Makes the links.
    Setup(DryRun),
    /// Lists the VMs.
    List(Format),
    /// Shows what runs and what is left over.
    Status(Format, bool),
}

/// A verb with its options.
#[derive(Debug)]
pub enum Work {
    /// `install`
    Install(StartArgs),
    /// `boot`
    Boot(BootArgs),
    /// `ttyboot`
    Ttyboot(TtybootArgs),
    /// `console`
    Console(DryRun),
    /// `resources`
    Resources(ResourcesArgs),
    /// `shutdown`
    Shutdown(ShutdownArgs),
    /// `clean`
    Clean(DryRun),
    /// `snapshot`
    Snapshot(SnapshotArgs),
    /// `rollback`
    Rollback(RollbackArgs),
    /// `clone`
    Clone(CloneArgs),
    /// `history`
    History(Format),
}

/// How something is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, or as a script.
    #[default]
    Text,
    /// As data.
    Json,
}

#[derive(Debug, Parser)]
#[command(
    name = PROGRAM,
    version,
    about = "VMs under FreeBSD's bhyve, handled like ordinary commands",
    after_help = "Without a command it shows the status. Every verb is also a link that setup makes: \
                  `fbsd0-boot -d` is `easy-bhyve boot fbsd0 -d`.",
    disable_help_subcommand = true
)]
struct Cli {
    /// Read this configuration and no other
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Typed>,
}

#[derive(Debug, Subcommand)]
enum Typed {
    /// Boot the VM from its first CD on this terminal, to install it
    Install(Of<StartArgs>),
    /// Boot the installed VM in the background
    Boot(Of<BootArgs>),
    /// Boot the installed VM on this terminal
    Ttyboot(Of<TtybootArgs>),
    /// Connect this terminal to the console of a running VM; ~. leaves
    Console(Of<DryRun>),
    /// Show every setting of the VM, or make its disk first
    Resources(Of<ResourcesArgs>),
    /// Press the VM's power button, wait for its end, free its resources
    Shutdown(Of<ShutdownArgs>),
    /// Free what a VM that is not running has left
    #[command(alias = "clear")]
    Clean(Of<DryRun>),
    /// Take a snapshot of the VM's disk, or list them
    Snapshot(Of<SnapshotArgs>),
    /// Roll the VM's disk back to a snapshot
    Rollback(Of<RollbackArgs>),
    /// Make new VMs' disks of this VM's disk
    Clone(Of<CloneArgs>),
    /// Show where the VM's disk comes from
    History(Of<FormatArgs>),
    /// Make one link per VM and verb
    Setup(DryRun),
    /// List the VMs
    List(FormatArgs),
    /// Show the running VMs and what is left over
    Status(StatusArgs),
}

/// A verb's options behind the name of its VM.
#[derive(Debug, Args)]
struct Of<T: Args> {
    /// The VM
    #[arg(value_name = "VM", index = 1)]
    vm: String,
    #[command(flatten)]
    options: T,
}

/// Whether the plan is shown instead of carried out.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRun {
    /// Show the commands as a script instead of running them
    #[arg(short = 'd', long)]
    pub dry_run: bool,
    /// With -d, how the plan is shown: text or json
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "dry_run",
        hide_possible_values = true
    )]
    pub format: Option<Format>,
}

/// As [`DryRun`] for verbs whose result has formats of its own.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRunOrFormat {
    /// Show the commands as a script instead of running them
    #[arg(short = 'd', long)]
    pub dry_run: bool,
    /// How the result is shown: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
}

impl From<DryRunOrFormat> for DryRun {
    fn from(options: DryRunOrFormat) -> Self {
        Self {
            dry_run: options.dry_run,
            format: options.format,
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
struct FormatArgs {
    /// How the result is shown: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, Args)]
struct StatusArgs {
    /// Show the configured cpus and memory, too
    #[arg(short = 'a', long)]
    all: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// What of a VM is given on the command line instead of in the configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct Override {
    /// This many cpus, or bhyve's topology form
    #[arg(short = 'c', long, value_name = "N", value_parser = |text: &str| text.parse::<CpuTopology>())]
    pub cpu: Option<CpuTopology>,
    /// This much memory
    #[arg(short = 'm', long, value_name = "SIZE", value_parser = |text: &str| text.parse::<MemSize>())]
    pub mem: Option<MemSize>,
}

/// Options of `install`.
#[derive(Clone, Debug, Args)]
pub struct StartArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}

/// Options of `ttyboot`.
#[derive(Clone, Debug, Args)]
pub struct TtybootArgs {
    /// -d, -c, -m
    #[command(flatten)]
    pub start: StartArgs,
    /// Stop at grub's prompt
    #[arg(short = 'p', long)]
    pub pause: bool,
}

/// Options of `boot`.
#[derive(Clone, Debug, Args)]
pub struct BootArgs {
    /// -d, -c, -m, -p
    #[command(flatten)]
    pub start: TtybootArgs,
    /// Boot on this terminal: the same as ttyboot
    #[arg(short = 't', long)]
    pub tty: bool,
}

/// Options of `resources`.
#[derive(Clone, Debug, Args)]
pub struct ResourcesArgs {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// First make the VM's disk, of this size
    #[arg(short = 'V', long, value_name = "SIZE", value_parser = |text: &str| text.parse::<DiskSize>())]
    pub size: Option<DiskSize>,
    /// With -V, allocate its blocks only when they are written
    #[arg(short = 's', long, requires = "size")]
    pub sparse: bool,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}

/// Options of `shutdown`.
#[derive(Clone, Copy, Debug, Args)]
pub struct ShutdownArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Cut the power instead of pressing the button
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Say nothing while waiting
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

/// Options of `snapshot`.
#[derive(Clone, Debug, Args)]
pub struct SnapshotArgs {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// What the snapshot is for; without words the snapshots are listed
    #[arg(value_name = "WORD", index = 2)]
    pub words: Vec<String>,
}

/// Options of `rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Do not ask before newer snapshots are destroyed
    #[arg(short = 'f', long)]
    pub force: bool,
    /// The snapshot: NAME, @NAME or VOLUME@NAME; without it the newest
    #[arg(value_name = "SNAP", index = 2)]
    pub snapshot: Option<String>,
}

/// Options of `clone`.
#[derive(Clone, Debug, Args)]
pub struct CloneArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// The new VMs; a first word that begins with @ or _ is the snapshot to clone
    #[arg(value_name = "NEW", required = true, index = 2)]
    pub words: Vec<String>,
}

/// Understands a call; `args` is the name and the words behind it.
///
/// # Errors
/// If the words make no sense; the message names what exists.
pub fn parse(args: &[OsString]) -> Result<Invocation> {
    let name = title(args);
    let words = args.get(1..).unwrap_or_default();
    match called_as(&name) {
        None => from_words(&name, Spelling::Word, Cli::command(), words.to_vec(), words),
        Some((vm, verb)) => {
            let Some(known) = Verb::parse(verb) else {
                return Err(unknown_verb(verb).help(format!(
                    "{name} is a link to easy-bhyve: its name is VM-VERB"
                )));
            };
            let mut all = vec![OsString::from(known.as_str()), vm.into()];
            all.extend_from_slice(words);
            from_words(&name, Spelling::Link, link_form(&name, known), all, words)
        }
    }
}

/// The program as it was called, without directories: `fbsd0-boot`.
pub fn title(args: &[OsString]) -> String {
    let called = args.first().map_or(Path::new(PROGRAM), Path::new);
    called.file_name().map_or_else(
        || PROGRAM.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The VM and the verb of a link's name; none for the program's own name.
///
/// No VM name has a hyphen, so a name that begins like the program's own is never a link.
fn called_as(name: &str) -> Option<(&str, &str)> {
    if name.starts_with(PROGRAM) {
        None
    } else {
        name.rsplit_once('-')
    }
}

/// The one definition, with the help of `verb` as its link shows it.
fn link_form(name: &str, verb: Verb) -> clap::Command {
    let tail = match verb {
        Verb::Snapshot => " [WORD]...",
        Verb::Rollback => " [SNAP]",
        Verb::Clone => " NEW...",
        _ => "",
    };
    Cli::command().mut_subcommand(verb.as_str(), |command| {
        command
            .override_usage(format!("{name} [OPTIONS]{tail}"))
            .mut_arg("vm", |vm| vm.hide(true))
    })
}

fn from_words(
    title: &str,
    spelling: Spelling,
    command: clap::Command,
    words: Vec<OsString>,
    typed: &[OsString],
) -> Result<Invocation> {
    let all = std::iter::once(OsString::from(PROGRAM)).chain(words);
    let parsed = command
        .try_get_matches_from(all)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let done = |config, request| Invocation {
        title: title.to_owned(),
        spelling,
        config,
        request,
    };
    match parsed {
        Ok(cli) => Ok(done(cli.config, request(cli.command))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(done(None, Request::Show(error.render().to_string())))
            }
            ErrorKind::InvalidSubcommand => {
                let wrong = match error.get(ContextKind::InvalidSubcommand) {
                    Some(ContextValue::String(wrong)) => wrong.as_str(),
                    _ => "",
                };
                Err(wrong_command(wrong, typed))
            }
            _ => Err(wrong_usage(&error)),
        },
    }
}

fn request(typed: Option<Typed>) -> Request {
    let format = |args: FormatArgs| args.format.unwrap_or_default();
    let (vm, work) = match typed {
        None => return Request::Admin(Admin::Status(Format::Text, false)),
        Some(Typed::Setup(options)) => return Request::Admin(Admin::Setup(options)),
        Some(Typed::List(options)) => return Request::Admin(Admin::List(format(options))),
        Some(Typed::Status(options)) => {
            return Request::Admin(Admin::Status(format(options.format), options.all));
        }
        Some(Typed::Install(of)) => (of.vm, Work::Install(of.options)),
        Some(Typed::Boot(of)) => (of.vm, Work::Boot(of.options)),
        Some(Typed::Ttyboot(of)) => (of.vm, Work::Ttyboot(of.options)),
        Some(Typed::Console(of)) => (of.vm, Work::Console(of.options)),
        Some(Typed::Resources(of)) => (of.vm, Work::Resources(of.options)),
        Some(Typed::Shutdown(of)) => (of.vm, Work::Shutdown(of.options)),
        Some(Typed::Clean(of)) => (of.vm, Work::Clean(of.options)),
        Some(Typed::Snapshot(of)) => (of.vm, Work::Snapshot(of.options)),
        Some(Typed::Rollback(of)) => (of.vm, Work::Rollback(of.options)),
        Some(Typed::Clone(of)) => (of.vm, Work::Clone(of.options)),
        Some(Typed::History(of)) => (of.vm, Work::History(format(of.options))),
    };
    Request::Vm(vm, work)
}

/// clap's message in the shape of ours: what is wrong, then what to do.
fn wrong_usage(error: &clap::Error) -> Error {
    let text = error.render().to_string();
    let mut paragraphs = text.trim().split("\n\n").map(|lines| {
        lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    let what = paragraphs.next().unwrap_or_default();
    let mut ours = Error::usage(what.trim_start_matches("error: "));
    for paragraph in paragraphs.filter(|text| !text.starts_with("For more information")) {
        ours = ours.help(
            paragraph
                .replacen("Usage:", "usage:", 1)
                .replacen("tip: ", "", 1),
        );
    }
    ours.help("see every option explained: --help")
}

/// The commands of easy-bhyve itself.
const ADMIN: [&str; 3] = ["setup", "list", "status"];

fn unknown_verb(typed: &str) -> Error {
    let known = Verb::ALL
        .iter()
        .map(|verb| verb.as_str())
        .collect::<Vec<_>>();
    Error::usage(format!("there is no verb \"{typed}\"")).note(format!(
        "verbs: {}",
        suggest::nearest_first(typed, known).join(" ")
    ))
}

fn wrong_command(wrong: &str, typed: &[OsString]) -> Error {
    let known = Verb::ALL.iter().map(|verb| verb.as_str()).chain(ADMIN);
    let error = Error::usage(format!("there is no command \"{wrong}\"")).note(format!(
        "commands: {}",
        suggest::nearest_first(wrong, known).join(" ")
    ));
    let next = typed.iter().skip_while(|word| *word != wrong).nth(1);
    let swapped = next.and_then(|next| Verb::parse(next.to_str()?));
    let link = wrong
        .rsplit_once('-')
        .and_then(|(vm, verb)| Some((vm, Verb::parse(verb)?)));
    match (swapped, link) {
        (Some(verb), _) => error.help(format!("the verb comes first: easy-bhyve {verb} {wrong}")),
        (None, Some((vm, verb))) => error.help(format!(
            "write easy-bhyve {verb} {vm}, or call the link {wrong}"
        )),
        (None, None) => error.help("see them explained: easy-bhyve --help"),
    }
}
