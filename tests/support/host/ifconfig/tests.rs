use super::super::Edit;
use super::*;

fn root(line: &str) -> Call {
    Call::new(line.split(' ')).by_root()
}

#[test]
fn interfaces_are_created_and_refused() {
    let mut host = Host::freebsd(14);
    let table = [
        ("tap0 create", 0, ""),
        (
            "tap0 create",
            1,
            "ifconfig: interface tap0 already exists\n",
        ),
        ("tap7", 1, "ifconfig: interface tap7 does not exist\n"),
        ("tap7 up", 1, "ifconfig: interface tap7 does not exist\n"),
        (
            "foo0 create",
            1,
            "ifconfig: SIOCIFCREATE2 (foo0): Invalid argument\n",
        ),
        (
            "tap07 create",
            1,
            "ifconfig: SIOCIFCREATE2 (tap07): Invalid argument\n",
        ),
        (
            "tap32768 create",
            1,
            "ifconfig: SIOCIFCREATE2 (tap32768): Device not configured\n",
        ),
        ("bridge0 create up", 0, ""),
        ("bridge0 addm tap0 addm igb0", 0, ""),
        (
            "bridge0 addm tap0",
            1,
            "ifconfig: BRDGADD tap0: File exists\n",
        ),
        (
            "bridge0 addm tap9",
            1,
            "ifconfig: BRDGADD tap9: No such file or directory\n",
        ),
        (
            "bridge1 create addm tap0",
            1,
            "ifconfig: BRDGADD tap0: Device busy\n",
        ),
        (
            "bridge0 deletem tap9",
            1,
            "ifconfig: BRDGDEL tap9: No such file or directory\n",
        ),
        (
            "bridge0 addm lo0",
            1,
            "ifconfig: BRDGADD lo0: Invalid argument\n",
        ),
        (
            "igb0 destroy",
            1,
            "ifconfig: SIOCIFDESTROY: Invalid argument\n",
        ),
        ("tap0 nonsense", 1, "ifconfig: nonsense: bad value\n"),
    ];
    for (line, status, stderr) in table {
        let answer = host.run(&root(&format!("ifconfig {line}")));
        let expected = (Status::Exit(status), String::new(), stderr.to_owned());
        assert_eq!(answer.whole(), expected, "{line}");
    }
    // The parameters before the refused one have taken effect.
    assert!(host.state.interfaces.contains_key("bridge1"));
    assert!(host.has_module("if_bridge"));
}

#[test]
fn a_user_may_look_but_not_change() {
    let mut host = Host::freebsd(14).with_tap("tap0", "");
    let table = [
        (
            "tap1 create",
            "ifconfig: SIOCIFCREATE2 (tap1): Operation not permitted\n",
        ),
        ("tap0 up", "ifconfig: up: permission denied\n"),
        (
            "tap0 destroy",
            "ifconfig: SIOCIFDESTROY: Operation not permitted\n",
        ),
        (
            "tap0 description x",
            "ifconfig: ioctl (set descr): Operation not permitted\n",
        ),
    ];
    for (line, stderr) in table {
        let words = format!("ifconfig {line}");
        assert_eq!(
            host.run(&Call::new(words.split(' '))).stderr(),
            stderr,
            "{line}"
        );
    }
    assert_eq!(
        host.run(&Call::new(["ifconfig", "-l"])),
        Answer::out("igb0 lo0 tap0\n")
    );
}

#[test]
fn a_name_that_ifconfig_chose_is_printed() {
    let mut host = Host::freebsd(14).with_tap("tap0", "");
    assert_eq!(
        host.run(&root("ifconfig tap create")),
        Answer::out("tap1\n")
    );
    assert_eq!(
        host.run(&root("ifconfig tap create name vm-web0")),
        Answer::out("vm-web0\n")
    );
    assert!(host.exists(std::path::Path::new("/dev/tap2")));
    assert_eq!(
        host.run(&root("ifconfig bridge create")),
        Answer::out("bridge0\n")
    );
}

#[test]
fn the_whole_listing_of_a_host_with_a_bridge() {
    let mut host = Host::freebsd(13).with_commands(&[
        "ifconfig bridge0 create up",
        "ifconfig tap0 create description easy-bhyve:web",
        "ifconfig bridge0 addm tap0",
    ]);
    host.remove_interface("lo0");
    host.edit(&Edit::OpenTap("tap0".into()));
    host.run(&root("ifconfig tap0 up"));
    let pid = host.state.interfaces["tap0"].opened_by.unwrap_or(0);
    let expected = format!(
        "igb0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n\
         \toptions=4e527bb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO>\n\
         \tether 58:9c:fc:10:00:01\n\
         \tinet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255\n\
         \tmedia: Ethernet autoselect (1000baseT <full-duplex>)\n\
         \tstatus: active\n\
         \tnd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>\n\
         bridge0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n\
         \toptions=0\n\
         \tether 58:9c:fc:10:00:03\n\
         \tid 00:00:00:00:00:00 priority 32768 hellotime 2 fwddelay 15\n\
         \tmaxage 20 holdcnt 6 proto rstp maxaddr 2000 timeout 1200\n\
         \troot id 00:00:00:00:00:00 priority 32768 ifcost 0 port 0\n\
         \tmember: tap0 flags=143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>\n\
         \t        ifmaxaddr 0 port 4 priority 128 path cost 2000000\n\
         \tgroups: bridge\n\
         \tnd6 options=9<PERFORMNUD,IFDISABLED>\n\
         tap0: flags=8943<UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST> metric 0 mtu 1500\n\
         \tdescription: easy-bhyve:web\n\
         \toptions=80000<LINKSTATE>\n\
         \tether 58:9c:fc:10:00:04\n\
         \tgroups: tap\n\
         \tmedia: Ethernet 1000baseT <full-duplex>\n\
         \tstatus: active\n\
         \tnd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>\n\
         \tOpened by PID {pid}\n"
    );
    assert_eq!(host.run(&Call::new(["ifconfig", "-a"])).stdout(), expected);
}

#[test]
fn an_interface_with_an_address_joins_by_release() {
    for (major, sysctl, refused) in [
        (13, false, false),
        (14, false, false),
        (15, false, true),
        (15, true, false),
        (16, false, true),
    ] {
        let mut host = Host::freebsd(major).with_commands(&["ifconfig bridge0 create"]);
        if sysctl {
            host.run(&root("sysctl net.link.bridge.member_ifaddrs=1"));
        }
        let answer = host.run(&root("ifconfig bridge0 addm igb0"));
        let expected = if refused {
            "ifconfig: BRDGADD igb0: Invalid argument\n"
        } else {
            ""
        };
        assert_eq!(answer.stderr(), expected, "{major} {sysctl}");
    }
}

#[test]
fn destroying_an_open_tap_waits_until_it_is_closed() {
    let mut host = Host::freebsd(14).with_tap("tap0", "");
    host.edit(&Edit::OpenTap("tap0".into()));
    assert_eq!(
        host.run(&root("ifconfig tap0 destroy")).status,
        Status::Hang
    );
    let pid = host.state.interfaces["tap0"].opened_by.unwrap_or(0);
    host.end_process(pid, Status::Exit(0));
    assert!(!host.state.interfaces.contains_key("tap0"));
}

#[test]
fn a_member_is_private_until_it_is_removed() {
    let mut host = Host::freebsd(14).with_commands(&["ifconfig bridge0 create"]);
    let no_entry = "ifconfig: unable to get bridge flags: No such file or directory\n";
    for (line, stderr) in [
        ("tap0 create", ""),
        ("bridge0 private tap0", no_entry),
        ("bridge0 addm tap0 private tap0 up", ""),
        (
            "igb0 private tap0",
            "ifconfig: unable to get bridge flags: Invalid argument\n",
        ),
    ] {
        let answer = host.run(&root(&format!("ifconfig {line}")));
        assert_eq!(answer.stderr(), stderr, "{line}");
    }
    let by_user = host.run(&Call::new(["ifconfig", "bridge0", "-private", "tap0"]));
    assert_eq!(
        by_user.stderr(),
        "ifconfig: unable to set bridge flags: Operation not permitted\n"
    );
    let flags = |host: &mut Host| {
        let shown = host.run(&Call::new(["ifconfig", "bridge0"])).stdout();
        let member = shown.split_once("member: tap0 flags=");
        member.map(|(_, flags)| flags.lines().next().unwrap().to_owned())
    };
    let private = "943<LEARNING,DISCOVER,PRIVATE,AUTOEDGE,AUTOPTP>";
    assert_eq!(flags(&mut host).as_deref(), Some(private));
    host.run(&root("ifconfig bridge0 deletem tap0"));
    host.run(&root("ifconfig bridge0 addm tap0"));
    let shared = "143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>";
    assert_eq!(flags(&mut host).as_deref(), Some(shared));
}

#[test]
fn a_vlan_is_created_on_an_interface_and_names_it() {
    let mut host = Host::freebsd(14);
    for (line, stderr) in [
        ("igb0.7 create up", ""),
        (
            "igb0.4095 create",
            "ifconfig: SIOCIFCREATE2 (igb0.4095): Invalid argument\n",
        ),
        (
            "em9.7 create",
            "ifconfig: SIOCIFCREATE2 (em9.7): Invalid argument\n",
        ),
    ] {
        let answer = host.run(&root(&format!("ifconfig {line}")));
        assert_eq!(answer.stderr(), stderr, "{line}");
    }
    let shown = host.run(&Call::new(["ifconfig", "igb0.7"])).stdout();
    let parent = "\tvlan: 7 vlanproto: 802.1q vlanpcp: 0 parent interface: igb0\n";
    assert!(shown.contains(parent), "{shown}");
}
