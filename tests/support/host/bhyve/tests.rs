use super::super::firmware::written_by;
use super::super::{Ending, Status};
use super::*;

const DISK: &str = "/dev/zvol/zroot/vm/web";

/// A host on which `web` is loaded and can be started.
fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_tap("tap0", "")
        .with_commands(&[
            "kldload nmdm",
            "bhyveload -m 512M -d /dev/zvol/zroot/vm/web web",
        ])
}

fn bhyve(extra: &str) -> Call {
    let line = format!(
        "bhyve -A -H -P -c 2 -m 512M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap0 \
         -s 3:0,virtio-blk,{DISK} -l com1,/dev/nmdm0A {extra}"
    );
    Call::new(line.split_whitespace()).by_root()
}

#[test]
fn a_foreground_guest_ends_as_planned() {
    let table = [
        (Ending::PowerOff, Status::Exit(1)),
        (Ending::Reboot, Status::Exit(0)),
        (Ending::Halt, Status::Exit(2)),
        (Ending::TripleFault, Status::Exit(3)),
        (Ending::Error, Status::Exit(4)),
        (Ending::Signal(6), Status::Signal(6)),
    ];
    for (ending, status) in table {
        let mut host = host();
        host.state.guest.endings = vec![ending];
        assert_eq!(host.run(&bhyve("web")).status, status);
        assert!(host.state.vms.contains_key("web"));
        assert_eq!(host.state.interfaces["tap0"].opened_by, None);
    }
}

#[test]
fn without_a_loader_the_guest_cannot_boot_and_leaves_a_node() {
    for (major, text) in [
        (14, "virtual machine cannot be booted"),
        (15, "no bootrom was configured"),
    ] {
        let mut host = Host::freebsd(major);
        let answer = host.run(&bhyve("web"));
        assert_eq!(answer, Answer::fail(4, text));
        assert!(host.state.vms.contains_key("web"));
    }
}

#[test]
fn a_node_that_ran_before_needs_a_loader_again() {
    let mut host = host();
    host.run(&bhyve("web"));
    assert_eq!(host.run(&bhyve("web")).status, Status::Exit(3));
}

#[test]
fn the_title_appears_only_after_a_while() {
    let mut host = host();
    let mut call = bhyve("web");
    call.background = true;
    host.run(&call);
    let pid = host.state.bhyve_of("web").expect("web runs");
    assert_eq!(host.state.processes[&pid].title, None);
    host.advance(1.0);
    let process = &host.state.processes[&pid];
    assert_eq!(process.title.as_deref(), Some("bhyve: web"));
    assert_eq!(process.sigignore, 0);
    host.advance(10.0);
    assert_eq!(host.state.processes[&pid].sigignore, 0x4000);
}

#[test]
fn bad_slots_are_refused_before_any_change() {
    let table = [
        (
            "-s 2:8,virtio-net,tap1 web",
            "Invalid PCI slot info field \"2:8,virtio-net,tap1\"",
        ),
        (
            "-s 5,virtio-net0 web",
            "pci slot 0:5:0: unknown device \"virtio-net0\"",
        ),
        ("-s 2:0,virtio-rnd web", "pci slot 0:2:0 already occupied!"),
        (
            "-s 7,lpc web",
            // The console of the first one is open.
            "Only one LPC bridge is allowed.\r\nDevice emulation initialization error: Invalid argument\r",
        ),
        ("-s 7 web", "Invalid PCI slot info field \"7\""),
    ];
    for (extra, text) in table {
        assert_eq!(host().run(&bhyve(extra)), Answer::fail(4, text), "{extra}");
    }
}

#[test]
fn bad_values_are_usage_errors() {
    let table = [
        ("-m 1.5G web", "bhyve: invalid memsize '1.5G'"),
        ("-c nodes=2 web", "bhyve: invalid cpu topology 'nodes=2'"),
        (
            "-l com5,stdio web",
            "bhyve: invalid lpc device configuration 'com5,stdio'",
        ),
        (
            "-o name= web",
            "bhyve: invalid configuration option 'name='",
        ),
    ];
    for (extra, text) in table {
        assert_eq!(host().run(&bhyve(extra)), Answer::fail(64, text), "{extra}");
    }
    for extra in ["-Z web", "web db", ""] {
        assert_eq!(host().run(&bhyve(extra)).status, Status::Exit(1), "{extra}");
    }
}

#[test]
fn topology_must_multiply_to_the_number_of_cpus() {
    let table = [
        (
            "-c cpus=4,sockets=2,cores=1",
            "bhyve: Topology (2 sockets, 1 cores, 1 threads) does not match 4 vCPUs",
        ),
        // Without sockets the number is that of cpus; the 2 of the previous option still counts.
        (
            "-c cores=2",
            "bhyve: Topology (2 sockets, 2 cores, 1 threads) does not match 2 vCPUs",
        ),
        ("-c 0", "bhyve: Invalid value for cpus: '0'"),
        ("-c 1,", "bhyve: Invalid value for cpus: ''"),
    ];
    for (options, text) in table {
        let answer = host().run(&bhyve(&format!("{options} web")));
        assert_eq!(answer, Answer::fail(4, text), "{options}");
    }
    let answer = host().run(&bhyve("-c 4,sockets=2,cores=2 web"));
    assert_eq!(answer.status, Status::Exit(1));
}

#[test]
fn memory_must_be_what_the_loader_set_up() {
    assert_eq!(
        host().run(&bhyve("-m 1G web")),
        Answer::fail(4, "Unable to setup memory (22)")
    );
}

#[test]
fn a_path_that_cannot_be_opened_ends_the_start() {
    let no_entry = "Device emulation initialization error: No such file or directory";
    assert_eq!(
        host().run(&bhyve("-s 3:1,virtio-blk,/vm/a,b web")),
        Answer::fail(
            4,
            format!(
                "bhyve: Could not open backing file: /vm/a: No such file or directory\n\
                 Could not open backing file: No such file or directory\n{no_entry}\r"
            )
        )
    );
    let mut taken = host();
    taken.edit(&super::super::Edit::OpenTap("tap0".into()));
    assert_eq!(
        taken.run(&bhyve("web")),
        Answer::fail(
            4,
            "open of tap device /dev/tap0 failed\nDevice emulation initialization error: Device \
             busy"
        )
    );
    let mut bare = host();
    bare.state.modules.loaded.remove("nmdm.ko");
    assert_eq!(
        bare.run(&bhyve("web")),
        Answer::fail(
            4,
            format!("Unable to initialize backend '/dev/nmdm0A' for LPC device com1\n{no_entry}")
        )
    );
}

#[test]
fn opening_a_missing_tap_creates_one_outside_of_all_bridges() {
    let mut host = host();
    host.run(&bhyve("-s 2:1,virtio-net,tap5 web"));
    assert!(host.state.interfaces.contains_key("tap5"));
    assert_eq!(host.state.bridge_of("tap5"), None);
}

#[test]
fn two_vms_may_have_one_disk_open() {
    let mut host = host().with_running_vm("db", DISK, "tap9");
    let mut call = bhyve("web");
    call.background = true;
    assert_eq!(host.run(&call).status, Status::Exit(0));
    let users = host
        .state
        .processes
        .values()
        .filter(|process| process.open.contains(Path::new(DISK)))
        .count();
    assert_eq!(users, 2);
}

#[test]
fn an_installer_leaves_a_system_on_the_disk() {
    let mut host = Host::freebsd(14)
        .with_file("/iso/os.iso", "an image")
        .with_commands(&[
            "zfs create -V 1G -o volmode=dev zroot/vm/web",
            "kldload nmdm",
            "bhyveload -m 512M -d /iso/os.iso web",
        ]);
    assert!(host.is_blank(DISK));
    host.run(&bhyve("-s 4:0,ahci-cd,/iso/os.iso web"));
    assert!(!host.is_blank(DISK));
}

#[test]
fn more_cpus_than_the_kernel_gives_have_the_answer_of_the_release() {
    let call = |vm| bhyve(&format!("-c 9 {vm}"));
    let old = Answer::fail(4, "9 vCPUs requested but only 8 available");
    assert_eq!(host().run(&call("web")), old);
    let new = Answer::fail(71, "bhyve: vm_set_topology");
    assert_eq!(host().on_release(1_500_068).run(&call("web")), new);
}

/// `web` with UEFI firmware, on a host on which no loader has run.
fn by_firmware(extra: &str, vars: &str) -> Call {
    let line = format!(
        "bhyve -A -H -P -w -c 2 -m 512M -s 0:0,hostbridge -s 1:0,lpc {extra} -l \
         bootrom,/usr/local/share/edk2-bhyve/BHYVE_UEFI_CODE.fd,{vars} web"
    );
    Call::new(line.split_whitespace()).by_root()
}

fn with_store() -> Host {
    Host::freebsd(15)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_file("/iso/deb.iso", "an installer")
        .with_store("/vm/web.vars", 540_672)
}

#[test]
fn firmware_boots_without_a_loader_and_writes_its_variables() {
    let mut host = with_store();
    host.state.guest.endings = vec![Ending::Reboot, Ending::PowerOff];
    let call = by_firmware(&format!("-s 3:0,virtio-blk,{DISK}"), "/vm/web.vars");
    // The node stays between the runs.
    assert_eq!(host.run(&call).status, Status::Exit(0));
    assert_eq!(host.run(&call).status, Status::Exit(1));
    let vars = host.files().read(Path::new("/vm/web.vars")).unwrap();
    assert!(vars.starts_with(&written_by("web")));
}

#[test]
fn firmware_boots_a_cd_first_only_if_it_sees_the_boot_order() {
    for (options, is_installed) in [("", false), (",fwcfg=qemu", true)] {
        let host = with_store();
        let devices =
            format!("-s 3:0,virtio-blk,{DISK} -s 4:0,ahci-cd,/iso/deb.iso,ro,bootindex=1");
        let call = by_firmware(&devices, &format!("/vm/web.vars{options}"));
        let options = Options::parse(&call.words(), 15, "amd64").unwrap();
        let boots = rom::boots(&host, &options);
        assert_eq!(boots == Boots::Cd, is_installed, "{boots:?}");
    }
}

#[test]
fn firmware_that_finds_nothing_waits_for_ever() {
    let mut host = with_store().with_commands(&["zfs create -V 1G zroot/vm/new"]);
    let disk = "-s 3:0,virtio-blk,/dev/zvol/zroot/vm/new";
    let call = by_firmware(disk, "/vm/web.vars");
    assert_eq!(host.run(&call).status, Status::Hang);
    host.advance(100_000.0);
    assert!(host.state.bhyve_of("web").is_some());
    // The CD of an installation is found without a boot order, too.
    let mut host = with_store().with_commands(&["zfs create -V 1G zroot/vm/new"]);
    let call = by_firmware(
        &format!("{disk} -s 4:0,ahci-cd,/iso/deb.iso,ro"),
        "/vm/web.vars",
    );
    assert_eq!(host.run(&call).status, Status::Exit(1));
    assert!(!host.is_blank("/dev/zvol/zroot/vm/new"));
}

#[test]
fn two_vms_on_one_store_are_harm() {
    let mut host = with_store().with_volume("zroot/vm/db", 1 << 30);
    let mut call = by_firmware(&format!("-s 3:0,virtio-blk,{DISK}"), "/vm/web.vars");
    call.background = true;
    host.run(&call);
    assert!(host.state.harm.is_empty());
    let line = "bhyve -m 256M -s 0,hostbridge -s 1,lpc -s 3:0,virtio-blk,/dev/zvol/zroot/vm/db -l \
                bootrom,/usr/local/share/edk2-bhyve/BHYVE_UEFI_CODE.fd,/vm/web.vars db";
    host.run(&Call::new(line.split_whitespace()).by_root());
    assert_eq!(host.state.harm, ["/vm/web.vars is the store of two VMs"]);
}
