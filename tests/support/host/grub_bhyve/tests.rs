use super::*;

const CFG: &str = "set root=(hd0,msdos1)\nset prefix=($root)/boot/grub\n\
     linux /vmlinuz root=/dev/vda1\ninitrd /initrd\nboot\nexit\n";

fn host(map: &str, cfg: &str) -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_file("/iso/os.iso", "an image")
        .with_file("/tmp/map", map)
        .with_file("/tmp/scratch/grub.cfg", cfg)
}

const MAP: &str = "(hd0) /dev/zvol/zroot/vm/web\n(cd0) /iso/os.iso\n";

fn grub(line: &str) -> Call {
    Call::new(format!("grub-bhyve {line}").split(' ')).by_root()
}

#[test]
fn a_configuration_in_a_host_directory_boots() {
    let mut host = host(MAP, CFG);
    let call = grub("-m /tmp/map -M 512M -r host -d /tmp/scratch web");
    assert_eq!(host.run(&call), Answer::ok());
    assert!(host.state.vms["web"].loaded);
}

#[test]
fn an_error_is_shown_once_grub_prints_again() {
    let table = [
        ("(cd0) /iso/os.iso\n", "error: disk `hd0,msdos1' not found."),
        // A path that cannot be opened is skipped silently.
        (
            "(hd0) /dev/zvol/none\n",
            "error: disk `hd0,msdos1' not found.",
        ),
        (
            "(hd0) /dev/zvol/zroot/vm/my web\n",
            "error: disk `hd0,msdos1' not found.",
        ),
    ];
    for (map, text) in table {
        for (end, is_shown) in [("boot\nexit\n", false), ("boot\necho\nexit\n", true)] {
            let cfg = CFG.replace("boot\nexit\n", end);
            let mut host = host(map, &cfg);
            let answer = host.run(&grub("-m /tmp/map -r host -d /tmp/scratch web"));
            assert_eq!(answer.status, Status::Exit(1), "{map}");
            assert_eq!(answer.stdout().contains(text), is_shown, "{map}{end}");
            assert!(!host.state.vms["web"].loaded);
        }
    }
}

#[test]
fn a_bad_map_names_its_line() {
    let mut host = host("# a map\nhd0 /dev/zvol/zroot/vm/web\n", CFG);
    assert_eq!(
        host.run(&grub("-m /tmp/map -r hd0,msdos1 web")),
        Answer::fail(1, "grub-bhyve: error: /tmp/map:2: missing `(' symbol.")
    );
}

#[test]
fn a_menu_boots_after_its_time_unless_a_key_stops_it_and_a_prompt_reads_keys() {
    for (keys, status) in [
        ("", Status::Exit(0)),
        ("\n", Status::Exit(0)),
        ("x", Status::Hang),
        ("cexit\n", Status::Exit(1)),
    ] {
        let mut menu = host(MAP, CFG);
        let call = grub("-m /tmp/map -r cd0 web").with_stdin(keys);
        assert_eq!(menu.run(&call).status, status, "{keys:?}");
    }

    let mut prompt = host(MAP, CFG);
    prompt.state.guest.loader = Loader::Prompt;
    assert_eq!(
        prompt.run(&grub("-m /tmp/map -r hd0,msdos1 web")).status,
        Status::Hang
    );
    let call = grub("-m /tmp/map -r hd0,msdos1 web").with_stdin("linux /vmlinuz; boot\n");
    assert_eq!(prompt.run(&call).status, Status::Exit(0));
}

#[test]
fn reboot_exits_as_boot_does_but_loads_no_kernel() {
    let mut host = host(MAP, "reboot\n");
    let answer = host.run(&grub("-m /tmp/map -r host -d /tmp/scratch web"));
    assert_eq!(answer, Answer::ok());
    assert!(!host.state.vms["web"].loaded);
}

#[test]
fn the_vm_must_be_free_and_the_caller_root() {
    let mut host = host(MAP, CFG).with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
    assert_eq!(
        host.run(&grub("-M 512M web")),
        Answer::fail(1, "Could not reinit VM web\nError in initializing VM")
    );
    let user = Call::new(["grub-bhyve", "db"]);
    assert_eq!(
        host.run(&user),
        Answer::fail(1, "Could not create VM db\nError in initializing VM")
    );
    let mut blind = grub("db");
    blind.env.insert("TERM".into(), String::new());
    assert_eq!(
        host.run(&blind),
        Answer::fail(1, "Error opening terminal: unknown.")
    );
}
