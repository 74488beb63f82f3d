//! The simulated bhyve compared with records of its parsers; see `tests/calibration/bhyve/README.md`.

use crate::case::root;
use crate::host::bhyve::setup::{Edition, End, Parsed, Says, World, parse};
use crate::host::{Call, Host};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The record of one command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    #[serde(rename = "id")]
    _id: String,
    topic: String,
    argv: Vec<String>,
    /// `15`, `main` or `14~`.
    release: String,
    #[serde(default)]
    world: Ground,
    /// `accepted`, `usage` or `refused`.
    outcome: String,
    status: Option<i32>,
    /// How far bhyve came.
    #[serde(rename = "stage")]
    _stage: String,
    /// Whole lines; a `*` at the end stands for a text that was not recorded.
    stderr: Vec<String>,
    #[serde(default, rename = "stdout")]
    _stdout: serde_json::Value,
    /// The configuration of an accepted command line.
    config: Option<Vec<String>>,
}

/// The host of a record.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ground {
    missing: Vec<String>,
    sizes: BTreeMap<String, u64>,
    inuse: Vec<String>,
    files: BTreeMap<String, String>,
    maxcpus: Option<u32>,
    vm: Option<String>,
}

const NO_ENTRY: &str = "No such file or directory";

impl World for &Ground {
    fn disk(&mut self, path: &str) -> Result<(), String> {
        self.look(path)
    }

    fn tap(&mut self, _name: &str) -> Result<(), String> {
        Ok(())
    }

    fn terminal(&mut self, path: &str) -> Result<(), String> {
        self.look(path)?;
        let terminals = ["/dev/nmdm", "/dev/tty", "/dev/cua"];
        if terminals.iter().any(|begin| path.starts_with(begin)) {
            Ok(())
        } else {
            Err("Inappropriate ioctl for device".into())
        }
    }

    fn rom(&mut self, path: &str) -> Result<u64, String> {
        self.look(path)?;
        Ok(self.sizes.get(path).copied().unwrap_or(2 << 20))
    }

    fn listen(&mut self, kind: &str, at: &str) -> Result<(), String> {
        let name = match kind {
            "unix" => at.to_owned(),
            _ => format!("{kind}:{at}"),
        };
        if kind == "unix" {
            self.look(at)?;
        }
        if self.inuse.contains(&name) {
            Err("Address already in use".into())
        } else {
            Ok(())
        }
    }

    fn look(&mut self, path: &str) -> Result<(), String> {
        let is_below = |missing: &String| {
            path.strip_prefix(missing.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if path.is_empty() || self.missing.iter().any(is_below) {
            Err(NO_ENTRY.into())
        } else {
            Ok(())
        }
    }

    fn read(&mut self, path: &str) -> Result<String, String> {
        self.files.get(path).cloned().ok_or(NO_ENTRY.into())
    }
}

/// What the simulated bhyve makes of a command line.
#[derive(Debug, Default)]
struct Made {
    outcome: &'static str,
    status: Option<i32>,
    lines: Vec<String>,
    config: Option<Vec<String>>,
}

impl Record {
    fn edition(&self) -> Edition {
        Edition {
            osreldate: match self.release.as_str() {
                "14~" => 1_500_000,
                "15" => 1_500_068,
                _ => 1_600_000,
            },
            is_amd64: true,
        }
    }

    fn made(&self) -> Made {
        let (mut world, mut says) = (&self.world, Says::default());
        let mut made = Made {
            outcome: "accepted",
            ..Made::default()
        };
        let parsed = parse(&self.argv, self.edition(), &mut world, &mut says);
        let ended = parsed.and_then(|parsed| match parsed {
            Parsed::Text(_, 0) => {
                made.outcome = "usage";
                Err(End(0))
            }
            Parsed::Text(dumped, status) => {
                made.config = Some(dumped.lines().map(str::to_owned).collect());
                made.status = Some(status);
                Ok(())
            }
            Parsed::Vm(vm) => {
                made.config = Some(vm.tree.lines());
                if self.world.vm.as_deref() == Some("absent") && !vm.has_rom() {
                    return Err(says.end(4, "no bootrom was configured"));
                }
                if self.world.maxcpus.is_some_and(|most| vm.cpus > most) {
                    return Err(says.end(71, "vm_set_topology"));
                }
                vm.check(&mut says)?;
                vm.start(&mut world, &mut says)
            }
        });
        if let Err(End(status)) = ended {
            made.status = Some(status);
            made.config = None;
            if made.outcome != "usage" {
                made.outcome = "refused";
            }
        }
        made.lines = says.lines;
        let usage: Vec<String> = self.edition().usage().lines().map(str::to_owned).collect();
        if made.lines.ends_with(&usage) {
            made.lines.truncate(made.lines.len() - usage.len());
            made.lines.push("<usage>".into());
            made.outcome = "usage";
        }
        made
    }

    fn difference(&self) -> Option<String> {
        let made = self.made();
        let lines = made.lines.iter().zip(&self.stderr);
        let is_same = made.outcome == self.outcome
            && made.status == self.status
            && made.lines.len() == self.stderr.len()
            && lines
                .clone()
                .all(|(line, recorded)| is_line(line, recorded))
            && sorted(made.config.as_ref()) == sorted(self.config.as_ref());
        (!is_same).then(|| format!("{self:?}\n  simulated {made:?}"))
    }

    /// Whether a host can have all that the record takes for granted: absolute paths of disks, and taps.
    fn is_of_disks_and_taps(&self) -> bool {
        let is_tap = |conf: &str| {
            let name = conf.split(',').next().unwrap_or_default();
            let number = name.strip_prefix("tap").unwrap_or_default();
            number.parse::<u16>().is_ok() && !conf.contains("type=")
        };
        self.argv.iter().all(|word| {
            let mut parts = word.splitn(3, ',').skip(1);
            let (emulation, conf) = (parts.next().unwrap_or_default(), parts.next());
            let conf = conf.unwrap_or_default();
            match emulation {
                "virtio-9p" => false,
                "virtio-net" | "e1000" => is_tap(conf),
                "virtio-blk" | "ahci-hd" | "ahci-cd" | "nvme" => {
                    conf.starts_with("ram=") || conf.starts_with('/') && !conf.contains("path=")
                }
                _ => true,
            }
        })
    }

    /// A host with the VM's node and with every disk of the record.
    fn host(&self) -> Host {
        let mut host = Host::freebsd(15)
            .on_release(1_500_068)
            .with_leftover_vm("fbsd0", 256 << 20);
        for device in &self.argv {
            let Some(path) = device.splitn(3, ',').nth(2) else {
                continue;
            };
            let path = path.split(',').next().unwrap_or_default();
            host = match path.strip_prefix("/dev/zvol/") {
                _ if self.world.missing.iter().any(|missing| missing == path) => host,
                Some(volume) => host.with_volume(volume, 1 << 30),
                None if path.starts_with('/') => host.with_file(path, "a system"),
                None => host,
            };
        }
        host
    }

    /// The same comparison with the answer of a whole host.
    fn difference_of_host(&self) -> Option<String> {
        let argv = std::iter::once("bhyve").chain(self.argv.iter().map(String::as_str));
        let answer = self.host().run(&Call::new(argv).by_root());
        let stderr = answer.stderr();
        let lines: Vec<&str> = stderr.split_terminator('\n').collect();
        let shown = || format!("{self:?}\n  simulated {:?} {lines:?}", answer.status);
        if self.outcome == "accepted" {
            // No loader has run: an accepted guest ends by itself, without a word of bhyve.
            return (!lines.is_empty()).then(shown);
        }
        let is_status = format!("{:?}", answer.status) == format!("Exit({})", self.status?);
        let is_same = lines.len() == self.stderr.len()
            && lines
                .iter()
                .zip(&self.stderr)
                .all(|(line, recorded)| is_line(line, recorded));
        (!is_status || !is_same).then(shown)
    }
}

/// Whether a line is the recorded one; what a `*` stands for is anything, before the end of the line.
fn is_line(line: &str, recorded: &str) -> bool {
    let ends = |text: &str| text.ends_with('\r');
    match recorded.trim_end_matches('\r').strip_suffix('*') {
        Some(begin) => line.starts_with(begin.trim_end()) && ends(line) == ends(recorded),
        None => line == recorded,
    }
}

fn sorted(lines: Option<&Vec<String>>) -> Option<Vec<String>> {
    let mut lines = lines?.clone();
    lines.sort();
    Some(lines)
}

fn records() -> Vec<Record> {
    let path = root().join("tests/calibration/bhyve/argv.jsonl");
    let text = std::fs::read_to_string(path).expect("the records");
    let lines = text.lines();
    let records = lines.map(|line| serde_json::from_str(line).expect("a record"));
    records.collect()
}

fn assert_none(found: &[String], of: usize) {
    assert!(
        found.is_empty(),
        "{} differences in {of} records\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_command_line_has_the_recorded_outcome_messages_and_configuration() {
    let records = records();
    assert!(records.len() > 1600, "{} records", records.len());
    let found: Vec<String> = records.iter().filter_map(Record::difference).collect();
    assert_none(&found, records.len());
}

/// The topics whose records need no more than disks, taps and a VM.
const OF_DISKS_AND_NICS: [&str; 9] = [
    "block virtio-blk",
    "block ahci-hd",
    "block ahci-cd",
    "block nvme",
    "nvme",
    "nic virtio-net",
    "nic e1000",
    "slot",
    "rnd",
];

#[test]
fn a_whole_host_answers_as_recorded() {
    let mut records = records();
    records.retain(|record| {
        let is_provided = record.outcome != "accepted" || record.is_of_disks_and_taps();
        OF_DISKS_AND_NICS.contains(&record.topic.as_str()) && record.release == "15" && is_provided
    });
    assert!(records.len() > 300, "{} records", records.len());
    let found: Vec<String> = records
        .iter()
        .filter_map(Record::difference_of_host)
        .collect();
    assert_none(&found, records.len());
}
