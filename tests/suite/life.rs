//! The whole life of a VM on the simulated host, in this process.

use crate::call::{call, call_in_directory, call_with_file, owner};
use crate::fake::Fake;
use crate::host::{Call, Edit, Host, Noise};
use easy_bhyve::model::name::VmName;
use easy_bhyve::plan::Test;
use easy_bhyve::tools::workers::{self, among};
use easy_bhyve::verb::Verb;
use std::path::Path;

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
        }
        fake.host().advance(60.0);
        for words in [
            &["fbsd0-shutdown"][..],
            &["fbsd0-clean"],
            &["fbsd0-rollback"],
            &["fbsd0-clone", "new0"],
            &["fbsd0-history"],
        ] {
            let said = call(&mut fake, CONFIG, words);
            assert_eq!(said.status, 0, "{words:?}: {said:?}");
        }
        assert!(
            fake.host().state.vms.is_empty() && !fake.host().state.interfaces.contains_key("tap1")
        );
    }
}

#[test]
fn a_running_vm_that_is_no_longer_configured_keeps_its_links_until_it_has_ended() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("easy-bhyve.conf");
    let host = Host::freebsd(14).with_volume("zroot/vm/fbsd0", 1 << 30);
    let mut fake = Fake::new(host, owner());
    let setup = |fake: &mut Fake| {
        let said = call_in_directory(fake, place.path(), "vmhost", &["easy-bhyve", "setup"]);
        let names = std::fs::read_dir(place.path().join("eb")).unwrap();
        let names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
        let ours = names.filter(|name| name.starts_with("fbsd0-")).count();
        (said.err, ours)
    };
    std::fs::write(&file, CONFIG).unwrap();
    let verbs = Verb::ALL.into_iter();
    let all = verbs.filter(|verb| !verb.needs_screen()).count();
    assert_eq!(setup(&mut fake).1, all);
    let said = call_with_file(&mut fake, &file, &["fbsd0-boot"]);
    assert_eq!(said.status, 0, "{said:?}");
    let lines = CONFIG.lines().filter(|line| !line.starts_with("fbsd0_"));
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let (err, kept) = setup(&mut fake);
    assert_eq!(kept, all, "{err}");
    assert!(
        err.contains(
            "fbsd0 is not in the configuration and still runs: its links are kept until it has \
             ended; to end it: easy-bhyve shutdown fbsd0\n"
        ),
        "{err}"
    );
    fake.advance(60.0);
    let said = call_with_file(&mut fake, &file, &["fbsd0-shutdown"]);
    assert_eq!(said.status, 0, "{said:?}");
    let (err, kept) = setup(&mut fake);
    assert_eq!(kept, 0, "{err}");
    assert!(err.contains("removed 15 links of fbsd0 from eb"), "{err}");
}

#[test]
fn a_wait_ends_at_its_limit_however_long_its_questions_take() {
    let mut host = Host::freebsd(14)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_running_vm("fbsd0", "/dev/zvol/zroot/vm/fbsd0", "tap1");
    host.state.guest.button_ms = None;
    host.advance(60.0);
    for nth in 1..500 {
        host.before("ps", nth, Edit::Advance(1000));
    }
    let mut fake = Fake::new(host, 1001);
    let before = fake.host().state.clock_ms;
    let said = call(&mut fake, CONFIG, &["fbsd0-shutdown"]);
    let passed = fake.host().state.clock_ms - before;
    assert_eq!(said.status, 1, "{said:?}");
    assert!((60_000..75_000).contains(&passed), "{passed} ms: {said:?}");
}

#[test]
fn a_bhyve_counts_as_running_from_its_fork_on_and_its_name_is_compared_as_a_whole() {
    let vm = VmName::parse("web").unwrap();
    let Test::Works(workers) = workers::is_alive(&vm) else {
        panic!("the question lists processes");
    };
    let are_seen = |host: &mut Host| {
        let answer = host.run(&Call::new(workers.command.argv()));
        !among(&workers, &answer.stdout()).is_empty()
    };
    let long = format!("bhyve -s 3:0,virtio-blk,/{} web", "d".repeat(3000));
    for (argv, is_seen) in [
        ("daemon -c -f bhyve -c 1 -l com1,/dev/nmdm1A web", true),
        ("bhyve -c 1 -l com1,/dev/nmdm1A web", true),
        ("bhyve -c 1 -l com1,/dev/nmdm1A myweb", false),
        ("bhyve -c 1 -l com1,/dev/nmdm1A web2", false),
        ("daemon -c -f sleep web", false),
        ("vi bhyve web", false),
        (&long, true),
    ] {
        let mut host = Host::freebsd(14);
        let argv: Vec<&str> = argv.split(' ').collect();
        host.add_process(0, 1, argv[0], &argv);
        assert_eq!(are_seen(&mut host), is_seen, "{argv:?}");
    }
    let mut running = Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
    assert!(are_seen(&mut running));
}

#[test]
fn the_wait_for_a_bhyve_is_limited_by_the_clock_however_long_its_output_is() {
    for (title_ms, status) in [(400, 0), (600_000, 1)] {
        let mut host = Host::freebsd(14).with_volume("zroot/vm/fbsd0", 1 << 30);
        host.state.guest.title_ms = title_ms;
        host.state.guest.noise = Some(Noise {
            bytes: 80,
            every_ms: Some(10),
        });
        let mut fake = Fake::new(host, 1001);
        let before = fake.host().state.clock_ms;
        let said = call(&mut fake, CONFIG, &["fbsd0-boot"]);
        let passed = fake.host().state.clock_ms - before;
        assert_eq!(said.status, status, "{said:?}");
        let limit = "bhyve did not start within 10 s";
        assert_eq!(said.err.contains(limit), status == 1, "{said:?}");
        assert!(passed < 30_000, "{passed} ms");
    }
}

#[test]
fn a_restart_waits_for_the_lock_of_the_vm_that_it_has_ended_for_a_bounded_time() {
    for (linger_ms, status) in [(8_000, 0), (60_000, 2)] {
        let host = Host::freebsd(14).with_volume("zroot/vm/fbsd0", 1 << 30);
        let mut fake = Fake::new(host, 1001);
        let said = call(&mut fake, CONFIG, &["fbsd0-boot"]);
        assert_eq!(said.status, 0, "{said:?}");
        fake.host().advance(60.0);
        fake.let_locks_linger(linger_ms);
        let said = call(&mut fake, CONFIG, &["fbsd0-restart"]);
        assert_eq!(said.status, status, "{said:?}");
        assert_eq!(fake.host().state.vms.len(), usize::from(status == 0));
        let held = "fbsd0 is being started by pid";
        assert_eq!(said.err.contains(held), status == 2, "{said:?}");
        let log = &fake.logs()["fbsd0"];
        assert_eq!(log.contains("failed: "), status == 2, "{log}");
    }
}

#[test]
fn the_root_side_looks_where_the_caller_may_not() {
    const FILES: &str = "bridge=bridge0 netif=igb0 volroot=/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_hd0=/vm/closed/fbsd0
";
    let mut host = Host::freebsd(14);
    host.state.files.mkdir_all(Path::new("/vm/closed"));
    let mut fake = Fake::new(host, 1001);
    fake.close(Path::new("/vm/closed"));
    let said = call(&mut fake, FILES, &["fbsd0-boot"]);
    assert_eq!(said.status, 1, "{said:?}");
    let missing = "fbsd0-boot: disk /vm/closed/fbsd0 does not exist\n";
    assert!(said.err.starts_with(missing), "{said:?}");
    for words in [
        &["fbsd0-resources", "-V", "1M"][..],
        &["fbsd0-boot"],
        &["fbsd0-boot", "-d"],
    ] {
        if words == ["fbsd0-boot", "-d"] {
            let said = call(&mut fake, FILES, &["fbsd0-shutdown", "-f"]);
            assert_eq!(said.status, 0, "{said:?}");
        }
        let said = call(&mut fake, FILES, words);
        assert_eq!(said.status, 0, "{words:?}: {said:?}");
        let installed = Edit::WriteFile("/vm/closed/fbsd0".into(), b"a system".to_vec());
        fake.host().edit(&installed);
    }
    let said = call(&mut fake, FILES, &["fbsd0-resources", "-V", "1M"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.err.contains("/vm/closed/fbsd0 already exists"),
        "{said:?}"
    );
}

#[test]
fn a_list_of_many_vms_reads_only_the_records_that_exist() {
    let mut config = "bridge=bridge0 volroot=zroot/vm\n".to_owned();
    for id in 0..10_000 {
        config.push_str(&format!("a{id}_id={id}\n"));
    }
    for records in [0, 2] {
        let mut fake = Fake::new(Host::freebsd(14), 1001);
        for id in 0..records {
            let record = r#"{"schema":2,"supervisor":1,"phase":"ended","bhyve":null,"since":"","uptime":1,"restarts":0,"last_end":{"when":"","uptime":0,"reason":"halted","crashed":true}}"#;
            fake.write_record(&format!("a{id}"), record);
        }
        let said = call(&mut fake, &config, &["easy-bhyve", "list"]);
        assert_eq!(said.status, 0, "{}", said.err);
        assert_eq!(fake.reads(), records);
        assert_eq!(said.out.matches("  crashed ").count(), records);
    }
}
