//! The promise of slots, and the words of devices.

use super::{Device, Disk, Nic, Slots};
use crate::model::backend::NicBackend;
use crate::model::screen::{Place, Screen};
use crate::model::tests::vm;

/// The positions of the devices of which there is one.
const PROMISED_ALONE: [(&str, &str); 5] = [
    ("hostbridge", "0:0"),
    ("lpc", "1:0"),
    ("virtio-rnd", "5:0"),
    ("fbuf", "29:0"),
    ("xhci", "30:0"),
];

fn screen() -> Screen {
    Screen {
        place: Place::Tcp(([127, 0, 0, 1], 5901).into()),
        size: None,
        has_vga: true,
        waits: false,
        password_file: None,
    }
}

/// The whole promise: the numbers of each kind, and their positions.
const PROMISED: [(Slots, &[&str]); 3] = [
    (
        Slots::NICS,
        &[
            "2:0", "2:1", "2:2", "2:3", "2:4", "2:5", "2:6", "2:7", "12:0", "12:1", "12:2", "12:3",
            "12:4", "12:5", "12:6", "12:7",
        ],
    ),
    (
        Slots::DISKS,
        &[
            "3:0", "3:1", "3:2", "3:3", "3:4", "3:5", "3:6", "3:7", "13:0", "13:1", "13:2", "13:3",
            "13:4", "13:5", "13:6", "13:7",
        ],
    ),
    (
        Slots::CDS,
        &["4:0", "4:1", "4:2", "4:3", "4:4", "4:5", "4:6", "4:7"],
    ),
];

#[test]
fn every_number_has_the_promised_slot() {
    for (slots, promised) in PROMISED {
        let all: Vec<String> = (0..=slots.last())
            .map(|number| slots.of(number).to_string())
            .collect();
        assert_eq!(all, promised);
    }
    let leaders = [0, 7, 8, 15].map(Slots::leader);
    assert_eq!(leaders, [0, 0, 8, 8]);
}

#[test]
fn no_device_moves_another_whatever_is_added() {
    let mut whole = vm();
    let (nic, disk) = (whole.nics[0].clone(), whole.disks[0].clone());
    whole.nics = (0..=Slots::NICS.last())
        .map(|number| Nic {
            number,
            backend: NicBackend::parse(&format!("tap{number}")).unwrap(),
            ..nic.clone()
        })
        .collect();
    whole.disks = (0..=Slots::DISKS.last())
        .map(|number| Disk {
            number,
            path: format!("/vm/{number}").into(),
            ..disk.clone()
        })
        .collect();
    (whole.has_rng, whole.screen, whole.has_tablet) = (true, Some(screen()), true);
    let all = whole.devices(true);
    for (emulation, slot) in PROMISED_ALONE {
        let mut found = all.iter().filter(|device| device.emulation == emulation);
        let found = found.next().map(|device| device.slot.to_string());
        assert_eq!(found.as_deref(), Some(slot), "{emulation}");
    }
    let mut slots: Vec<_> = all.iter().map(|device| device.slot).collect();
    slots.sort();
    slots.dedup();
    assert_eq!(slots.len(), all.len());
    // Any one and any prefix of the devices: each is where it is with all others.
    for some in 0..=15 {
        let mut fewer = whole.clone();
        fewer.nics.retain(|nic| nic.number <= some);
        fewer.disks.retain(|disk| disk.number == some);
        fewer.has_rng = some % 3 == 0;
        fewer.screen = fewer.screen.filter(|_| some % 4 == 0);
        fewer.has_tablet = some % 5 == 0;
        let fewer = fewer.devices(some % 2 == 0);
        assert!(fewer.iter().all(|device| all.contains(device)), "{some}");
    }
}

#[test]
fn a_device_keeps_its_slot_whatever_others_there_are() {
    let shown = |devices: Vec<Device>| -> Vec<String> {
        let all = devices.iter();
        all.map(|device| device.argument().display().to_string())
            .collect()
    };
    let mut vm = vm();
    let all = shown(vm.devices(true));
    assert_eq!(
        all,
        [
            "0:0,hostbridge",
            "1:0,lpc",
            "2:0,virtio-net,tap1",
            "2:3,virtio-net,tap7",
            "3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0",
            "3:2,virtio-blk,/vm/data",
            "4:0,ahci-cd,/iso/a.iso",
            "4:1,ahci-cd,/iso/b.iso",
        ]
    );
    vm.nics.remove(0);
    vm.disks.remove(0);
    vm.cds.remove(0);
    let fewer = shown(vm.devices(true));
    assert!(fewer.len() == 5 && fewer.iter().all(|one| all.contains(one)));
    assert!(
        shown(vm.devices(false))
            .iter()
            .all(|one| !one.contains("ahci-cd"))
    );
}

#[test]
fn options_stand_behind_the_backend() {
    let device = Device {
        options: vec!["ro".into(), "bootindex=1".into()],
        ..Device::new(Slots::CDS.of(0), "ahci-cd").with_backend("/iso/a.iso")
    };
    assert_eq!(device.argument(), "4:0,ahci-cd,/iso/a.iso,ro,bootindex=1");
}
