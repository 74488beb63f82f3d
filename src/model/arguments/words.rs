//! The options of bhyve(8) in words, and the places of devices in their values.

use crate::model::device::Slot;
use crate::model::name::{NameError, error};

/// An option without a value that a VM may be given.
const FLAGS: &str = "aCeIWxY";

/// An option with a value that a VM may be given; some of the values are refused.
const WITH_VALUE: &str = "fGKlnops";

/// Options that belong to a setting, or to the supervision of the VM, and what to do instead.
const REFUSED: &[(char, &str)] = &[
    ('A', "easy-bhyve passes it itself"),
    ('H', "easy-bhyve passes it itself"),
    ('P', "easy-bhyve passes it itself"),
    ('u', "use the setting utc"),
    ('w', "use the setting strict_msrs"),
    (
        'S',
        "use the setting wired: the loader needs to know it, too",
    ),
    ('c', "use the setting cpu"),
    ('m', "use the setting mem"),
    ('U', "easy-bhyve decides about the UUID"),
    ('D', "easy-bhyve frees the VM itself"),
    ('M', "easy-bhyve supervises the VM itself"),
    ('h', "it ends bhyve"),
    (
        'k',
        "a file could contradict every setting; write its lines as -o NAME=VALUE",
    ),
    ('r', "a VM that is restored has devices of its own"),
];

/// The options and their values in words, read as getopt(3) does; the value is empty for an option
/// without one.
pub(super) fn options(words: &[String]) -> Result<Vec<(char, &str)>, NameError> {
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty());
        let letters = letters.filter(|letters| *letters != "-").ok_or_else(|| {
            error(format!(
                "\"{word}\" is no option, and bhyve would take it for the name of the VM"
            ))
        })?;
        for (at, option) in letters.char_indices() {
            if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| *refused == option) {
                return Err(error(format!("-{option} is not possible here: {instead}")));
            }
            if FLAGS.contains(option) {
                options.push((option, ""));
                continue;
            }
            if !WITH_VALUE.contains(option) {
                return Err(error(format!("-{option} is not an option of bhyve")));
            }
            let rest = letters.get(at + option.len_utf8()..).unwrap_or_default();
            let value = match rest {
                "" => words.next().map(String::as_str),
                value => Some(value),
            };
            let value = value.filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| error(format!("-{option} needs a value")))?;
            options.push((option, value));
            break;
        }
    }
    Ok(options)
}

/// A PCI bus, and a position on it.
pub(super) type At = (u8, Slot);

/// The place and the emulation of the operand of `-s`.
///
/// bhyve(8) ignores text behind the last number (`usr.sbin/bhyve/pci_emul.c`), which is refused here.
pub(super) fn slot_of(value: &str) -> Option<(At, &str)> {
    let mut parts = value.splitn(3, ',');
    let (place, emulation) = (parts.next()?, parts.next()?);
    let numbers: Option<Vec<u8>> = place.split(':').map(number).collect();
    let at = match numbers?.as_slice() {
        [device] => at(0, *device, 0)?,
        [device, function] => at(0, *device, *function)?,
        [bus, device, function] => at(*bus, *device, *function)?,
        _ => return None,
    };
    (!emulation.is_empty()).then_some((at, emulation))
}

/// The place and the variable of a name `pci.BUS.SLOT.FUNCTION.VARIABLE`.
pub(super) fn variable_of(name: &str) -> Option<(At, &str)> {
    let mut parts = name.strip_prefix("pci.")?.splitn(4, '.');
    let [bus, device, function] = [parts.next()?, parts.next()?, parts.next()?].map(number);
    let at = at(bus?, device?, function?)?;
    Some((at, parts.next()?))
}

/// A place, if there is such.
fn at(bus: u8, device: u8, function: u8) -> Option<At> {
    let slot = Slot { device, function };
    (device < 32 && function < 8).then_some((bus, slot))
}

fn number(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}
