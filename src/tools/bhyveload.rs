//! The loader of FreeBSD guests: bhyveload(8).

use super::line::Console;
use crate::command::{Command, args};
use crate::model::Vm;
use std::path::Path;

/// Loads a kernel: `bhyveload [-S] -c CONSOLE -m MEM -d DISK… NAME`; it boots from the first of `disks`.
pub fn load<'path>(
    vm: &Vm,
    disks: impl IntoIterator<Item = &'path Path>,
    console: &Console,
) -> Command {
    let mut words = super::wired(vm);
    words.extend(args!["-c", console.backend(), "-m", vm.mem]);
    for disk in disks {
        words.extend(args!["-d", disk]);
    }
    words.extend(args![vm.name]);
    Command::root("bhyveload", words)
        .streams(console.streams())
        .works_for(vm)
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::model::tests::vm;
    use crate::tools::line::Console;

    #[test]
    fn every_disk_is_named_the_first_to_boot_from() {
        let vm = vm();
        assert_eq!(
            load(
                &vm,
                vm.disks.iter().map(|disk| disk.path.as_path()),
                &Console::Stdio
            )
            .to_string(),
            "bhyveload -c stdio -m 1G -d /dev/zvol/zroot/vm/fbsd0 -d /vm/data fbsd0"
        );
    }
}
