//! `destroy` that is refused, or leaves a disk: before anything is destroyed.

use super::{VMS, gone, home, host};
use crate::home::{HOST, Home};
use crate::host::state::Odd;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_file_that_another_vm_names_in_any_setting_stays() {
    let host = || host().with_image("/vm/a", 1 << 30);
    for (other, what) in [
        ("b_id=2 b_cd0=/vm/a", "cd0 of b"),
        (
            "b_id=2 b_bhyve_args='-s 16:0,virtio-blk,/vm/a'",
            "named in b_bhyve_args",
        ),
        (
            "b_id=2 b_bhyve_args='-s 16:0,ahci,cd:/iso,hd:/vm/a'",
            "named in b_bhyve_args",
        ),
        (
            "b_id=2 b_loader=uefi b_uefi_vars=/vm/a",
            "the store of UEFI variables of b",
        ),
        ("b_id=2 b_hd1=/vm/a", "a disk of b"),
    ] {
        let mut home = Home::whole(
            host(),
            &format!("bridge=bridge0 volroot=/vm\na_id=1\n{other}\n"),
        );
        let before = home.view();
        let said = home.does("destroy a --disks -f");
        let why = format!("hd0 stays, because it is {what}, too: /vm/a\n");
        assert!(said.err.contains(&why), "{said:?}");
        assert_eq!(gone(&before, &home), Vec::<String>::new());
    }
}

#[test]
fn nothing_is_destroyed_if_the_lines_or_links_could_not_be_removed() {
    for (path, mode, what) in [
        (
            "easy-bhyve.conf",
            0o444,
            "could not replace easy-bhyve.conf: ",
        ),
        ("", 0o555, "could not "),
        ("eb", 0o555, "could not remove HERE/eb/web-boot: "),
    ] {
        let mut home = home();
        let path = home.file().with_file_name(path);
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let err = home.refuses("destroy web --disks -f", 1);
        let shown = home.call("destroy web --disks -f -d");
        set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert_eq!((shown.status, &shown.err), (1, &err), "{}", shown.out);
        assert!(err.starts_with(&format!("easy-bhyve: {what}")), "{err}");
        assert!(err.contains("ermission denied"), "{err}");
        home.does("destroy web --disks -f");
    }
}

#[test]
fn what_is_no_regular_file_is_refused_before_anything_goes() {
    let link = Odd {
        link: true,
        ..Odd::default()
    };
    let fifo = Odd {
        fifo: true,
        ..Odd::default()
    };
    for (odd, what) in [
        (link, "a symbolic link"),
        (fifo, "a device, a FIFO or a socket"),
    ] {
        let mut host = host()
            .with_image("/vm/a", 1 << 30)
            .with_image("/vm/b", 1 << 30);
        host.state.odd.insert("/vm/b".into(), odd);
        let mut home = Home::whole(host, "bridge=bridge0 volroot=/vm\na_id=1 a_hd1=/vm/b\n");
        let err = home.refuses("destroy a --disks -f", 2);
        assert!(
            err.contains(&format!("/vm/b is {what}, and is not destroyed\n")),
            "{err}"
        );
    }
    let mut host = host().with_image("/vm/a", 1 << 30);
    host.state.files.mkdir_all("/vm/dir".as_ref());
    let text = "bridge=bridge0 volroot=/vm\na_id=1 a_hd1=/vm/dir\n";
    let err = Home::whole(host.clone(), text).refuses("destroy a --disks -f", 2);
    assert!(
        err.contains("/vm/dir is a directory, and is not destroyed\n"),
        "{err}"
    );
    let text = "bridge=bridge0 volroot=/vm\na_id=1 a_hd1=/vm/..\n";
    let said = Home::whole(host, text).does("destroy a --disks -f");
    let why = "hd1 stays, because it is not directly below volroot: /vm/..\n";
    assert!(said.err.contains(why), "{said:?}");
}

#[test]
fn what_is_refused_says_nothing_of_lines_that_go() {
    let host = host().with_commands(&["zfs clone zroot/vm/web@one zroot/vm/kid-1"]);
    let mut home = Home::new(host, VMS);
    let err = home.refuses("destroy web --disks -f", 1);
    assert_eq!(
        err,
        "easy-bhyve: volumes were cloned from zroot/vm/web: zroot/vm/kid-1\n  \
         nothing was destroyed\n  \
         help: first destroy the VMs that use them\n  \
         help: or make one of them independent: easy-bhyve promote kid; \
         a volume of no VM, as root: zfs promote zroot/vm/kid-1\n  \
         help: or keep the disks: without --disks\n"
    );
    let text = format!("{HOST}a_id=1 a_protect=YES\n");
    let err = Home::whole(super::host(), &text).refuses("destroy a -f", 2);
    assert!(!err.contains("goes"), "{err}");
}
