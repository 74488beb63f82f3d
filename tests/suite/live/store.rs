//! The store of UEFI variables, on a real file system: made once and whole, never shared, never another
//! user's choice.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::faults::{assert_gone, host, stderr};
use super::root::{done, machine};
use crate::machine::Machine;
use crate::wait::output_of;

/// Two VMs with UEFI firmware; the second one has the store of the first by another name.
const SETTINGS: &str =
    "img0_id=8 img0_loader=uefi img0_hd0=@DIR@/vm/img0 img0_uefi_vars=@DIR@/vm/vars/img0
img1_id=9 img1_loader=uefi img1_hd0=@DIR@/vm/img1 img1_uefi_vars=@DIR@/vm/vars/img1";

fn store(machine: &Machine, vm: &str) -> PathBuf {
    machine.path().join("vm/vars").join(vm)
}

/// A machine with a system on each disk, and the directory of the stores.
fn with_disks() -> Machine {
    let machine = machine(host(), SETTINGS);
    for vm in ["img0", "img1"] {
        fs::write(machine.path().join("vm").join(vm), "a system").unwrap();
    }
    let directory = machine.path().join("vm/vars");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    machine
}

/// The refusal of a boot, after which nothing runs.
#[track_caller]
fn refused(machine: &Machine, vm: &str) -> String {
    let output = output_of(machine.program(&[&format!("{vm}-boot")]));
    assert!(!output.status.success(), "{output:?}");
    stderr(&output)
}

#[test]
fn a_store_is_made_whole_for_root_alone_and_never_again() {
    let machine = with_disks();
    done(&machine, &["img0-boot"]);
    let about = fs::metadata(store(&machine, "img0")).unwrap();
    let template = machine.path().join("share/edk2-bhyve/BHYVE_UEFI_VARS.fd");
    let mode = about.permissions().mode() & 0o777;
    assert_eq!((mode, about.nlink()), (0o600, 1), "{mode:o}");
    assert_eq!(about.len(), fs::metadata(template).unwrap().len());
    done(&machine, &["img0-shutdown", "-f"]);
    let inode = about.ino();
    done(&machine, &["img0-boot"]);
    let about = fs::metadata(store(&machine, "img0")).unwrap();
    assert_eq!(about.ino(), inode);
    done(&machine, &["img0-shutdown", "-f"]);
    let left = fs::read_dir(machine.path().join("vm/vars")).unwrap();
    assert_eq!(left.count(), 1);
}

#[test]
fn two_names_of_one_store_are_one_store() {
    let machine = with_disks();
    done(&machine, &["img0-boot"]);
    fs::hard_link(store(&machine, "img0"), store(&machine, "img1")).unwrap();
    let said = refused(&machine, "img1");
    assert!(
        said.contains("img0 uses a disk or the UEFI variables of img1"),
        "{said}"
    );
    assert!(machine.host().state.harm.is_empty());
    done(&machine, &["img0-shutdown", "-f"]);
    done(&machine, &["img1-boot"]);
    done(&machine, &["img1-shutdown", "-f"]);
}

#[test]
fn what_another_user_may_have_planted_is_not_followed() {
    let machine = with_disks();
    let (path, victim) = (store(&machine, "img0"), machine.path().join("victim"));
    fs::write(&victim, vec![0; 540_672]).unwrap();
    symlink(&victim, &path).unwrap();
    let said = refused(&machine, "img0");
    assert!(said.contains("is a symbolic link, not a file"), "{said}");
    fs::remove_file(&path).unwrap();

    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let said = refused(&machine, "img0");
    assert!(said.contains("not a file"), "{said}");
    fs::remove_file(&path).unwrap();

    let directory = machine.path().join("vm/vars");
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    let said = refused(&machine, "img0");
    assert!(
        said.contains("other users than root may write to"),
        "{said}"
    );

    fs::rename(&directory, machine.path().join("vm/real")).unwrap();
    symlink(machine.path().join("vm/real"), &directory).unwrap();
    let said = refused(&machine, "img0");
    assert!(
        said.contains("is a symbolic link, not a directory"),
        "{said}"
    );
    assert!(fs::read(&victim).unwrap().iter().all(|byte| *byte == 0));
    assert_gone(&machine);
}
