//! The output in README is that of the program.

use crate::call::call_with_file;
use crate::case::root;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;

#[test]
fn the_boot_in_readme_is_the_output_of_the_program() {
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
    let (_, section) = readme.split_once("\n## The preview\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, shown) = section.rsplit_once("```sh\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    similar_asserts::assert_eq!(shown, preview);
}

#[test]
fn readme_is_for_newcomers() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.lines().count();
    assert!(
        lines <= 300,
        "{lines} lines: reference belongs into the manual pages"
    );
}
