//! The loader of all other guests: grub-bhyve (port sysutils/grub2-bhyve).

use super::line::Console;
use crate::command::{Command, args};
use crate::model::Vm;
use std::fmt::Write;
use std::path::Path;

/// Where grub looks for its menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu<'path> {
    /// In `/boot/grub/grub.cfg` of the root.
    OfRoot,
    /// In this directory of the host: the generated one.
    Generated(&'path Path),
    /// Nowhere: grub stops at its prompt.
    Prompt,
}

/// Loads a kernel: `grub-bhyve -m MAP -r ROOT [-d DIR | -g none] [-c CONSOLE] -M MEM NAME`.
///
/// On a console that is not its terminal it is told what that understands: `env TERM=vt100 …`.
pub fn load(vm: &Vm, map: &Path, root: &str, menu: Menu<'_>, console: &Console) -> Command {
    let mut words = args!["-m", map];
    match menu {
        Menu::OfRoot => words.extend(args!["-r", root]),
        Menu::Generated(directory) => words.extend(args!["-r", "host", "-d", directory]),
        // No root has a /boot/grub/none, and without a menu grub shows its prompt.
        Menu::Prompt => words.extend(args!["-r", root, "-g", "none"]),
    }
    if let Console::Nmdm(path) = console {
        words.extend(args!["-c", path]);
    }
    words.extend(args!["-M", vm.mem, vm.name]);
    let load = Command::root("grub-bhyve", words).streams(console.streams());
    match console {
        Console::Stdio => load,
        Console::Nmdm(_) => load.behind("env", &["TERM=vt100"]),
    }
}

/// The text of a device map: a line `(DEVICE) PATH` for each (`grub-core/kern/emu/hostdisk.c`).
pub fn device_map<'path>(devices: impl IntoIterator<Item = (String, &'path Path)>) -> String {
    devices
        .into_iter()
        .fold(String::new(), |mut map, (device, path)| {
            let _ = writeln!(map, "({device}) {}", path.display());
            map
        })
}

/// The text of a grub.cfg that runs `commands` with `root` as their root, boots, and ends.
///
/// With `-r host` grub's root is the host, so the file sets it first. Without the `exit` a failed
/// `linux` line would leave grub at a prompt that nobody sees.
pub fn menu(root: &str, commands: &str) -> String {
    format!(
        "set root=({root})\nset prefix=($root)/boot/grub\n{}\nboot\nexit\n",
        commands.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::{Menu, device_map, load, menu};
    use crate::model::tests::vm;
    use crate::tools::line::Console;
    use std::path::Path;

    #[test]
    fn the_arguments_are_those_of_grub_bhyve() {
        for (menu, words) in [
            (Menu::OfRoot, "-r hd0,msdos1"),
            (Menu::Generated(Path::new("/tmp/x")), "-r host -d /tmp/x"),
            (Menu::Prompt, "-r hd0,msdos1 -g none"),
        ] {
            assert_eq!(
                load(
                    &vm(),
                    Path::new("/tmp/x/device.map"),
                    "hd0,msdos1",
                    menu,
                    &Console::Stdio
                )
                .to_string(),
                format!("grub-bhyve -m /tmp/x/device.map {words} -M 1G fbsd0")
            );
        }
    }

    #[test]
    fn a_map_names_each_device() {
        let disks = [
            ("hd0".to_owned(), Path::new("/vm/a")),
            ("cd0".to_owned(), Path::new("/iso/a.iso")),
        ];
        assert_eq!(device_map(disks), "(hd0) /vm/a\n(cd0) /iso/a.iso\n");
    }

    #[test]
    fn a_menu_boots_and_never_waits() {
        assert_eq!(
            menu("hd0,msdos1", "knetbsd -h (hd0,netbsd1)/netbsd"),
            "set root=(hd0,msdos1)\nset prefix=($root)/boot/grub\nknetbsd -h (hd0,netbsd1)/netbsd\nboot\nexit\n"
        );
    }
}
