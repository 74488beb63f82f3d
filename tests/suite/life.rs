//! One VM's whole life on the simulated host, in this process.

use crate::fake::Fake;
use crate::host::Host;
use easy_bhyve::process::{Clock, Process, SEARCH_PATH};
use easy_bhyve::run::Output;
use std::collections::HashMap;
use std::path::PathBuf;

/// What a call left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Calls the program by the first word, as this host's user.
pub(crate) fn call(fake: &mut Fake, config: &str, words: &[&str]) -> Said {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("easy-bhyve.conf");
    std::fs::write(&file, config).unwrap();
    let mut args: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
    args.extend(["--config".into(), file.into()]);
    let process = Process {
        args,
        environment: HashMap::new(),
        directory: "/".into(),
        program: "/usr/local/bin/easy-bhyve".into(),
        uid: fake.uid,
        host_name: "vmhost.example.org".into(),
        clock: Clock::Fixed(
            chrono::NaiveDate::from_ymd_opt(2026, 11, 23)
                .unwrap()
                .and_hms_opt(12, 34, 56)
                .unwrap(),
        ),
        search_path: SEARCH_PATH.into(),
        devices: PathBuf::from("/dev"),
        scratch: PathBuf::from("/tmp/easy-bhyve.scratch0"),
        colour: false,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = easy_bhyve::main(
        &process,
        fake,
        &mut Output {
            out: &mut out,
            err: &mut err,
        },
    );
    Said {
        status,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=/iso/fbsd.iso
deb0_id=2 deb0_cd0=/iso/deb.iso
";

#[test]
fn a_vm_is_made_installed_booted_and_shut_down() {
    for release in [14, 15] {
        let host = Host::freebsd(release)
            .with_image("/iso/fbsd.iso", 1 << 30)
            .with_image("/iso/deb.iso", 1 << 30);
        let mut fake = Fake::new(host, 1001);
        for words in [
            &["fbsd0-resources", "-V", "20g", "-s"][..],
            &["fbsd0-install"],
            &["fbsd0-boot"],
            &["fbsd0-snapshot", "before", "x"],
            &["easy-bhyve", "status"],
            &["easy-bhyve", "list"],
        ] {
            let said = call(&mut fake, CONFIG, words);
            assert_eq!(said.status, 0, "{words:?}: {said:?}");
            println!("{words:?}\n{}{}", said.out, said.err);
        }
        fake.host.advance(60.0);
        for words in [
            &["fbsd0-shutdown"][..],
            &["fbsd0-clean"],
            &["fbsd0-rollback"],
            &["fbsd0-clone", "new0"],
            &["fbsd0-history"],
        ] {
            let said = call(&mut fake, CONFIG, words);
            println!("{words:?}\n{}{}", said.out, said.err);
            assert_eq!(said.status, 0, "{words:?}: {said:?}");
        }
        assert!(fake.host.state.vms.is_empty() && !fake.host.state.interfaces.contains_key("tap1"));
    }
}
