//! `rename` and other VMs: which name the files, or use the new name meanwhile.

use super::host;
use crate::home::{HOST, Home};
use crate::host::Host;
use easy_bhyve::host::Lock;
use easy_bhyve::model::name::VmName;

#[test]
fn a_file_that_another_vm_names_keeps_its_name() {
    let files = "bridge=bridge0 volroot=/vm\n";
    for (config, err, place) in [
        (
            format!("{HOST}a_id=1 a_zvol=zroot/vm/web\nweb_id=2\n"),
            "/dev/zvol/zroot/vm/web is a disk of a, too\n",
            "2:15",
        ),
        (
            format!("{HOST}web_id=2\ny_id=3 y_hd1=/dev/zvol/zroot/vm/web\n"),
            "/dev/zvol/zroot/vm/web is a disk of y, too\n",
            "3:14",
        ),
        (
            format!("{files}web_id=2\ny_id=3 y_cd1=/vm/web\n"),
            "/vm/web is cd1 of y, too\n",
            "3:14",
        ),
        (
            format!("{files}web_id=2\ny_id=3\ny_bhyve_args='-s 16,nvme,/vm/web'\n"),
            "/vm/web is named in y_bhyve_args, too\n",
            "4:",
        ),
        (
            format!("{HOST}web_id=2\ny_id=3 y_hd1=/dev/zvol/zroot/vm/www\n"),
            "/dev/zvol/zroot/vm/www is a disk of y\n",
            "3:14",
        ),
        (
            format!(
                "{files}web_id=2 web_loader=uefi\ny_id=3 y_loader=uefi y_uefi_vars=/vm/web.uefi-vars\n"
            ),
            "/vm/web.uefi-vars is the store of UEFI variables of y, too\n",
            "3:",
        ),
    ] {
        let mut home = Home::whole(host(), &config);
        let said = home.refuses("rename web www -f", 2);
        assert!(said.contains(err), "{said}");
        assert!(said.contains(&format!("easy-bhyve.conf:{place}")), "{said}");
        assert!(!said.contains("changes from"), "{said}");
    }
    // Under another name of the same directory.
    let mut lies = host().with_image("/jail/web", 1 << 30);
    lies.state.nullfs.insert("/jail".into(), Some("/vm".into()));
    let text = format!("{files}web_id=2\ny_id=3 y_hd0=/jail/web\n");
    let err = Home::whole(lies, &text).refuses("rename web www -f", 2);
    assert!(err.contains("/vm/web is a disk of y, too\n"), "{err}");
    let mut home = Home::new(host(), "web_id=1\nb_id=2 b_hd1=relative\n");
    let err = home.refuses("rename web www -f", 1);
    assert!(
        err.contains("no disk is renamed while the disks of another VM are unknown\n"),
        "{err}"
    );
}

#[test]
fn the_new_names_are_locked_too() {
    let name = |name| Lock::Vm(VmName::parse(name).unwrap());
    let disk = |path: &str| Lock::Disk(path.into());
    let uefi = "web_id=1 web_loader=uefi\n";
    for (words, lock, err) in [
        (
            "rename web www -f",
            name("www"),
            "www is being started by pid 7\n",
        ),
        (
            "rename web www -f",
            disk("/dev/zvol/zroot/vm/www"),
            "/dev/zvol/zroot/vm/www is a disk or a store of UEFI variables of x, which is in use by pid 7\n",
        ),
        (
            "clone web www --add",
            name("www"),
            "www is being started by pid 7\n",
        ),
        (
            "clone @one www --add",
            name("www"),
            "www is being started by pid 7\n",
        ),
        (
            "clone web www --add",
            disk("/dev/zvol/zroot/vm/www"),
            "/dev/zvol/zroot/vm/www is a disk",
        ),
    ] {
        let mut home = Home::new(host(), uefi);
        let words = words.replace("clone @one", "clone web @one");
        let note = match lock {
            Lock::Vm(_) => "7 is being started",
            _ => "7 x",
        };
        home.fake.let_be_held(&lock, note);
        let said = home.refuses(&words, 2);
        assert!(said.contains(err), "{words}: {said}");
    }
}

#[test]
fn a_symbolic_link_is_renamed_itself() {
    let link = crate::host::state::Odd {
        link: true,
        ..Default::default()
    };
    let linked = || -> Host {
        let mut host = host();
        host.state.odd.insert("/vm/web".into(), link);
        host
    };
    let mut home = Home::whole(linked(), "bridge=bridge0 volroot=/vm\nweb_id=1\n");
    home.does("rename web www -f");
    assert!(
        home.fake
            .host()
            .state
            .odd
            .contains_key(std::path::Path::new("/vm/www"))
    );
    home.does("rename www web -f");
    assert!(
        home.fake
            .host()
            .state
            .odd
            .contains_key(std::path::Path::new("/vm/web"))
    );
}
