//! The process that parses a disk for root.

use super::image;
use crate::case::root;
use crate::place::{PROGRAM, Place, Said};
use crate::wait::until;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// An image on whose GPT all 128 entries are the same file system: its report is larger than a pipe.
fn crowd() -> Vec<u8> {
    const TABLE: usize = 1024;
    const ENTRY: usize = 128;
    let mut bytes = fs::read(image("ubuntu-gpt")).expect("an image");
    let second = TABLE + ENTRY..TABLE + 2 * ENTRY;
    for number in 0..128 {
        bytes.copy_within(second.clone(), TABLE + ENTRY * number);
    }
    // So that each names more features.
    let features = 48 * 512 + 1024 + 0x5c;
    bytes[features..features + 4].fill(0xff);
    bytes
}

#[test]
fn it_has_no_rights_but_to_read_the_disk() {
    if !nix::unistd::geteuid().is_root() || !cfg!(target_os = "linux") {
        println!("not tested: only root's process drops rights, and /proc shows them");
        return;
    }
    let place = Place::new();
    let disk = place.write("disk", crowd());
    // As a child of the root side it inherits locks.
    let line = format!("exec 9<Cargo.toml; exec {PROGRAM} root-inspect /boot/grub");
    let mut child = Command::new("/bin/sh")
        .args(["-c", &line])
        .current_dir(root())
        .env_clear()
        .stdin(File::open(disk).expect("opened"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let about = |file: &str| {
        let path = format!("/proc/{}/{file}", child.id());
        fs::read_to_string(path).unwrap_or_default()
    };
    // It waits for the reader of its answer.
    until("the answer", || about("status").contains("State:\tS"));
    let status = about("status");
    for ids in [
        "Uid:\t65534\t65534\t65534\t65534",
        "Gid:\t65534\t65534\t65534\t65534",
        "Groups:\t \n",
    ] {
        assert!(status.contains(ids), "{ids}: {status}");
    }
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).expect("descriptors");
    let open = { open.flatten() }.map(|one| fs::read_link(one.path()).expect("a link"));
    let is_held = |path: PathBuf| path.ends_with("Cargo.toml");
    assert!(!open.into_iter().any(is_held));
    let limits = about("limits");
    let limits: Vec<Vec<&str>> = limits
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for limit in [
        "Max open files 0 0 files",
        "Max processes 0 0 processes",
        "Max file size 0 0 bytes",
        "Max core file size 0 0 bytes",
        "Max cpu time 5 5 seconds",
        "Max address space 268435456 268435456 bytes",
    ] {
        let limit: Vec<&str> = limit.split(' ').collect();
        assert!(limits.contains(&limit), "{limit:?}: {limits:?}");
    }
    let mut answer = String::new();
    let stdout = child.stdout.as_mut().expect("a pipe");
    stdout.read_to_string(&mut answer).expect("an answer");
    assert!(answer.len() > 64 << 10 && answer.starts_with("{\"Report\":"));
    assert!(child.wait().expect("ended").success());
}

#[test]
fn every_image_is_inspected_by_it_as_in_its_own_process() {
    let place = Place::new();
    let images = fs::read_dir(image("")).expect("the corpus");
    for entry in images {
        let path = entry.expect("an entry").path();
        let disk = place.write("disk", fs::read(&path).expect("an image"));
        let report =
            easy_bhyve::inspect::inspect(&fs::read(&path).expect("an image").as_slice(), None);
        let said = place.say(
            PROGRAM,
            ["inspect", &disk.display().to_string(), "--format", "json"],
            "none.conf",
        );
        assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{path:?}");
        let mut said: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let mut found = said["disks"][0].take();
        let found = found.as_object_mut().expect("an object");
        for added in ["path", "grub_reads", "loaders"] {
            found.remove(added).expect(added);
        }
        let own = serde_json::to_value(report.expect("readable")).expect("JSON");
        assert_eq!(own.as_object(), Some(&*found), "{path:?}");
    }
}

#[test]
fn only_the_program_itself_calls_it() {
    let place = Place::new();
    let said = place.say(PROGRAM, ["root-inspect"], "none.conf");
    let refused = "{\"Failed\":\"";
    assert!(
        said.out.starts_with(refused) || said.out.contains("\"table\":\"none\""),
        "{said:?}"
    );
    assert_eq!(said, Said::new(0, said.out.clone(), ""));
}
