//! The boot ROM and the file of its variables (bootrom.c).

use super::devices::Failure;
use super::says::{End, Says};
use super::tree::Tree;
use super::world::World;

/// The most bytes of both together.
const MOST: u64 = 16 << 20;
const PAGE: u64 = 4096;

/// Whether a boot ROM is configured; since 15.0 the keys of the lpc bridge are old names.
pub(super) fn is_set(tree: &Tree, is_of_lpc: bool) -> bool {
    tree.raw("lpc.bootrom").is_some() || !is_of_lpc && tree.raw("bootrom").is_some()
}

/// The old keys of the lpc bridge become new ones, with a warning.
pub(super) fn rename(tree: &mut Tree, says: &mut Says) -> Result<(), End> {
    for key in ["bootrom", "bootvars"] {
        let old = format!("lpc.{key}");
        if tree.raw(key).is_some() {
            continue;
        }
        if let Some(value) = tree.raw(&old).map(str::to_owned) {
            says.warn(format!("{old} is deprecated, use '-o {key}' instead"));
            tree.set(key, &value, says)?;
        }
    }
    Ok(())
}

/// Loads the ROM of the keys with this prefix, if there is one.
pub(super) fn load(
    tree: &Tree,
    (prefix, is_amd64): (&str, bool),
    world: &mut dyn World,
    says: &mut Says,
) -> Result<(), Failure> {
    let Some(code) = tree.get(&format!("{prefix}bootrom"), says) else {
        return Ok(());
    };
    if !is_amd64 {
        // aarch64/bhyverun_machdep.c, load_bootrom
        return world.rom(&code).map(drop).map_err(|why| {
            says.warn(format!("open({code}): {why}"));
            Failure::End(End(1))
        });
    }
    let vars = tree.get(&format!("{prefix}bootvars"), says);
    let failed = |says: &mut Says, text: String, why: &str| {
        says.own(format!("Error opening {text}: {why}"));
        Err(Failure::Errno(why.into()))
    };
    let size = match world.rom(&code) {
        Ok(size) => size,
        Err(why) => return failed(says, format!("bootrom \"{code}\""), &why),
    };
    let vars_size = match vars.as_ref().map(|vars| (vars, world.rom(vars))) {
        None => None,
        Some((_, Ok(size))) => Some(size),
        Some((vars, Err(why))) => {
            return failed(says, format!("bootrom variable file \"{vars}\""), &why);
        }
    };
    if let Some(size) = vars_size.filter(|size| *size > 0 && (*size < PAGE || *size > MOST)) {
        says.own(format!("Invalid bootrom variable size {size}"));
        return Err(Failure::plain());
    }
    let both = size + vars_size.unwrap_or(0);
    if both > MOST {
        says.own(format!(
            "Invalid bootrom and variable aggregate size {both}"
        ));
        return Err(Failure::plain());
    }
    if size % PAGE != 0 {
        says.warn(format!(
            "ROM size {size} is not a multiple of the page size"
        ));
        return Err(Failure::plain());
    }
    if size == 0 {
        says.warn(format!("ROM size {size} is invalid"));
        return Err(Failure::plain());
    }
    Ok(())
}
