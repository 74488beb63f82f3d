//! Serial lines: uart_backend.c, pci_uart.c, amd64/pci_lpc.c, aarch64/bhyverun_machdep.c.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::devices::{Device, Failure, Shared};
use super::lpc::PORTS;
use super::says::End;
use super::tree::Tree;

/// The serial lines of the lpc bridge.
pub(super) fn of_lpc(tree: &Tree, shared: &mut Shared<'_>) -> Result<(), Failure> {
    for port in PORTS {
        if let Some(path) = tree.get(&format!("lpc.{port}.path"), shared.says) {
            open(&path, &format!("LPC device {port}"), shared)?;
        }
    }
    Ok(())
}

/// A uart as a PCI device.
pub(super) fn uart(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    let (_, slot, function) = device.place;
    match device.get("path", shared.says) {
        Some(path) => open(&path, &format!("pci uart at {slot}:{function}"), shared),
        None => Ok(()),
    }
}

/// The PL011 of arm64; without a console there is none.
pub(super) fn of_arm64(tree: &Tree, shared: &mut Shared<'_>) -> Result<(), End> {
    match tree.get("console", shared.says) {
        Some(path) => open(&path, "mmio uart", shared).map_err(|_| End(4)),
        None => Ok(()),
    }
}

/// Opens a back end (`uart_tty_open`, `uart_tcp_open`).
fn open(path: &str, what: &str, shared: &mut Shared<'_>) -> Result<(), Failure> {
    let opened = if path == "stdio" {
        match std::mem::replace(&mut shared.has_stdio, true) {
            true => Err(Failure::plain()),
            false => Ok(true),
        }
    } else if path.starts_with("tcp") && shared.edition.has_tcp_consoles() {
        tcp(path, shared).map(|()| false)
    } else {
        shared
            .world
            .terminal(path)
            .map(|()| true)
            .map_err(Failure::Errno)
    };
    match opened {
        Ok(is_terminal) => {
            shared.says.is_raw |= is_terminal;
            Ok(())
        }
        Err(failure) => {
            shared
                .says
                .own(format!("Unable to initialize backend '{path}' for {what}"));
            Err(failure)
        }
    }
}

/// `tcp=ADDRESS:PORT`, both numbers.
fn tcp(path: &str, shared: &mut Shared<'_>) -> Result<(), Failure> {
    let parts = path
        .strip_prefix("tcp=")
        .and_then(|rest| match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("]:"),
            None => rest.split_once(':').filter(|(_, port)| !port.contains(':')),
        });
    let parts = parts.filter(|(address, port)| !address.is_empty() && !port.is_empty());
    let Some((address, port)) = parts else {
        shared.says.warn("Invalid number of parameter");
        return Err(Failure::plain());
    };
    let is_address = address.parse::<Ipv4Addr>().is_ok() || address.parse::<Ipv6Addr>().is_ok();
    if !is_address || port.parse::<u16>().is_err() {
        shared
            .says
            .warn(format!("Invalid address {address}:{port}"));
        return Err(Failure::plain());
    }
    let at = format!("{address}:{port}");
    shared.world.listen("tcp", &at).map_err(|why| {
        shared.says.warn(format!("bind({at}): {why}"));
        Failure::Errno(why)
    })
}
