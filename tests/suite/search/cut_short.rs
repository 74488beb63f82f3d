//! A configuration that is missing because its replacement was interrupted is not skipped.

use super::{Layout, PLACES, config, memory, overlay};
use crate::place::Said;
use std::path::Path;
use std::process::Command;

/// A refusal that names both files, as the first line and the line for the shell.
fn refusal(path: &Path, old: &Path) -> (String, String) {
    let (path, old) = (path.display(), old.display());
    let what = format!(
        "vm-resources: the configuration {path} is missing: its replacement was \
         interrupted\n  its previous text is in {old}\n"
    );
    (what, format!("mv '{old}' '{path}'"))
}

/// Asserts the refusal, and follows its remedy.
#[track_caller]
fn refused_and_put_back(call: &mut Command, path: &Path, old: &Path) {
    let said = Said::of(&call.output().unwrap());
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""), "{said:?}");
    let (what, line) = refusal(path, old);
    let begin = "  help: unless a replacement is running now, restore the file: ";
    let help = said
        .err
        .strip_prefix(&what)
        .unwrap_or_else(|| panic!("{said:?}"));
    let told = help.strip_prefix(begin).unwrap().trim_end();
    assert_eq!(told.replace('\'', ""), line.replace('\'', ""));
    let done = Command::new("/bin/sh").args(["-c", told]).status();
    assert!(done.unwrap().success(), "{told}");
}

#[test]
fn neither_the_file_of_this_host_nor_a_later_place_replaces_it() {
    for directory in PLACES {
        let layout = Layout::new();
        layout
            .place
            .write("xdg/easy-bhyve/easy-bhyve.conf", config("9M"));
        layout
            .place
            .write(&format!("{directory}/{}", overlay()), config("8M"));
        let path = layout.place.path(format!("{directory}/easy-bhyve.conf"));
        let _ = std::fs::remove_file(&path);
        let old = format!("{directory}/easy-bhyve.conf.aB3dE6.old");
        let old = layout.place.write(&old, config("1M"));
        refused_and_put_back(&mut layout.call(), &path, &old);
        let own = layout.place.path(format!("{directory}/{}", overlay()));
        std::fs::remove_file(own).unwrap();
        assert_eq!(memory(&mut layout.call()), "1M", "{directory}");
    }
}

#[test]
fn the_missing_file_of_this_host_is_noticed_beside_the_other() {
    let layout = Layout::new();
    layout
        .place
        .write("user/bin/eb/easy-bhyve.conf", config("1M"));
    let old = format!("user/bin/eb/{}.aB3dE6.old", overlay());
    let old = layout.place.write(&old, "vm_mem=2M\n");
    let path = layout.place.path("user/bin/eb").join(overlay());
    refused_and_put_back(&mut layout.call(), &path, &old);
    assert_eq!(memory(&mut layout.call()), "2M");
}

#[test]
fn a_missing_named_file_is_noticed_and_the_remedy_is_quoted() {
    let layout = Layout::new();
    let old = layout
        .place
        .write("it is/$HOME.conf.aB3dE6.old", config("3M"));
    let path = layout.place.path("it is/$HOME.conf");
    let named = |call: &mut Command| {
        call.arg("--config").arg(&path);
    };
    let mut call = layout.call();
    named(&mut call);
    refused_and_put_back(&mut call, &path, &old);
    assert_eq!(memory(&mut call), "3M");
}
