//! Options that several operations have.

use crate::error::{Error, Result};
use crate::model::cpu::CpuTopology;
use crate::model::size::MemSize;
use clap::{Args, ValueEnum};

/// A format of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// The commands, and remarks.
    #[default]
    Text,
    /// A script.
    Sh,
    /// JSON.
    Json,
}

/// A format of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text.
    #[default]
    Text,
    /// JSON.
    Json,
}

impl Format {
    /// The word of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// Parses the word of the command line.
    pub fn parse(word: &str) -> Option<Self> {
        let mut all = [Self::Text, Self::Json].into_iter();
        all.find(|format| format.as_str() == word)
    }
}

/// The name of a VM, and the options of the verb.
#[derive(Debug, Args)]
pub struct Of<T: Args> {
    /// The VM
    #[arg(value_name = "VM", index = 1)]
    pub vm: String,
    /// The options.
    #[command(flatten)]
    pub options: T,
}

/// Whether the plan is shown instead of being carried out.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRun {
    /// Show the commands instead of running them
    #[arg(short = 'd', long)]
    pub dry_run: bool,
    /// With -d, format of the plan: text, sh (a script that can be run) or json
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "dry_run",
        hide_possible_values = true
    )]
    pub format: Option<PlanFormat>,
}

impl DryRun {
    /// Whether the plan is shown as text.
    pub fn is_text(self) -> bool {
        self.dry_run && self.format.unwrap_or_default() == PlanFormat::Text
    }
}

/// As [`DryRun`] for verbs whose result has formats of its own.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRunOrFormat {
    /// Show the commands instead of running them
    #[arg(short = 'd', long)]
    pub dry_run: bool,
    /// Format of the result: text or json; with -d also sh
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<PlanFormat>,
}

impl DryRunOrFormat {
    /// Whether the result is wanted as JSON, and not the plan.
    ///
    /// # Errors
    /// If the result is wanted in a format that only plans have.
    pub fn wants_json(self) -> Result<bool> {
        match (self.dry_run, self.format) {
            (false, Some(PlanFormat::Sh)) => Err(Error::usage("--format sh is for the plan")
                .help("add -d, or say --format text or --format json")),
            (is_dry, format) => Ok(!is_dry && format == Some(PlanFormat::Json)),
        }
    }
}

impl From<DryRunOrFormat> for DryRun {
    fn from(options: DryRunOrFormat) -> Self {
        Self {
            dry_run: options.dry_run,
            format: options.format,
        }
    }
}

/// As [`DryRun`] for starts, whose duration can be shown.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRunOrTimings {
    /// Show the commands instead of running them
    #[arg(short = 'd', long, group = "shown")]
    pub dry_run: bool,
    /// Show how long each phase of the start took
    #[arg(long, group = "shown")]
    pub timings: bool,
    /// Format of the timings: text or json; with -d of the plan: also sh (a script that can be run)
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "shown",
        hide_possible_values = true
    )]
    pub format: Option<PlanFormat>,
}

impl DryRunOrTimings {
    /// The format in which timings are wanted, if they are.
    ///
    /// # Errors
    /// If they are wanted in a format that only plans have.
    pub fn timings(self) -> Result<Option<Format>> {
        match (self.timings, self.format.unwrap_or_default()) {
            (false, _) => Ok(None),
            (true, PlanFormat::Text) => Ok(Some(Format::Text)),
            (true, PlanFormat::Json) => Ok(Some(Format::Json)),
            (true, PlanFormat::Sh) => Err(Error::usage("--format sh is for the plan")
                .help("with --timings, say --format text or --format json")),
        }
    }
}

impl From<DryRunOrTimings> for DryRun {
    fn from(options: DryRunOrTimings) -> Self {
        Self {
            dry_run: options.dry_run,
            format: options.format,
        }
    }
}

impl From<DryRun> for DryRunOrTimings {
    fn from(options: DryRun) -> Self {
        Self {
            dry_run: options.dry_run,
            timings: false,
            format: options.format,
        }
    }
}

/// How the result is shown.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FormatArgs {
    /// Format of the result: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
}

/// Options of every verb that ends VMs.
#[derive(Clone, Copy, Debug, Args)]
pub struct EndArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Cut the power instead of pressing the power button
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Do not report progress
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

/// Settings given on the command line instead of in the configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct Override {
    /// Number of cpus, or topology as in bhyve -c
    #[arg(short = 'c', long, value_name = "N", value_parser = CpuTopology::parse)]
    pub cpu: Option<CpuTopology>,
    /// Size of the memory
    #[arg(short = 'm', long, value_name = "SIZE", value_parser = MemSize::parse)]
    pub mem: Option<MemSize>,
}

/// Options of every start.
#[derive(Clone, Debug, Args)]
pub struct StartArgs {
    /// -d, --timings
    #[command(flatten)]
    pub shown: DryRunOrTimings,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}
