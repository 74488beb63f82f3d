//! Files of variables (`-k`) and single ones (`-o`): usr.sbin/bhyve/config.c, `parse_simple_config_file` of bhyverun.c.

use super::super::call::Answer;
use super::options::{Device, Options};

/// The position in a name `pci.BUS.SLOT.FUNCTION.VARIABLE`, and the variable.
pub(super) fn of_device(name: &str) -> Option<((u32, u32, u32), &str)> {
    let mut parts = name.strip_prefix("pci.")?.splitn(4, '.');
    let mut number = || parts.next()?.parse().ok();
    let slot = (number()?, number()?, number()?);
    Some((slot, parts.next()?))
}

impl Options {
    /// Reads a file of variables; `None`: there is no such file.
    pub(super) fn read_file(&mut self, path: &str, text: Option<&str>) -> Result<(), Answer> {
        let text = text.ok_or_else(|| {
            let text = format!(
                "bhyve: Failed to open configuration file {path}: No such file or directory"
            );
            Answer::fail(4, text)
        })?;
        for (at, line) in text.split_terminator('\n').enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let set = line.split_once('=').filter(|(_, value)| !value.is_empty());
            let (name, value) = set.ok_or_else(|| {
                let text = format!(
                    "bhyve: {path} line {}: invalid config option '{line}'",
                    at + 1
                );
                Answer::fail(4, text)
            })?;
            // Blanks before a name make another name of it.
            self.set(name, value);
        }
        Ok(())
    }

    /// Sets a variable of a device, so that `-s` finds its slot occupied.
    pub(super) fn set_of_device(&mut self, slot: (u32, u32, u32), name: &str, value: &str) {
        let found = self.devices.iter_mut().find(|device| device.slot == slot);
        match found {
            Some(device) => device.variables.push((name.to_owned(), value.to_owned())),
            None => self.devices.push(Device::of_variable(slot, name, value)),
        }
    }
}
