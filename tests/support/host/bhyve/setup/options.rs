//! The options, from left to right (bhyverun.c, amd64/bhyverun_machdep.c, aarch64/bhyverun_machdep.c).

use super::edition::{EMULATIONS, Edition};
use super::number::{self, decimal};
use super::says::{End, Says};
use super::tree::Tree;
use super::world::World;
use super::{lpc, numa, slot};

/// A wrong argument of an option (sysexits(3)).
pub(super) const EX_USAGE: i32 = 64;
/// The first host CPU that does not exist for cpuset(2).
pub(super) const CPU_SETSIZE: i64 = 1024;

/// How the reading of options went.
pub(super) enum Read {
    /// All were read.
    Done,
    /// The usage text with this status, or a list of devices.
    Told(i32, Option<String>),
}

/// Applies one option.
pub(super) fn take(
    tree: &mut Tree,
    edition: Edition,
    (option, value): (&str, &str),
    world: &mut dyn World,
    says: &mut Says,
) -> Result<Read, End> {
    let flag = match option {
        "h" => return Ok(Read::Told(0, None)),
        "A" => Some(("acpi_tables", "true")),
        "C" => Some(("memory.guest_in_core", "true")),
        "D" => Some(("destroy_on_poweroff", "true")),
        "H" => Some(("x86.vmexit_on_hlt", "true")),
        "M" => Some(("monitor", "true")),
        "P" => Some(("x86.vmexit_on_pause", "true")),
        "S" => Some(("memory.wired", "true")),
        "W" => Some(("virtio_msix", "false")),
        "Y" => Some(("x86.mptable", "false")),
        "a" => Some(("x86.x2apic", "false")),
        "e" => Some(("x86.strictio", "true")),
        "u" => Some(("rtc.use_localtime", "false")),
        "w" => Some(("x86.strictmsr", "false")),
        "x" => Some(("x86.x2apic", "true")),
        "K" => Some(("keyboard.layout", value)),
        "U" => Some(("uuid", value)),
        "m" => Some(("memory.size", value)),
        _ => None,
    };
    if let Some((path, value)) = flag {
        tree.set(path, value, says)?;
        return Ok(Read::Done);
    }
    match option {
        "c" => topology(tree, value, says)?,
        "p" => pin(tree, value, says)?,
        "o" => assignment(tree, value, says)?,
        "k" => file(tree, value, world, says)?,
        "f" if !edition.is_amd64 => return Ok(Read::Told(1, None)),
        "f" => item(value, world, says)?,
        "G" => debugger(tree, value, says)?,
        "n" => numa::domain(tree, value, edition, says)?,
        "l" if "help".starts_with(value) => {
            return Ok(Read::Told(0, Some(lpc::HELP.into())));
        }
        "l" => lpc::option(tree, value, edition, says)?,
        "s" if "help".starts_with(value) => {
            let known = EMULATIONS.iter().filter(|name| edition.emulates(name));
            let lines = known.map(|name| format!("{name}\n"));
            return Ok(Read::Told(0, Some(lines.collect())));
        }
        "s" => slot::option(tree, value, edition, says)?,
        _ => {}
    }
    Ok(Read::Done)
}

/// `-c [[cpus=]N][,sockets=n][,cores=n][,threads=n]` (`topology_parse`).
fn topology(tree: &mut Tree, value: &str, says: &mut Says) -> Result<(), End> {
    if value.is_empty() {
        for key in ["sockets", "cores", "threads", "cpus"] {
            tree.set(key, "1", says)?;
        }
        return Ok(());
    }
    for part in value.split(',') {
        let (key, number) = match part.split_once('=') {
            Some((key @ ("cpus" | "sockets" | "cores" | "threads"), number)) => (key, number),
            Some(_) => {
                return Err(says.end(EX_USAGE, format!("invalid cpu topology '{value}'")));
            }
            None => ("cpus", part),
        };
        tree.set(key, number, says)?;
    }
    Ok(())
}

/// `-p VCPU:HOSTCPU` (`pincpu_parse`).
fn pin(tree: &mut Tree, value: &str, says: &mut Says) -> Result<(), End> {
    let numbers =
        decimal(value).and_then(|(vcpu, rest)| Some((vcpu, decimal(rest.strip_prefix(':')?)?.0)));
    let problem = match numbers {
        None => format!("invalid format: {value}"),
        Some((vcpu, _)) if vcpu < 0 => format!("invalid vcpu '{vcpu}'"),
        Some((_, host)) if !(0..CPU_SETSIZE).contains(&host) => {
            format!(
                "hostcpu '{host}' outside valid range from 0 to {}",
                CPU_SETSIZE - 1
            )
        }
        Some((vcpu, host)) => {
            let path = format!("vcpu.{vcpu}.cpuset");
            let all = match tree.raw(&path) {
                Some(before) => format!("{before},{host}"),
                None => host.to_string(),
            };
            return tree.set(&path, &all, says);
        }
    };
    says.line(problem);
    Err(says.end(
        EX_USAGE,
        format!("invalid vcpu pinning configuration '{value}'"),
    ))
}

/// Sets `NAME=VALUE` (`parse_config_option`); `false` if there is no value.
fn set(tree: &mut Tree, text: &str, says: &mut Says) -> Result<bool, End> {
    match text.split_once('=') {
        Some((name, value)) if !value.is_empty() => {
            tree.set(name, value, says)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// `-o NAME=VALUE`
fn assignment(tree: &mut Tree, value: &str, says: &mut Says) -> Result<(), End> {
    if set(tree, value, says)? {
        return Ok(());
    }
    Err(says.end(EX_USAGE, format!("invalid configuration option '{value}'")))
}

/// `-k FILE` (`parse_simple_config_file`): empty lines and those that begin with `#` are skipped.
fn file(tree: &mut Tree, path: &str, world: &mut dyn World, says: &mut Says) -> Result<(), End> {
    let text = match world.read(path) {
        Ok(text) => text,
        Err(why) => {
            return Err(says.end(
                4,
                format!("Failed to open configuration file {path}: {why}"),
            ));
        }
    };
    for (at, line) in text.split('\n').enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !set(tree, line, says)? {
            let number = at + 1;
            return Err(says.end(
                4,
                format!("{path} line {number}: invalid config option '{line}'"),
            ));
        }
    }
    Ok(())
}

/// `-f [name=]NAME,(string|file)=VALUE` (qemu_fwcfg.c, `qemu_fwcfg_parse_cmdline_arg`).
fn item(value: &str, world: &mut dyn World, says: &mut Says) -> Result<(), End> {
    let rest = value.strip_prefix("name=").unwrap_or(value);
    let (name, content) = match rest.split_once(',') {
        Some((name, content)) => (name, Some(content)),
        None => (rest, None),
    };
    let wrong = |says: &mut Says| {
        says.warn(format!("Invalid fw_cfg option \"{value}\""));
        says.warn("-f [name=]<name>,(string|file)=<value>");
    };
    match content {
        _ if name.len() > 55 => says.warn(format!("fw_cfg name too long: \"{value}\"")),
        Some(content) if content.starts_with("string=") => return Ok(()),
        Some(content) => match content
            .strip_prefix("file=")
            .map(|path| (path, world.look(path)))
        {
            Some((_, Ok(()))) => return Ok(()),
            Some((path, Err(why))) => {
                says.warn(format!(
                    "Can't open fw_cfg_user_file file \"{path}\": {why}"
                ));
            }
            None => wrong(says),
        },
        None => wrong(says),
    }
    Err(says.end(EX_USAGE, format!("invalid fwcfg item '{value}'")))
}

/// `-G [w][ADDRESS:]PORT` (`parse_gdb_options`).
fn debugger(tree: &mut Tree, value: &str, says: &mut Says) -> Result<(), End> {
    let rest = match value.strip_prefix('w') {
        Some(rest) => {
            tree.set("gdb.wait", "true", says)?;
            rest
        }
        None => value,
    };
    match rest.rsplit_once(':') {
        Some((address, port)) => {
            tree.set("gdb.port", port, says)?;
            tree.set("gdb.address", address, says)
        }
        None => tree.set("gdb.port", rest, says),
    }
}

/// The vCPUs, checked: `calc_topology`.
pub(super) fn cpus(tree: &Tree, says: &mut Says) -> Result<u32, End> {
    let cpus = count(tree, "cpus", says)?;
    let cores = count(tree, "cores", says)?.unwrap_or(1);
    let threads = count(tree, "threads", says)?.unwrap_or(1);
    let sockets = count(tree, "sockets", says)?.or(cpus).unwrap_or(1);
    let total = sockets * cores * threads;
    if total > 65535 {
        return Err(says.end(4, format!("Computed number of vCPUs too high: {total}")));
    }
    match cpus {
        Some(cpus) if cpus != total => Err(says.end(
            4,
            format!(
                "Topology ({sockets} sockets, {cores} cores, {threads} threads) does not match {cpus} vCPUs"
            ),
        )),
        _ => Ok(u32::try_from(total).unwrap_or(u32::MAX)),
    }
}

fn count(tree: &Tree, key: &str, says: &mut Says) -> Result<Option<u64>, End> {
    let Some(text) = tree.get(key, says) else {
        return Ok(None);
    };
    match number::whole(&text) {
        Some(number) if (1..=65535).contains(&number) => Ok(u64::try_from(number).ok()),
        _ => Err(says.end(4, format!("Invalid value for {key}: '{text}'"))),
    }
}

/// Host CPUs of a vCPU: `1-3,5` (`parse_cpuset`).
pub(super) fn cpuset(vcpu: &str, text: &str, says: &mut Says) -> Result<(), End> {
    let invalid = format!("invalid cpuset for vcpu {vcpu}: '{text}'");
    let mut rest = text;
    let mut start = None;
    loop {
        let (cpu, after) = number::strtol(rest);
        if after.len() == rest.len() {
            return Err(says.end(4, invalid));
        }
        if !(0..CPU_SETSIZE).contains(&cpu) {
            let last = CPU_SETSIZE - 1;
            return Err(says.end(
                4,
                format!("hostcpu '{cpu}' outside valid range from 0 to {last}"),
            ));
        }
        if let Some(start) = start.filter(|start| *start >= cpu) {
            return Err(says.end(4, format!("Invalid hostcpu range {start}-{cpu}")));
        }
        match (after.chars().next(), start) {
            (None, _) => return Ok(()),
            (Some(','), _) => start = None,
            (Some('-'), None) => start = Some(cpu),
            _ => return Err(says.end(4, invalid)),
        }
        rest = &after[1..];
    }
}
