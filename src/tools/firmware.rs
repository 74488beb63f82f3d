//! UEFI firmware for bhyve(8): the package edk2-bhyve.

use crate::model::loader::Uefi;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The package that installs the firmware.
pub const PACKAGE: &str = "bhyve-firmware";

/// The directory of the packages' files, among them the firmware.
pub const SHARE_DIRECTORY: &str = "/usr/local/share";

/// The files of the firmware on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// The code.
    pub code: PathBuf,
    /// The store of variables that each VM begins with.
    pub template: PathBuf,
}

/// The usual directory below that of the packages' files, and the name of the code in it.
const USUAL: (&str, &str) = ("edk2-bhyve", "BHYVE_UEFI_CODE.fd");

/// The directory and the name of the code, in the order in which they are looked for: two packages put
/// the same files there, and `BHYVE_UEFI.fd` is the code under an older name (ports:
/// `sysutils/edk2/Makefile`).
const PLACES: [(&str, &str); 3] = [
    USUAL,
    ("uefi-firmware", "BHYVE_UEFI_CODE.fd"),
    ("uefi-firmware", "BHYVE_UEFI.fd"),
];

impl Firmware {
    fn at(share: &Path, (directory, code): (&str, &str)) -> Self {
        let directory = share.join(directory);
        Self {
            code: directory.join(code),
            template: directory.join("BHYVE_UEFI_VARS.fd"),
        }
    }

    /// The places of the firmware below the directory of the packages' files, in the order in which they
    /// are looked for.
    pub fn places(share: &Path) -> impl Iterator<Item = Self> {
        PLACES.into_iter().map(|place| Self::at(share, place))
    }

    /// The operand of `-l`: `bootrom,CODE,VARS[,fwcfg=qemu]`; only with `fwcfg=qemu` does the firmware
    /// see the `bootindex` of a device (`usr.sbin/bhyve/qemu_fwcfg.c`).
    pub fn argument(&self, uefi: &Uefi, has_boot_order: bool) -> OsString {
        let mut argument = OsString::from("bootrom,");
        argument.push(&self.code);
        argument.push(",");
        argument.push(&uefi.vars);
        if has_boot_order {
            argument.push(",fwcfg=qemu");
        }
        argument
    }
}

/// U-Boot for bhyve(8) on arm64, and the package that installs it (ports:
/// `sysutils/u-boot-bhyve-arm64/Makefile`).
pub const U_BOOT: &str = "/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin";
/// The package of [`U_BOOT`].
pub const U_BOOT_PACKAGE: &str = "u-boot-bhyve-arm64";

impl Default for Firmware {
    /// The first place, assumed for a host that is not FreeBSD.
    fn default() -> Self {
        Self::at(Path::new(SHARE_DIRECTORY), USUAL)
    }
}
