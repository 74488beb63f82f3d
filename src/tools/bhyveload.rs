//! The loader of FreeBSD guests: bhyveload(8).

use crate::command::{Command, Streams, args};
use crate::model::Vm;
use std::path::Path;

/// Loads a kernel on the caller's terminal: `bhyveload -c stdio -m MEM -d DISK… NAME`; it boots from
/// the first of `disks`.
pub fn load<'path>(vm: &Vm, disks: impl IntoIterator<Item = &'path Path>) -> Command {
    let mut words = args!["-c", "stdio", "-m", vm.mem];
    for disk in disks {
        words.extend(args!["-d", disk]);
    }
    words.extend(args![vm.name]);
    Command::root("bhyveload", words).streams(Streams::Terminal)
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::model::tests::vm;

    #[test]
    fn every_disk_is_named_the_first_to_boot_from() {
        let vm = vm();
        assert_eq!(
            load(&vm, vm.disks.iter().map(|disk| disk.path.as_path())).to_string(),
            "bhyveload -c stdio -m 1G -d /dev/zvol/zroot/vm/fbsd0 -d /vm/data fbsd0"
        );
    }
}
