//! A disk is created completely or not at all.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::faults::{host, stderr};
use super::rig::send;
use super::root::{begin, done, machine};
use crate::machine::Machine;
use crate::place::write_script;
use crate::wait::{output_of, until};

/// Two VMs; the second one has the disk of the first, an image file.
const SETTINGS: &str = "img0_id=8 img0_freebsd=YES img0_hd0=@DIR@/vm/img0
img1_id=9 img1_freebsd=YES img1_hd0=@DIR@/vm/img0";

fn image(machine: &Machine) -> PathBuf {
    machine.path().join("vm/img0")
}

/// Makes dd(1) create its file, and hang.
fn let_dd_hang(machine: &Machine) {
    let dd = machine.path().join("bin/dd");
    fs::remove_file(&dd).unwrap();
    let text = "for word; do case $word in of=*) printf x >\"${word#of=}\" ;; esac; done\n\
                : >\"${0%/*}/../dd.runs\"\nexec sleep 600\n";
    write_script(&dd, text);
}

/// The processes of this machine that are a `sleep 600`.
fn dd_of(machine: &Machine) -> Vec<i32> {
    let directory = machine.path().to_str().unwrap().to_owned();
    let all = fs::read_dir("/proc").unwrap();
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let surroundings = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        line.starts_with(b"sleep\x00600")
            && String::from_utf8_lossy(&surroundings).contains(&directory)
    })
    .collect()
}

#[test]
fn an_image_belongs_to_its_owner_alone_and_has_one_name() {
    for sparse in [&["-s"][..], &[]] {
        let machine = machine(host(), SETTINGS);
        let words = [&["img0-resources", "-V", "1M"][..], sparse].concat();
        done(&machine, &words);
        let about = fs::metadata(image(&machine)).unwrap();
        let mode = about.permissions().mode() & 0o777;
        assert_eq!(
            (mode, about.len(), about.nlink()),
            (0o600, 1 << 20, 1),
            "{mode:o}"
        );
        assert_eq!(fs::read_dir(machine.path().join("vm")).unwrap().count(), 1);
    }
}

#[test]
fn no_disk_is_created_where_every_user_can_rename_it() {
    let machine = machine(host(), SETTINGS);
    let directory = machine.path().join("vm");
    let words = ["img0-resources", "-V", "1M", "-s"];
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    for more in [&[][..], &["-d"]] {
        let output = output_of(machine.program(&[&words[..], more].concat()));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let help = format!("chmod o-w {}", directory.display());
        assert!(
            said.contains("every user may rename") && said.contains(&help),
            "{said}"
        );
    }
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    fs::set_permissions(&directory, Permissions::from_mode(0o1777)).unwrap();
    done(&machine, &words);
}

#[test]
fn a_file_of_another_user_beside_an_image_is_not_written_to() {
    for way in ["run", "script"] {
        let machine = machine(host(), SETTINGS);
        let victim = machine.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        let planted = image(&machine).with_file_name(".img0.easy-bhyve");
        symlink(&victim, &planted).unwrap();
        let words = ["img0-resources", "-V", "1M"];
        if way == "run" {
            done(&machine, &words);
        } else {
            let shown =
                output_of(machine.program(&[&words[..], &["-d", "--format", "sh"]].concat()));
            let script = machine.path().join("script");
            fs::write(&script, shown.stdout).unwrap();
            let mut sh = machine.sh();
            sh.arg(script);
            let output = output_of(sh);
            assert!(output.status.success(), "{}", stderr(&output));
        }
        assert_eq!(fs::read(&victim).unwrap(), b"mine", "{way}");
        assert!(planted.is_symlink(), "{way}");
        let names = fs::read_dir(machine.path().join("vm")).unwrap();
        assert_eq!(names.count(), 2, "{way}");
    }
}

#[test]
fn a_disk_that_is_a_link_to_a_missing_file_is_refused() {
    let machine = machine(host(), SETTINGS);
    let elsewhere = machine.path().join("vm/elsewhere");
    symlink(&elsewhere, image(&machine)).unwrap();
    for (words, help) in [
        (
            &["img0-resources", "-V", "1M", "-s"][..],
            "remove the link, or set img0_hd0",
        ),
        (&["img0-boot"], "correct img0_hd0 or the link"),
    ] {
        let output = output_of(machine.program(words));
        let said = stderr(&output);
        let first = format!(
            "{}: disk {} is a link to {}, which does not exist\n",
            words[0],
            image(&machine).display(),
            elsewhere.display()
        );
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&first) && said.contains(help), "{said}");
    }
    assert!(!elsewhere.exists());
}

#[test]
fn a_disk_is_visible_only_once_it_is_complete_and_a_killed_run_leaves_none() {
    if !std::path::Path::new("/proc/self/environ").exists() {
        crate::place::skip("this system does not show the environment of a process");
        return;
    }
    let machine = machine(host(), SETTINGS);
    let_dd_hang(&machine);
    let mut first = begin(&machine, &["img0-resources", "-V", "1M"]);
    until("dd", || machine.path().join("dd.runs").exists());
    let boot = output_of(machine.program(&["img1-boot"]));
    assert_eq!(boot.status.code(), Some(1), "{}", stderr(&boot));
    assert!(
        stderr(&boot).contains("does not exist"),
        "{}",
        stderr(&boot)
    );
    let second = output_of(machine.program(&["img1-resources", "-V", "1M", "-s"]));
    let said = stderr(&second);
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(
        said.contains("img0 is a disk of img0, which is in use by pid "),
        "{said}"
    );
    let mut all = machine.host().state.processes.into_values();
    let root = all
        .find(|one| one.comm == "playground")
        .expect("a root side");
    send(root.pid, Signal::SIGKILL);
    first.wait().unwrap();
    // While dd lives no other process writes there.
    let third = output_of(machine.program(&["img0-resources", "-V", "1M", "-s"]));
    assert_eq!(third.status.code(), Some(2), "{}", stderr(&third));
    for pid in dd_of(&machine) {
        send(pid, Signal::SIGKILL);
    }
    until("the end of dd", || dd_of(&machine).is_empty());
    assert!(!image(&machine).exists());
    let last = output_of(machine.program(&["img0-resources", "-V", "1M", "-s"]));
    let said = stderr(&last);
    assert!(last.status.success(), "{said}");
    let named = said.split("remove it as root: rm -r ").nth(1);
    let named = named.and_then(|rest| rest.lines().next());
    fs::remove_dir_all(named.expect("what was left")).unwrap();
    assert_eq!(fs::metadata(image(&machine)).unwrap().len(), 1 << 20);
    assert_eq!(fs::read_dir(machine.path().join("vm")).unwrap().count(), 1);
}
