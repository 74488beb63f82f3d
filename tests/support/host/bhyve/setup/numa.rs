//! NUMA domains of the guest: `-n` and what becomes of it (bhyverun.c, bhyverun_machdep.c).

use super::edition::Edition;
use super::number;
use super::options::{EX_USAGE, cpuset};
use super::says::{End, Says};
use super::tree::Tree;

/// `-n id=I[,size=S][,cpus=SET]`; other words are ignored.
pub(super) fn domain(
    tree: &mut Tree,
    value: &str,
    edition: Edition,
    says: &mut Says,
) -> Result<(), End> {
    if edition.osreldate >= 1_600_000 && tree.bool("acpi_tables", says)? == Some(false) {
        return Err(says.end(EX_USAGE, "NUMA emulation requires ACPI"));
    }
    let word = |name: &str| {
        let words = value.split(',').filter_map(|word| word.split_once('='));
        words
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next_back()
    };
    let Some(id) = word("id") else {
        if !value.is_empty() {
            says.own(format!("Missing NUMA domain ID in '{value}'"));
        }
        return Err(says.end(EX_USAGE, format!("invalid NUMA configuration '{value}'")));
    };
    let Some(number) = number::whole(id).filter(|number| (0..256).contains(number)) else {
        return Err(says.end(4, format!("Invalid value for id: '{id}'")));
    };
    for key in ["size", "cpus", "domain_policy"] {
        if let Some(value) = word(key) {
            tree.set(&format!("domains.{number}.{key}"), value, says)?;
        }
    }
    Ok(())
}

/// Checks the domains when the VM is open.
pub(super) fn check(tree: &Tree, edition: Edition, says: &mut Says) -> Result<(), End> {
    let Some(domains) = tree.node("domains", says) else {
        return Ok(());
    };
    let mut domains: Vec<(i64, &str)> = domains
        .nodes()
        .map(|(name, _)| (number::atoi(name), name))
        .collect();
    domains.sort_unstable();
    let mut has_unsized = false;
    for (_, name) in &domains {
        let Some(size) = tree.get(&format!("domains.{name}.size"), says) else {
            has_unsized = true;
            continue;
        };
        if number::memory(&size, edition.has_lax_numbers()).is_none() {
            return Err(says.end(
                EX_USAGE,
                format!("invalid memsize for domain {name}: '{size}'"),
            ));
        }
    }
    if has_unsized {
        says.warn(
            "At least one domain memory size was not specified, distributing total VM memory size \
             across all domains",
        );
    }
    for (_, name) in &domains {
        let Some(set) = tree.get(&format!("domains.{name}.cpus"), says) else {
            says.own(format!("Missing CPU set for domain {name}"));
            return Err(End(4));
        };
        cpuset(name, &set, says)?;
    }
    Ok(())
}
