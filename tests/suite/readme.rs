//! The output in README is that of the program.

use crate::call::call;
use crate::case::root;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;

#[test]
fn the_boot_in_readme_is_the_output_of_the_program() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let block = |line: &str| {
        let mut blocks = readme.split("```");
        let found = blocks.find(|block| block.starts_with(&format!("sh\n{line}")));
        found.unwrap().strip_prefix("sh\n").unwrap()
    };
    // The VM of README, on a host on which it was installed.
    let config = [block("bridge="), block("deb0_id=")].concat();
    let mut fake = Fake::new(
        Host::freebsd(14)
            .with_volume("zroot/vm/deb0", 20 << 30)
            .with_store("/var/db/easy-bhyve/deb0/uefi-vars", 528 << 10),
        USER,
    );
    let said = call(&mut fake, &config, &["deb0-boot", "-d"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    let preview = said.out.replace(" --config easy-bhyve.conf", "");

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
