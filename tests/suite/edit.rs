//! `set` and `new` by the real program: the changes of the files, and the output.

mod files;
mod line_ends;
mod meanwhile;
mod new;
mod running;
mod signals;

use crate::place::{PROGRAM, Place, Said};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const HOST: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\n";

/// A configuration of one file, behind the settings of the host.
fn place(vms: impl AsRef<[u8]>) -> Place {
    let place = Place::new();
    place.write("c.conf", [HOST.as_bytes(), vms.as_ref()].concat());
    place
}

fn say(place: &Place, words: &[&str]) -> Said {
    place.say(PROGRAM, words, "c.conf")
}

/// The text behind the settings of the host.
fn vms(place: &Place) -> Vec<u8> {
    let text = fs::read(place.path("c.conf")).unwrap();
    text.strip_prefix(HOST.as_bytes()).unwrap().to_vec()
}

/// Names in the directory of the configuration.
fn names(place: &Place) -> Vec<String> {
    entries_of(&place.path(""))
}

/// Names in a directory, in order.
fn entries_of(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Edits in a place of its own, by a run and by its script, and asserts the same bytes for both.
#[track_caller]
fn edited(before: impl AsRef<[u8]>, words: &[&str]) -> (Said, Vec<u8>) {
    let run = place(before.as_ref());
    let said = say(&run, words);
    let after = vms(&run);
    assert_eq!(names(&run), ["c.conf"]);

    let shown = place(before.as_ref());
    let output = shown
        .call(PROGRAM)
        .env("EASY_BHYVE_CONFIG", shown.path("c.conf"))
        .env("EASY_BHYVE_PATH", "/bin:/usr/bin")
        .arg(words[0])
        .args(["-d", "--format", "sh"])
        .args(&words[1..])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), said.status);
    assert_eq!(vms(&shown), before.as_ref(), "-d has changed the file");
    if said.status == Some(0) {
        let script = shown.write("script", &output.stdout);
        let status = Command::new("sh").arg(&script).status().unwrap();
        fs::remove_file(script).unwrap();
        assert!(status.success());
        assert_eq!(vms(&shown), after, "the script leaves another text");
        assert_eq!(names(&shown), ["c.conf"]);
    }
    let err = said.err.replace(&run.shown("c.conf"), "c.conf");
    (Said { err, ..said }, after)
}

/// The output of a call that changes something.
#[track_caller]
fn changes(before: &[u8], words: &[&str], after: &[u8], err: &str) {
    let (said, text) = edited(before, words);
    assert_eq!(said, Said::new(0, "", err));
    assert_eq!(
        String::from_utf8_lossy(&text),
        String::from_utf8_lossy(after)
    );
    assert_eq!(text, after);
}

/// The output of a call that is refused; it leaves the file unchanged.
#[track_caller]
fn refuses(before: &str, words: &[&str], status: i32, err: &str) {
    let (said, text) = edited(before, words);
    assert_eq!(said, Said::new(status, "", err));
    assert_eq!(String::from_utf8(text).unwrap(), before);
}

#[test]
fn a_value_is_replaced_and_the_text_around_it_stays() {
    changes(
        b"\ta_id=1;  export a_mem=\"256M\"\t# \xa4\xa2 a_mem=9\r\x0b\n\nlast=\xff",
        &["set", "a", "mem=512M"],
        b"\ta_id=1;  export a_mem=512M\t# \xa4\xa2 a_mem=9\r\x0b\n\nlast=\xff",
        "easy-bhyve: c.conf:2:18: a_mem=512M (was 256M)\n",
    );
}

#[test]
fn the_last_of_several_assignments_is_edited() {
    changes(
        b"a_mem=1G a_id=1\na_mem=2G a_mem=3G # two\nb=$a_mem\n",
        &["set", "a", "mem=4G"],
        b"a_mem=1G a_id=1\na_mem=2G a_mem=4G # two\nb=$a_mem\n",
        "easy-bhyve: c.conf:3:10: a_mem=4G (was 3G)\n",
    );
}

#[test]
fn a_new_key_gets_a_line_behind_the_last_setting_of_its_vm() {
    let cases: [(&[u8], &[u8]); 6] = [
        (b"a_id=1\nb_id=2\n", b"a_id=1\na_mem=1G\nb_id=2\n"),
        // Not within quotes that span lines, nor within a comment behind them.
        (
            b"a_id=1\na_grub_install='x\ny' b_id=2 # it's\nc=1\n",
            b"a_id=1\na_grub_install='x\ny' b_id=2 # it's\na_mem=1G\nc=1\n",
        ),
        // Not within a continued line.
        (
            b"a_id=1 \\\n  b_id=2\nc=1\n",
            b"a_id=1 \\\n  b_id=2\na_mem=1G\nc=1\n",
        ),
        // A comment is not continued, whatever it ends with.
        (
            b"a_id=1 # x \\\nb_id=2\n",
            b"a_id=1 # x \\\na_mem=1G\nb_id=2\n",
        ),
        // A newline that is missing at the end stays missing.
        (b"b_id=2\na_id=1 # x", b"b_id=2\na_id=1 # x\na_mem=1G"),
        // A setting of another VM with a longer name is not one of this VM.
        (b"a_id=1\na_b_id=2\n", b"a_id=1\na_mem=1G\na_b_id=2\n"),
    ];
    for (before, after) in cases {
        let (said, text) = edited(before, &["set", "a", "mem=1G"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(said.err.ends_with(": a_mem=1G (new)\n"), "{said:?}");
        assert_eq!(
            String::from_utf8_lossy(&text),
            String::from_utf8_lossy(after)
        );
    }
}

#[test]
fn several_new_keys_are_added_in_the_order_in_which_they_were_typed() {
    changes(
        b"a_id=1",
        &["set", "a", "mem=1G", "cpu=2", "id=3"],
        b"a_id=3\na_mem=1G\na_cpu=2",
        "easy-bhyve: c.conf:3:1: a_mem=1G (new)\n\
         easy-bhyve: c.conf:4:1: a_cpu=2 (new)\n\
         easy-bhyve: c.conf:2:1: a_id=3 (was 1)\n",
    );
}

#[test]
fn an_existing_older_spelling_is_edited_and_both_if_both_exist() {
    changes(
        b"a_id=1\na_grub_inst=x\n",
        &["set", "a", "grub_install=echo \"it's\" $z"],
        b"a_id=1\na_grub_inst='echo \"it'\\''s\" $z'\n",
        "easy-bhyve: c.conf:3:1: a_grub_inst='echo \"it'\\''s\" $z' (was x)\n",
    );
    changes(
        b"a_id=1\na_gpt=gpt2 a_grub_root= a_grub_bootpart=gpt2\n",
        &["set", "a", "grub_root=gpt3"],
        b"a_id=1\na_gpt=gpt3 a_grub_root= a_grub_bootpart=gpt3\n",
        "easy-bhyve: c.conf:3:25: a_grub_bootpart=gpt3 (was gpt2)\n\
         easy-bhyve: c.conf:3:1: a_gpt=gpt3 (was gpt2)\n",
    );
}

#[test]
fn an_empty_value_counts_as_not_set() {
    changes(
        b"a_id=1 a_mem='2G' # x\n",
        &["set", "a", "mem="],
        b"a_id=1 a_mem= # x\n",
        "easy-bhyve: c.conf:2:8: a_mem= (was 2G)\n",
    );
    changes(
        b"a_id=1 a_mem=;x=1\n",
        &["set", "a", "mem=2G"],
        b"a_id=1 a_mem=2G;x=1\n",
        "easy-bhyve: c.conf:2:8: a_mem=2G (was empty)\n",
    );
}

#[test]
fn a_refused_edit_is_shown_in_its_place_and_not_written() {
    refuses(
        "a_id=1\na_mem=1G\n",
        &["set", "a", "cpu=2", "mem=lots"],
        1,
        "easy-bhyve: a_mem: \"lots\" is not a memory size: the size must begin with a whole number; \
         write for example 512M or 4G\n \
         --> c.conf:3:7\n  |\n3 | a_mem=lots\n  |       ^^^^\n  |\n  = note: nothing was written\n",
    );
    refuses(
        "a_id=1\nb_id=2\n",
        &["set", "a", "id=2"],
        1,
        "easy-bhyve: b and a have the same id, 2\n \
         --> c.conf:3:6\n  |\n3 | b_id=2\n  |      ^\n  |\n  = note: a_id is set at c.conf:2:6\n  \
         = note: nothing was written\n  \
         = help: set another id for one VM: the id is the number of its tap and console\n",
    );
    let beside = Place::new();
    beside.write("empty", "");
    let (path, mark) = (beside.shown(""), "^".repeat(beside.shown("").len() + 12));
    refuses(
        &format!("a_id=1\na_grub_boot=empty\n. {path}$a_grub_boot\n"),
        &["set", "a", "grub_bootcmd=none"],
        1,
        &format!(
            "easy-bhyve: could not read {path}none: No such file or directory (os error 2)\n \
         --> c.conf:4:3\n  |\n4 | . {path}$a_grub_boot\n  |   {mark}\n  |\n  \
         = note: nothing was written\n  \
         = help: name an existing file; a relative name starts at the configuration's directory\n"
        ),
    );
}

#[test]
fn a_line_that_would_become_part_of_another_value_is_not_written() {
    // The backslash at the end of the file would join the lines.
    refuses(
        "a_id=1\nb=x\\",
        &["new", "c"],
        1,
        "easy-bhyve: the new text would change b, too\n \
         --> c.conf:3:1\n  |\n3 | b=x\\\n  | ^\n  |\n  = note: nothing was written\n  \
         = help: a backslash at the end of the file joins lines, and ${x:=w} sets x: edit the file by hand\n",
    );
}

#[test]
fn a_value_within_an_expansion_is_not_edited() {
    refuses(
        "a_id=1\nx=${a_mem:=1G}\n",
        &["set", "a", "mem=2G"],
        1,
        "easy-bhyve: a_mem is set within an expansion\n \
         --> c.conf:3:5\n  |\n3 | x=${a_mem:=1G}\n  |     ^^^^^^^^^\n  |\n  \
         = help: set edits only a plain NAME=VALUE: change this setting by hand\n",
    );
}

#[test]
fn an_edit_that_an_expansion_would_override_is_refused() {
    refuses(
        "a_id=1 a_mem=2G\nx=${a_mem:=1G}\n",
        &["set", "a", "mem="],
        1,
        "easy-bhyve: a_mem would not be ''\n \
         --> c.conf:3:5\n  |\n3 | x=${a_mem:=1G}\n  |     ^^^^^\n  |\n  \
         = note: nothing was written\n  \
         = help: the marked setting overrides the new text: change the marked setting by hand\n",
    );
}

#[test]
fn wrong_words_are_refused_with_the_nearest() {
    for (words, err) in [
        (
            &["set", "a", "memm=1G"][..],
            "invalid value 'memm=1G' for '<[VM] KEY=VALUE>...': \"memm\" is not a key of a VM; the nearest key is mem\n",
        ),
        (
            &["new", "b", "--", "hd=x"],
            "invalid value 'hd=x' for '[KEY=VALUE]...': \"hd\" is not a key of a VM; the nearest key is hd0\n",
        ),
        (
            &["set", "a", "mem"],
            "\"mem\": expected KEY=VALUE, for example mem=512M\n",
        ),
        (&["set", "a", "mem=1", "mem=2"], "mem is given twice\n"),
        (
            &["set", "bridg=x"],
            "invalid value 'bridg=x' for '<[VM] KEY=VALUE>...': \"bridg\" is not a key of a VM; the nearest variable of the host is bridge\n",
        ),
        (
            &["set", "a_mem=1G"],
            "invalid value 'a_mem=1G' for '<[VM] KEY=VALUE>...': \"a_mem\" is not a key of a VM; the name of a VM is a word of its own: a mem=VALUE\n",
        ),
        (
            &["set", "a", "netif=em1"],
            "netif is not a key of a VM, but of the host\n",
        ),
        (
            &["set", "a", "gpt=gpt1", "grub_root=gpt2"],
            "gpt and grub_root are the same key\n",
        ),
        (&["set", "a", "id="], "the id of a must not be empty\n"),
        (&["set", "c", "mem=1G"], "there is no VM \"c\" in "),
        (
            &["new", "1a"],
            "\"1a\" is not a VM name: the first character must be a letter\n",
        ),
        (&["new", "b", "id=1", "id=2"], "id is given twice\n"),
        (&["new", "a"], "VM a already exists\n"),
    ] {
        let place = place("a_id=1\n");
        let said = say(&place, words);
        let begins = format!("easy-bhyve: {err}");
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.starts_with(&begins), "{said:?}");
        assert_eq!(vms(&place), b"a_id=1\n");
    }
}

/// A child that has been started with nothing on its standard input.
fn start(place: &Place, words: &[&str]) -> Child {
    place
        .call(PROGRAM)
        .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn each_of_several_calls_at_once_is_done_or_refused_and_none_is_lost() {
    let place = place("a_id=1\n");
    let (mut done, mut rounds) = (Vec::new(), 0);
    while rounds < 10 {
        rounds += 1;
        let children: Vec<(String, Child)> = (0..4)
            .map(|number| {
                let name = format!("v{rounds}_{number}");
                let child = start(&place, &["new", &name, &format!("id={rounds}{number}")]);
                (name, child)
            })
            .collect();
        for (name, child) in children {
            let said = Said::of(&child.wait_with_output().unwrap());
            match said.status {
                Some(0) => done.push(name),
                _ => assert!(
                    said.err.contains("it has changed since it was read"),
                    "{said:?}"
                ),
            }
        }
    }
    let text = String::from_utf8(vms(&place)).unwrap();
    let mut there: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix('v')?.split_once("_id="))
        .map(|(name, _)| name)
        .collect();
    there.sort_unstable();
    let mut wanted: Vec<&str> = done.iter().map(|name| &name[1..]).collect();
    wanted.sort_unstable();
    assert!(wanted.len() >= rounds, "no call succeeded in a round");
    assert_eq!(there, wanted);
    assert_eq!(names(&place), ["c.conf"]);
}

#[test]
fn owner_and_mode_stay_and_a_link_stays_a_link() {
    let place = place("a_id=1\n");
    fs::rename(place.path("c.conf"), place.write("below/real.conf", "")).unwrap();
    place.link("c.conf", "below/real.conf");
    let real = place.path("below/real.conf");
    fs::set_permissions(&real, Permissions::from_mode(0o604)).unwrap();
    // Only root can test that the owner stays; other users own all of their files.
    let is_root = std::os::unix::fs::chown(&real, Some(1234), Some(1235)).is_ok();
    let before = fs::metadata(&real).unwrap();
    let said = say(&place, &["set", "a", "mem=1G"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let after = fs::metadata(&real).unwrap();
    assert_eq!(
        (after.mode(), after.uid(), after.gid()),
        (before.mode(), before.uid(), before.gid())
    );
    assert_eq!(is_root, after.uid() == 1234);
    assert!(
        fs::symlink_metadata(place.path("c.conf"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(vms(&place), b"a_id=1\na_mem=1G\n");
}
