//! The measurements, and the tables that show them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use super::contender::Contender;
use super::ground::{Ground, Size};

/// All durations, and the largest memory, of each contender with each size.
#[derive(Debug, Default)]
pub(super) struct Samples {
    times: BTreeMap<(Contender, Size), Vec<Duration>>,
    memory: BTreeMap<(Contender, Size), f64>,
}

impl Samples {
    /// Records one run.
    pub(super) fn add(&mut self, contender: Contender, size: Size, time: Duration) {
        let times = self.times.entry((contender, size)).or_default();
        let at = times.partition_point(|other| *other < time);
        times.insert(at, time);
    }

    /// The contenders that were measured.
    fn contenders(&self) -> impl Iterator<Item = Contender> {
        let has_any = |one: Contender| self.times.keys().any(|(other, _)| *other == one);
        Contender::ALL.into_iter().filter(move |one| has_any(*one))
    }

    /// Whether a contender was measured with a size.
    fn has(&self, contender: Contender, size: Size) -> bool {
        self.times.contains_key(&(contender, size))
    }

    /// The median, in seconds.
    pub(super) fn median(&self, contender: Contender, size: Size) -> f64 {
        let times = &self.times[&(contender, size)];
        times[times.len() / 2].as_secs_f64()
    }

    /// The shortest, in seconds.
    pub(super) fn minimum(&self, contender: Contender, size: Size) -> f64 {
        self.times[&(contender, size)][0].as_secs_f64()
    }

    /// The largest resident memory, in MiB.
    pub(super) fn memory(&self, contender: Contender, size: Size) -> f64 {
        self.memory[&(contender, size)]
    }

    /// Runs a contender once more, as the child of a process that reports its memory.
    pub(super) fn weigh(
        &mut self,
        ground: &Ground,
        contender: Contender,
        size: Size,
    ) -> Result<()> {
        if let Some(command) = contender.command(ground, size) {
            let memory = peak_memory_of(&command)?;
            self.memory.insert((contender, size), memory);
        }
        if contender == Contender::SetupAgain {
            ground.set_aside(size)?;
        }
        Ok(())
    }

    /// The table of times and memory.
    pub(super) fn times(&self, sizes: &[Size; 3]) -> String {
        let mut table = head(
            &sizes.map(|size| size.to_string()),
            &["memory at 10 000 VMs"],
        );
        for contender in self.contenders() {
            write!(table, "| {contender} |").unwrap();
            for size in *sizes {
                if !self.has(contender, size) {
                    table.push_str(" |");
                    continue;
                }
                let median = duration(self.median(contender, size));
                let minimum = duration(self.minimum(contender, size));
                write!(table, " {median} ({minimum}) |").unwrap();
            }
            let memory = self.memory.get(&(contender, sizes[2]));
            let memory = memory.map_or_else(String::new, |memory| format!("{memory:.1} MiB"));
            writeln!(table, " {memory} |").unwrap();
        }
        let least = self.times.values().map(Vec::len).min().unwrap_or_default();
        let most = self.times.values().map(Vec::len).max().unwrap_or_default();
        format!(
            "Wall-clock time of whole processes, median and (minimum) of {most} to {least} rounds:\n\n{table}"
        )
    }

    /// The table of ratios to `true`, and of sh to each.
    pub(super) fn ratios(&self, sizes: &[Size; 3]) -> String {
        let names = sizes.map(|size| size.to_string());
        let heads = names.each_ref().map(|name| format!("`sh` ÷ it, {name}"));
        let firsts = names.each_ref().map(|name| format!("÷ `true`, {name}"));
        let mut table = head(&firsts, &heads.each_ref().map(String::as_str));
        for contender in self.contenders() {
            write!(table, "| {contender} |").unwrap();
            let medians = sizes.map(|size| {
                let has = self.has(contender, size);
                has.then(|| (size, self.median(contender, size)))
            });
            for median in medians {
                let ratio = median.map(|(size, own)| own / self.median(Contender::True, size));
                write!(table, " {} |", ratio.map(number).unwrap_or_default()).unwrap();
            }
            for median in medians {
                let ratio = median.map(|(size, own)| self.median(Contender::Sh, size) / own);
                write!(table, " {} |", ratio.map(number).unwrap_or_default()).unwrap();
            }
            table.push('\n');
        }
        format!("Ratios of the medians:\n\n{table}")
    }
}

fn head(columns: &[String], more: &[&str]) -> String {
    let mut text = "| |".to_owned();
    for column in columns
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
    {
        write!(text, " {column} |").unwrap();
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(columns.len() + more.len()));
    text.push('\n');
    text
}

/// The number with three significant digits.
pub(super) fn number(number: f64) -> String {
    match number {
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// Seconds, in a suitable unit.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", number(seconds * 1e3))
    } else {
        format!("{} s", number(seconds))
    }
}

/// The first word of the call by which the benchmark runs itself to measure a command.
pub(super) const PEAK_MEMORY_OF: &str = "--peak-memory-of";

fn peak_memory_of(command: &Command) -> Result<f64> {
    let mut outer = Command::new(std::env::current_exe()?);
    outer
        .arg(PEAK_MEMORY_OF)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    outer.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    let output = outer.output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let kib: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(kib / 1024.0)
}

/// Runs a command and prints the largest resident memory, in KiB, of the command and its children.
pub(super) fn report_peak_memory(words: &[OsString]) -> Result<()> {
    let (program, words) = words.split_first().context("no command")?;
    let mut command = Command::new(program);
    command
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    ensure!(command.status()?.success(), "{command:?} failed");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    anyhow::Ok(std::io::Write::write_all(
        &mut std::io::stdout(),
        format!("{}\n", usage.max_rss()).as_bytes(),
    )?)
}
