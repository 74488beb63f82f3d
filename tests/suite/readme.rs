//! What README shows of the program's output is what the program prints.

use crate::call::call_with_file;
use crate::case::root;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use easy_bhyve::config::settings;

#[test]
fn the_boot_in_readme_is_what_the_program_prints() {
    let mut fake = Fake::new(
        Host::freebsd(14).with_volume("zroot/vm/deb0", 20 << 30),
        USER,
    );
    let config = root().join("examples/easy-bhyve.conf");
    let said = call_with_file(&mut fake, &config, &["deb0-boot", "-d"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    let preview = said.out.replace("deb0.scratch0", "deb0.kq5xefs6");
    let preview = preview.replace(" --config easy-bhyve.conf", "");

    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (opening, _) = readme.split_once("\n## ").unwrap();
    let (_, shown) = opening.rsplit_once("```sh\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    similar_asserts::assert_eq!(shown, preview);
}

#[test]
fn the_settings_of_readme_are_those_of_the_table() {
    let host = settings::HOST
        .iter()
        .map(|one| format!("| `{}` | {} | {} |", one.name, one.default, one.meaning));
    let vm = settings::VM.iter().map(|one| {
        let older: Vec<String> = one.older.iter().map(|name| format!("`{name}`")).collect();
        let older = match older.as_slice() {
            [] => String::new(),
            older => format!("{} ", older.join(", ")),
        };
        format!(
            "| `{}` | {older}| {} | {} |",
            one.name, one.default, one.meaning
        )
    });
    assert_eq!(rows("### Host variables"), host.collect::<Vec<_>>());
    let mut shown = rows("### VM variables");
    let mut known: Vec<String> = vm.collect();
    // README has its own order.
    shown.sort();
    known.sort();
    assert_eq!(shown, known);
}

/// The rows of the table below a heading of README, without its head.
fn rows(heading: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, below) = readme.split_once(&format!("\n{heading}\n")).unwrap();
    let table = below.lines().skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|'));
    table.skip(2).map(str::to_owned).collect()
}
