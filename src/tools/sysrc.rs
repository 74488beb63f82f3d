//! Variables of rc.conf(5): sysrc(8).

use crate::command::Command;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Asks for variables, without an error for one that is not set: `sysrc -i NAME…`.
pub fn ask(names: &[&str]) -> Command {
    let words = ["-i"].iter().chain(names).map(OsString::from);
    Command::question("sysrc", words.collect())
}

/// Parses the lines `NAME: VALUE` of an answer.
pub fn parse(answer: &str) -> BTreeMap<String, String> {
    let pairs = answer.lines().filter_map(|line| line.split_once(':'));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::{ask, parse};

    #[test]
    fn a_value_may_have_a_colon() {
        assert_eq!(
            ask(&["vm_dir", "vm_list"]).to_string(),
            "sysrc -i vm_dir vm_list"
        );
        let found = parse("vm_dir: zfs:zroot/vm\nvm_list: web0 db0\nvm_delay: \n");
        assert_eq!(found["vm_dir"], "zfs:zroot/vm");
        assert_eq!(found["vm_list"], "web0 db0");
        assert_eq!(found["vm_delay"], "");
    }
}
