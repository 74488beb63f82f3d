//! A configuration for each finding, and the host for it.

use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::host::state::Kind;

const BASE: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\n";

/// For each finding a configuration, which follows [`BASE`] unless it is complete.
const SAMPLES: &[(&str, &str)] = &[
    ("operator", "x=1 & y=2\n"),
    ("command", "echo\n"),
    ("prefix-assignment", "x=a b\n"),
    ("blank-around-equals", "x = 1\n"),
    ("variable-name", "a-b_id=1\n"),
    ("append", "x+=1\n"),
    ("array", "x=(1 2)\n"),
    ("compound-command", "if true\n"),
    ("function", "f() { x=1; }\n"),
    ("empty-statement", ";\n"),
    ("command-substitution", "x=$(date)\n"),
    ("arithmetic", "x=$((1+1))\n"),
    ("special-parameter", "x=$1\n"),
    ("shell-variable", "x=$RANDOM\n"),
    ("error-expansion", "x=${y:?no}\n"),
    ("bad-expansion", "x=${y^^}\n"),
    ("pattern", "b=x; a=${b#[[:rune:]]}\n"),
    ("locale", "b=é; a=${#b}\n"),
    ("escape", "a=$'\\q'\n"),
    ("unterminated", "x='1\n"),
    ("readonly", "readonly x=1\nx=2\n"),
    ("operand", "export -p\n"),
    ("include", ". $x\n"),
    ("include-unreadable", ". ./gone\n"),
    ("include-circle", ". ./easy-bhyve.conf\n"),
    ("nul", "x=1\0\n"),
    ("crlf", "x=1\r\n"),
    ("conflicting-keys", "a_id=1 a_gpt=gpt1 a_grub_root=gpt2\n"),
    ("unknown-key", "a_id=1 a_memory=1G\n"),
    ("duplicate-id", "a_id=1 b_id=01\n"),
    ("vm-name", "_a_id=1\n"),
    ("unset-variable", "x=$y\n"),
    ("unknown-vm", "web0_id=1 wbe0_mem=1G\n"),
    ("two-spellings", "a_id=1 a_gpt=gpt1 a_grub_root=gpt1\n"),
    ("hidden-assignment", "a_id=1 a_mem=1G a_mem=2G\n"),
    ("id", "a_id=32768\n"),
    ("unknown-os", "a_id=1 a_os=debain\n"),
    (
        "iso-version",
        "a_id=1 a_os=openbsd a_loader=grub a_cd0=/iso/a.iso\n",
    ),
    ("least-memory", "a_id=1 a_os=debian\n"),
    ("least-cpus", "a_id=1 a_os=windows a_mem=4G\n"),
    ("memory", "a_id=1 a_mem=1.5G\n"),
    ("cpu", "a_id=1 a_cpu=0\n"),
    ("yes-or-no", "a_id=1 a_freebsd=true\n"),
    ("interface-name", "a_id=1 a_if0=much_too_long_name0\n"),
    ("setting", "a_id=1 a_on_crash=pray\n"),
    ("device-number", "a_id=1 a_hd16=/x\n"),
    ("hidden-device", "a_id=1 a_hd9=/x\n"),
    ("nic-missing", "a_id=1 a_if3_bridge=bridge0\n"),
    ("hd-missing", "a_id=1 a_hd3_opts=ro\n"),
    ("no-vm", "x=1\n"),
    ("number-gap", "a_id=1 a_if2=tap7\n"),
    ("dataset", "a_id=1 a_zvol=zroot//a\n"),
    (
        "zvol-is-not-hd0",
        "a_id=1 a_zvol=zroot/a a_hd0=/dev/zvol/zroot/b\n",
    ),
    ("relative-path", "a_id=1 a_cd0=x.iso\n"),
    ("path-comma", "a_id=1 a_cd0=/x,ro.iso\n"),
    ("path-percent", "a_id=1 a_cd0=/100%.iso\n"),
    ("path-blank", "a_id=1 a_cd0='/my iso'\n"),
    ("path-equals", "a_id=1 a_loader=uefi a_uefi_vars=/vm/a=b\n"),
    ("disk-twice", "a_id=1 a_hd0=/x a_hd1=/x\n"),
    ("tap-twice", "a_id=1 a_if1=tap1\n"),
    (
        "shared-mac",
        "a_id=1 a_if0_mac=2:0:0:0:0:1 b_id=2 b_if0_mac=02:00:00:00:00:01\n",
    ),
    (
        "shared-uuid",
        "a_id=1 a_uuid=8a9b0c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d \
         b_id=2 b_uuid=8A9B0C1D-2E3F-4A5B-8C6D-7E8F9A0B1C2D\n",
    ),
    ("screen", "a_id=1 a_vnc=YES\n"),
    ("unused-screen", "a_id=1 a_vnc_wait=YES\n"),
    ("open-screen", "a_id=1 a_loader=uefi a_vnc=0.0.0.0:5901\n"),
    (
        "shared-port",
        "a_id=1 a_loader=uefi a_vnc=5902 b_id=2 b_loader=uefi b_vnc=YES\n",
    ),
    (
        "unlocked-device",
        "a_id=1 a_bhyve_args='-s 16:0,virtio-blk,/x'\n",
    ),
    ("shared-disk", "a_id=1 a_hd0=/x b_id=2 b_hd0=/x\n"),
    ("shared-tap", "a_id=1 a_if0=tap7 b_id=2 b_if0=tap7\n"),
    ("default-tap", "a_id=1 a_if0=tap2 b_id=2\n"),
    (
        "grub-commands",
        "a_id=1 a_grub_boot=\"linux /k user=o'neil\"\n",
    ),
    ("unused-grub", "a_id=1 a_freebsd=YES a_gpt=gpt1\n"),
    ("disk-missing", "a_id=1\n"),
    ("iso-missing", "a_id=1 a_cd0=/gone\n"),
    ("read-only", "a_id=1 a_cd0=/ro/x.iso\n"),
    ("too-many-cpus", "a_id=1 a_cpu=17\n"),
    (
        "not-on-this-host",
        "a_id=1 a_loader=uefi a_if0_type=e1000\n",
    ),
    ("host-cpus", "a_id=1 a_cpu=9\n"),
    ("host-memory", "a_id=1 a_mem=64G\n"),
    (
        "autostart-memory",
        "a_id=1 a_mem=9G a_autostart=YES\nb_id=2 b_mem=9G b_autostart=YES\n",
    ),
    ("total-memory", "a_id=1 a_mem=9G\nb_id=2 b_mem=9G\n"),
    (
        "netif-twice",
        "a_id=1 a_if0_bridge=bridge1 bridge1_netif=igb0\n",
    ),
    ("unknown-bridge", "a_id=1 bridge9_netif=igb0\n"),
    ("uplink-vlan", "a_id=1\n"),
    ("bridge-without-uplink", "a_id=1 a_if0_bridge=bridge9\n"),
    ("unknown-allow", "# easy-bhyve: allow clrf\n"),
    ("unused-allow", "# easy-bhyve: allow crlf\n"),
];

/// The same for findings that [`BASE`] would prevent.
const WHOLE: &[(&str, &str)] = &[
    ("volroot-unset", "bridge=bridge0\na_id=1\n"),
    ("missing-hd0", "bridge=bridge0\na_id=1 a_hd1=/x\n"),
    ("bridge-unset", "volroot=zroot/vm\na_id=1\n"),
    (
        "netif-missing",
        "bridge=bridge0 netif=em9 volroot=zroot/vm\na_id=1\n",
    ),
    (
        "netif-wireless",
        "bridge=bridge0 netif=wlan0 volroot=zroot/vm\na_id=1\n",
    ),
    (
        "netif-bridge",
        "bridge=bridge0 netif=igb0 volroot=zroot/vm\na_id=1\n",
    ),
    (
        "volroot-missing",
        "bridge=bridge0 volroot=zroot/gone\na_id=1 a_hd0=/x\n",
    ),
];

/// The name and the configuration of each.
pub(super) fn samples() -> impl Iterator<Item = (&'static str, String)> {
    let behind = SAMPLES
        .iter()
        .map(|(name, text)| (*name, format!("{BASE}{text}")));
    let whole = WHOLE.iter().map(|(name, text)| (*name, (*text).to_owned()));
    let deep = format!("x={}\n", "${y:-".repeat(5000));
    behind.chain(whole).chain([("too-large", deep)])
}

/// A host for the sample of this finding.
pub(super) fn host(name: &str) -> Fake {
    let mut host = Host::freebsd(if name == "too-many-cpus" { 13 } else { 14 })
        .with_volume("zroot/vm/other", 1 << 30);
    if name == "not-on-this-host" {
        host = host.on_release(1_500_068).on_arm64();
    }
    if name == "read-only" {
        host = host
            .with_volume("zroot/vm/a", 1 << 30)
            .with_file("/ro/x.iso", "an image");
        host.state.read_only.insert("/ro".into());
    }
    if name.starts_with("netif") {
        host = host.with_volume("zroot/vm/a", 1 << 30);
    }
    if name == "netif-bridge" {
        host = host.with_commands(&[
            "kldload if_bridge",
            "ifconfig bridge9 create",
            "ifconfig bridge9 addm igb0",
        ]);
    }
    if name == "uplink-vlan" {
        host = host.with_commands(&["ifconfig igb0.7 create up"]);
    }
    if name == "netif-wireless" {
        host.add_interface("wlan0", Kind::Wireless).up = true;
    }
    Fake::new(host, USER)
}
