//! `-l` and the lpc bridge of amd64 (amd64/pci_lpc.c).

use super::edition::Edition;
use super::options::EX_USAGE;
use super::says::{End, Says};
use super::slot::words;
use super::tree::Tree;

/// The list of `-l help`.
pub(super) const HELP: &str = "bootrom\ncom1\ncom2\ncom3\ncom4\ntpm\npc-testdev\n";

/// The serial lines.
pub(super) const PORTS: [&str; 4] = ["com1", "com2", "com3", "com4"];

/// `-l DEVICE[,CONF]` (`lpc_device_parse`).
pub(super) fn option(
    tree: &mut Tree,
    value: &str,
    edition: Edition,
    says: &mut Says,
) -> Result<(), End> {
    let (device, conf) = match value.split_once(',') {
        Some((device, conf)) => (device, Some(conf)),
        None => (value, None),
    };
    let device = device.to_ascii_lowercase();
    match (device.as_str(), conf) {
        ("bootrom", None) => Err(says.end(4, format!("invalid bootrom option \"{value}\""))),
        ("bootrom", Some(conf)) => rom(tree, conf, edition, says),
        ("tpm", conf) => tpm(tree, conf, value, says),
        ("pc-testdev", _) => tree.set("lpc.pc-testdev", "true", says),
        (port, Some(path)) if PORTS.contains(&port) => {
            tree.set(&format!("lpc.{port}.path"), path, says)
        }
        _ => Err(says.end(
            EX_USAGE,
            format!("invalid lpc device configuration '{value}'"),
        )),
    }
}

/// `bootrom,CODE[,VARS][,NAME=VALUE…]`: a second word with `=` is an option.
fn rom(tree: &mut Tree, conf: &str, edition: Edition, says: &mut Says) -> Result<(), End> {
    let (rom_key, vars_key) = match edition.has_rom_of_lpc() {
        true => ("lpc.bootrom", "lpc.bootvars"),
        false => ("bootrom", "bootvars"),
    };
    let (code, rest) = cut(conf);
    tree.set(rom_key, code, says)?;
    let Some(rest) = rest else {
        return Ok(());
    };
    let (second, third) = cut(rest);
    let options = if second.contains('=') {
        Some(rest)
    } else {
        tree.set(vars_key, second, says)?;
        third
    };
    words(tree.create("lpc", says)?, options, says)
}

/// `tpm,TYPE,PATH[,NAME=VALUE…]`
fn tpm(tree: &mut Tree, conf: Option<&str>, value: &str, says: &mut Says) -> Result<(), End> {
    let Some((kind, rest)) = conf.map(cut) else {
        return Err(says.end(4, format!("invalid tpm type \"{value}\"")));
    };
    tree.set("tpm.type", kind, says)?;
    let Some((path, rest)) = rest.map(cut) else {
        return Err(says.end(4, format!("invalid tpm path \"{value}\"")));
    };
    tree.set("tpm.path", path, says)?;
    tree.set("tpm.version", "2.0", says)?;
    words(tree.create("tpm", says)?, rest, says)
}

/// The text up to the first comma, and what follows the comma.
pub(super) fn cut(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    }
}
