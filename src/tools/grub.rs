//! The loader of all other guests: grub-bhyve (port sysutils/grub2-bhyve).

use super::line::Console;
use crate::command::{Command, Streams, args};
use crate::model::Vm;
use crate::model::grub::GrubCommands;
use crate::model::loader::GrubDir;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where grub begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root<'text> {
    /// The device, without parentheses.
    pub device: &'text str,
    /// The directory of the menu on it.
    pub directory: &'text GrubDir,
}

/// The source of grub's menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu<'path> {
    /// `grub.cfg` in the directory of the root.
    OfRoot,
    /// The generated one, in this directory of the host.
    Generated(&'path Path),
    /// None: grub stops at its prompt.
    Prompt,
}

/// The destination of grub's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen<'console> {
    /// The console, where the user can answer.
    Console(&'console Console),
    /// The starting process, which quotes the output in the error of a failed start.
    Captured,
}

/// The root of a command that calls grub: its partition without parentheses, or `host`.
pub fn root_of(command: &Command) -> Option<String> {
    let words = command.args.iter();
    let root = words.skip_while(|word| *word != "-r").nth(1)?;
    (command.last_program() == "grub-bhyve").then(|| root.to_string_lossy().into_owned())
}

/// Loads a kernel: `grub-bhyve [-S] -m MAP -r ROOT [-d DIR] [-g none] [-c CONSOLE] -M MEM NAME`.
///
/// Without its own terminal, grub gets a terminal type that readers of nmdm(4) support: `env TERM=vt100 …`.
pub fn load(vm: &Vm, map: &Path, root: Root<'_>, menu: Menu<'_>, screen: Screen<'_>) -> Command {
    let mut words = super::wired(vm);
    words.extend(args!["-m", map]);
    if let Menu::Generated(directory) = menu {
        words.extend(args!["-r", "host", "-d", directory]);
    } else {
        words.extend(args!["-r", root.device]);
        if !root.directory.is_usual() {
            words.extend(args!["-d", root.directory]);
        }
    }
    if menu == Menu::Prompt {
        // No directory has a file "none": grub shows its prompt without a menu.
        words.extend(args!["-g", "none"]);
    }
    if let Screen::Console(Console::Nmdm(path)) = screen {
        words.extend(args!["-c", path]);
    }
    words.extend(args!["-M", vm.mem, vm.name]);
    let load = Command::root("grub-bhyve", words).works_for(vm);
    match screen {
        Screen::Console(Console::Stdio) => load.streams(Streams::Terminal),
        Screen::Console(Console::Nmdm(_)) | Screen::Captured => load
            .streams(Streams::Relayed)
            .prefixed("env", &["TERM=vt100"]),
    }
}

/// The text of a device map: one line `(DEVICE) PATH` each (`grub-core/kern/emu/hostdisk.c`).
pub fn device_map<'path>(devices: impl IntoIterator<Item = (String, &'path Path)>) -> Vec<u8> {
    devices
        .into_iter()
        .fold(Vec::new(), |mut map, (device, path)| {
            map.extend_from_slice(format!("({device}) ").as_bytes());
            map.extend_from_slice(path.as_os_str().as_bytes());
            map.push(b'\n');
            map
        })
}

/// The text of a grub.cfg that runs `commands` with the root `root`, boots, and exits.
///
/// With `-r host` grub's root is the host, so the file sets the root first. Without `exit` grub would
/// remain at an invisible prompt after a failure; without `echo` the error would be lost, because grub
/// displays an error only with the next output (`grub-core/term/emu/console.c`).
pub fn menu(root: Root<'_>, commands: &GrubCommands) -> String {
    let Root { device, directory } = root;
    format!(
        "set root=({device})\nset prefix=($root){directory}\n{}\nboot\necho\nexit\n",
        commands.checked().trim_end_matches('\n')
    )
}

/// The errors in grub's output for a terminal of 80 columns. The error about a missing module `normal`
/// always occurs, is harmless, and is omitted.
pub fn complaints(screen: &str) -> Vec<String> {
    let mut complaints: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in plain(screen).lines().map(str::trim) {
        if let Some(complaint) = line.strip_prefix("error: ") {
            complaints.push(complaint.to_owned());
            is_open = true;
        } else if is_open && !line.is_empty() {
            // A long one is wrapped at a blank.
            if let Some(last) = complaints.last_mut() {
                last.push(' ');
                last.push_str(line);
            }
        }
        // Each ends with a full stop.
        is_open = is_open && !line.ends_with('.') && !line.is_empty();
    }
    complaints.retain(|complaint| !complaint.contains("/normal.mod':"));
    for complaint in &mut complaints {
        complaint.truncate(complaint.trim_end_matches('.').len());
    }
    complaints
}

/// A text without escape sequences; a sequence that moves the cursor becomes a line break.
fn plain(screen: &str) -> String {
    let mut plain = String::new();
    let mut letters = screen.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\x1b' if letters.peek() == Some(&'[') => {
                letters.next();
                let ends = letters.find(|letter| ('@'..='~').contains(letter));
                let moves = matches!(ends, Some('A'..='H' | 'J' | 'd' | 'f'));
                plain.push_str(if moves { "\n" } else { "" });
            }
            // `ESC ( B` and similar sequences have one or two more characters.
            '\x1b' => {
                if matches!(letters.next(), Some('(' | ')' | '#')) {
                    letters.next();
                }
            }
            '\r' => plain.push('\n'),
            letter if letter.is_control() && letter != '\n' => {}
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Menu, Root, Screen, complaints, device_map, load, menu};
    use crate::model::grub::GrubCommands;
    use crate::model::loader::GrubDir;
    use crate::model::tests::vm;
    use crate::tools::line::Console;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[test]
    fn the_arguments_are_those_of_grub_bhyve() {
        let (usual, other) = (GrubDir::default(), GrubDir::parse("/grub2").unwrap());
        for (directory, menu, words) in [
            (&usual, Menu::OfRoot, "-r hd0,msdos1"),
            (&other, Menu::OfRoot, "-r hd0,msdos1 -d /grub2"),
            (
                &other,
                Menu::Generated(Path::new("/tmp/x")),
                "-r host -d /tmp/x",
            ),
            (&usual, Menu::Prompt, "-r hd0,msdos1 -g none"),
            (&other, Menu::Prompt, "-r hd0,msdos1 -d /grub2 -g none"),
        ] {
            let device = "hd0,msdos1";
            assert_eq!(
                load(
                    &vm(),
                    Path::new("/tmp/x/device.map"),
                    Root { device, directory },
                    menu,
                    Screen::Console(&Console::Stdio)
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
            ("hd1".to_owned(), Path::new(OsStr::from_bytes(b"/vm/\xe4"))),
            ("cd0".to_owned(), Path::new("/iso/a.iso")),
        ];
        assert_eq!(
            device_map(disks),
            b"(hd0) /vm/a\n(hd1) /vm/\xe4\n(cd0) /iso/a.iso\n"
        );
    }

    #[test]
    fn a_menu_boots_and_never_waits() {
        let commands = GrubCommands::parse("knetbsd -h (hd0,netbsd1)/netbsd\n").unwrap();
        let root = Root {
            device: "hd0,msdos1",
            directory: &GrubDir::default(),
        };
        assert_eq!(
            menu(root, &commands),
            "set root=(hd0,msdos1)\nset prefix=($root)/boot/grub\n\
             if knetbsd -h (hd0,netbsd1)/netbsd; then true; else echo; exit; fi\nboot\necho\nexit\n"
        );
    }

    #[test]
    fn what_grub_complains_of_is_read_off_its_screen() {
        let screen = "\x1b[H\x1b[JWelcome to GRUB!\r\n\r\nerror: can't open \
            `/tmp/x/x86_64-emu/normal.mod': No such file or\r\ndirectory.\r\nerror: file \
            `/boot/vmlinuz-5.14.0-639.el9.x86_64' not\x1b[6;1Hfound.\r\nerror: unknown \
            filesystem.\x1b[K\r\n\x0f\x1b(Bsaid by echo\r\n";
        assert_eq!(
            complaints(screen),
            [
                "file `/boot/vmlinuz-5.14.0-639.el9.x86_64' not found",
                "unknown filesystem"
            ]
        );
        assert!(complaints("").is_empty());
    }
}
