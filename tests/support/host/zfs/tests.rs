use super::super::Status;
use super::*;

fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_commands(&["zfs snapshot zroot/vm/web@a", "zfs snapshot zroot/vm/web@b"])
}

fn root(line: &str) -> Call {
    Call::new(line.split(' ')).by_root()
}

/// Runs lines one after the other and compares status and error output.
fn check(host: &mut Host, table: &[(&str, i32, &str)]) {
    for (line, status, stderr) in table {
        let answer = host.run(&root(&format!("zfs {line}")));
        let expected = (Status::Exit(*status), (*stderr).to_owned());
        assert_eq!((answer.status, answer.stderr()), expected, "{line}");
    }
}

#[test]
fn volumes_are_created_and_refused() {
    let mut host = host();
    check(
        &mut host,
        &[
            ("create -s -o volmode=dev -V 20G zroot/vm/db", 0, ""),
            ("create -V 1.5G zroot/vm/thick", 0, ""),
            (
                "create -V 1G zroot/vm/db",
                1,
                "cannot create 'zroot/vm/db': dataset already exists\n",
            ),
            ("create -p -V 1G zroot/vm/db", 0, ""),
            (
                "create -V 1G zroot/no/db",
                1,
                "cannot create 'zroot/no/db': parent does not exist\n",
            ),
            (
                "create -V 1G tank/db",
                1,
                "cannot open 'tank': no such pool\n",
            ),
            (
                "create -V 9T zroot/vm/big",
                1,
                "cannot create 'zroot/vm/big': out of space\n",
            ),
            (
                "create -V 0 zroot/vm/none",
                1,
                "cannot create 'zroot/vm/none': volume size cannot be zero\n",
            ),
            (
                "create -V 1X zroot/vm/x",
                1,
                "bad volume size '1X': invalid numeric suffix 'X'\n",
            ),
            (
                "create -V 1G zroot/vm/a%b",
                1,
                "cannot create 'zroot/vm/a%b': invalid character % in name\n",
            ),
        ],
    );
    let volume = host.state.datasets["zroot/vm/db"].volume.clone();
    assert_eq!(
        volume.map(|volume| (volume.volsize, volume.refreservation)),
        Some((20 << 30, 0))
    );
    let thick = host.state.datasets["zroot/vm/thick"].volume.clone();
    assert!(thick.is_some_and(|volume| volume.refreservation > volume.volsize));
    let user = host.run(&Call::new(["zfs", "create", "-V", "1G", "zroot/vm/mine"]));
    assert_eq!(
        user,
        Answer::fail(1, "cannot create 'zroot/vm/mine': permission denied")
    );
}

/// zfsprops(7): `used`, `available`.
#[test]
fn a_dataset_uses_what_is_below_it_and_what_is_reserved() {
    let mut host = host();
    check(
        &mut host,
        &[
            ("create -V 10G zroot/vm/thick", 0, ""),
            ("clone zroot/vm/web@b zroot/vm/kid", 0, ""),
            ("create -s -V 10G zroot/vm/thin", 0, ""),
        ],
    );
    let mut numbers = |line: &str| -> Vec<u64> {
        let answer = host.run(&root(&format!("zfs {line}")));
        let numbers = answer.stdout();
        numbers.lines().map(|line| line.parse().unwrap()).collect()
    };
    let [pool, vm, kid, thick, thin, web] = numbers("list -Hpr -o used zroot").try_into().unwrap();
    assert!(thick > 10 << 30 && thin < 1 << 20 && web == 1 << 30);
    assert_eq!(kid, 0);
    assert_eq!(vm, (96 << 10) + thick + thin + web);
    assert_eq!(pool, (96 << 10) + vm);
    let [free] = numbers("get -Hp -o value available zroot")
        .try_into()
        .unwrap();
    assert_eq!(pool + free, 500 << 30);
    // What is reserved for a volume is available to it.
    let [own] = numbers("get -Hp -o value available zroot/vm/thick")
        .try_into()
        .unwrap();
    assert_eq!(own, free + thick - (56 << 10));
}

#[test]
fn snapshots_are_all_or_none() {
    let mut host = host();
    check(
        &mut host,
        &[
            ("create -s -V 1G zroot/vm/db", 0, ""),
            (
                "snapshot zroot/vm/db@c zroot/vm/web@a",
                1,
                "cannot create snapshot 'zroot/vm/web@a': dataset already exists\nno snapshots were created\n",
            ),
            (
                "snapshot zroot/vm/web@x/y",
                1,
                "cannot create snapshot 'zroot/vm/web@x/y': trailing slash in name\n",
            ),
            (
                "snapshot zroot/vm/web@x@y",
                1,
                "cannot create snapshot 'zroot/vm/web@x@y': multiple '@' and/or '#' delimiters in name\n",
            ),
            (
                "snapshot zroot/vm/web@a",
                1,
                "cannot create snapshot 'zroot/vm/web@a': dataset already exists\n",
            ),
            ("snapshot -r zroot/vm@all", 0, ""),
        ],
    );
    let labels: Vec<&String> = host.state.datasets["zroot/vm/web"]
        .snapshots
        .keys()
        .collect();
    assert_eq!(labels, ["a", "all", "b"]);
    let labels: Vec<&String> = host.state.datasets["zroot/vm/db"]
        .snapshots
        .keys()
        .collect();
    assert_eq!(labels, ["all"]);
}

#[test]
fn rollback_keeps_newer_snapshots_unless_it_is_forced() {
    let mut host = host();
    check(
        &mut host,
        &[
            (
                "rollback zroot/vm/web@a",
                1,
                "cannot rollback to 'zroot/vm/web@a': more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the following snapshots and bookmarks:\nzroot/vm/web@b\n",
            ),
            (
                "rollback zroot/vm/web@z",
                1,
                "cannot open 'zroot/vm/web@z': dataset does not exist\n",
            ),
            ("clone zroot/vm/web@b zroot/vm/db", 0, ""),
            (
                "rollback -r zroot/vm/web@a",
                1,
                "cannot rollback to 'zroot/vm/web@a': clones of previous snapshots exist\nuse '-R' to force deletion of the following clones and dependents:\nzroot/vm/db\n",
            ),
            ("promote zroot/vm/db", 0, ""),
            (
                "rollback -r zroot/vm/db@a",
                1,
                "cannot rollback to 'zroot/vm/db@a': clones of previous snapshots exist\nuse '-R' to force deletion of the following clones and dependents:\nzroot/vm/web\n",
            ),
            ("rollback zroot/vm/db@b", 0, ""),
        ],
    );
    assert_eq!(
        property(&host.state, "zroot/vm/web", "origin"),
        "zroot/vm/db@b".to_owned()
    );
}

#[test]
fn a_clone_inherits_nothing_that_was_set_on_its_origin() {
    let mut host = host();
    check(&mut host, &[("clone zroot/vm/web@a zroot/vm/db", 0, "")]);
    let get = "zfs get -Hp -o property,value,source volmode,refreservation,origin zroot/vm/db";
    assert_eq!(
        host.run(&root(get)),
        Answer::out(
            "volmode\tdefault\tdefault\nrefreservation\t0\tdefault\norigin\tzroot/vm/web@a\t-\n"
        )
    );
    check(
        &mut host,
        &[
            (
                "clone zroot/vm/web@a zroot/vm/db",
                1,
                "cannot create 'zroot/vm/db': dataset already exists\n",
            ),
            (
                "clone zroot/vm/web@z zroot/vm/c",
                1,
                "cannot open 'zroot/vm/web@z': dataset does not exist\n",
            ),
            (
                "destroy zroot/vm/web@a",
                1,
                "cannot destroy 'zroot/vm/web@a': snapshot has dependent clones\nuse '-R' to destroy the following datasets:\nzroot/vm/db\n",
            ),
            ("destroy zroot/vm/db", 0, ""),
            ("destroy zroot/vm/web@a", 0, ""),
        ],
    );
}

#[test]
fn promote_swaps_parent_and_child() {
    let mut host = host();
    check(
        &mut host,
        &[
            ("clone zroot/vm/web@a zroot/vm/db", 0, ""),
            ("promote zroot/vm/db", 0, ""),
            (
                "promote zroot/vm/db",
                1,
                "cannot promote 'zroot/vm/db': not a cloned filesystem\n",
            ),
        ],
    );
    let origin = |name: &str| property(&host.state, name, "origin");
    assert_eq!(origin("zroot/vm/db"), "-");
    assert_eq!(origin("zroot/vm/web"), "zroot/vm/db@a");
}

#[test]
fn the_list_has_the_requested_order_and_depth() {
    let mut host = host();
    let table = [
        (
            "zfs list -H -p -d 1 -o name,volsize -t all zroot/vm/web",
            "zroot/vm/web\t1073741824\nzroot/vm/web@a\t1073741824\nzroot/vm/web@b\t1073741824\n",
        ),
        (
            "zfs list -H -o name -t snapshot -S createtxg zroot/vm/web",
            "zroot/vm/web@b\nzroot/vm/web@a\n",
        ),
        ("zfs list -H -o name", "zroot\nzroot/vm\nzroot/vm/web\n"),
        ("zfs list -H -o name -t volume -r zroot", "zroot/vm/web\n"),
        ("zfs list -H -o name zroot/vm/web@a", "zroot/vm/web@a\n"),
        (
            "zfs list -o name,volsize zroot/vm/web",
            "NAME          VOLSIZE\nzroot/vm/web       1G\n",
        ),
    ];
    for (line, stdout) in table {
        assert_eq!(
            host.run(&Call::new(line.split(' '))),
            Answer::out(stdout),
            "{line}"
        );
    }
    assert_eq!(
        host.run(&Call::new(["zfs", "list", "-H", "zroot/none"])),
        Answer::fail(1, "cannot open 'zroot/none': dataset does not exist")
    );
    assert_eq!(
        host.run(&Call::new(["zfs", "nonsense"])).status,
        Status::Exit(2)
    );
}

#[test]
fn a_volume_in_use_can_be_rolled_back_but_not_destroyed() {
    let mut host = host().with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
    check(
        &mut host,
        &[
            ("rollback zroot/vm/web@b", 0, ""),
            (
                "destroy -r zroot/vm/web",
                1,
                "cannot destroy 'zroot/vm/web': dataset is busy\n",
            ),
        ],
    );
}

#[test]
fn a_volume_without_volmode_has_no_node() {
    let mut host = host();
    let node = std::path::Path::new("/dev/zvol/zroot/vm/web");
    assert!(host.exists(node));
    check(&mut host, &[("set volmode=none zroot/vm/web", 0, "")]);
    assert!(!host.exists(node));
}
