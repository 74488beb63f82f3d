//! What may follow the path of a disk: usr.sbin/bhyve/block_if.c, pci_virtio_block.c, pci_ahci.c,
//! pci_nvme.c.

/// The option words; those with a value end in `=`.
const DISK_WORDS: [&str; 21] = [
    "nocache",
    "direct",
    "sync",
    "ro",
    "nodelete",
    "sectorsize=",
    "bootindex=",
    "ser=",
    "nmrr=",
    "rev=",
    "model=",
    "maxq=",
    "qsz=",
    "ioslots=",
    "sectsz=",
    "eui64=",
    "dsm=",
    "nodsm",
    "hd:",
    "cd:",
    "path=",
];

/// Whether a path ended at a comma: bhyve silently takes any word behind it for an option.
pub(super) fn is_cut(conf: &str) -> bool {
    let is_option = |word: &str| {
        DISK_WORDS
            .iter()
            .any(|known| word == *known || known.ends_with(['=', ':']) && word.starts_with(known))
    };
    conf.split(',').skip(1).any(|word| !is_option(word))
}

/// What bhyve says of the options of a disk that it refuses when it opens the device (block_if.c,
/// config.c); the message behind a device's own is that of `failed`.
pub(super) fn refused(emulation: &str, conf: Option<&str>) -> Option<String> {
    let Some(conf) = conf else {
        return Some(failed(emulation, "Missing \"path\" for block device."));
    };
    for word in conf.split(',').skip(1) {
        let (name, value) = word.split_once('=').unwrap_or((word, "true"));
        match name {
            "nocache" | "nodelete" | "sync" | "direct" | "ro" if !is_boolean(value) => {
                return Some(format!(
                    "bhyve: Invalid value {value} for boolean variable {name}: "
                ));
            }
            "sectorsize" => {
                if let Err(sizes) = sectors(value) {
                    let text = format!("Invalid sector size {sizes}");
                    return Some(failed(emulation, &text));
                }
            }
            _ => {}
        }
    }
    None
}

/// The message of a disk that cannot be opened, and what its emulation adds.
pub(super) fn failed(emulation: &str, text: &str) -> String {
    match emulation {
        "virtio-blk" => format!("{text}\nCould not open backing file: "),
        "nvme" => format!("{text}\nnvme: Could not open backing file: "),
        _ => text.to_owned(),
    }
}

fn is_boolean(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["true", "on", "yes", "1", "false", "off", "no", "0"].contains(&value.as_str())
}

/// `sectorsize=LOGICAL[/PHYSICAL]`; an error shows the sizes as bhyve does.
fn sectors(value: &str) -> Result<(), String> {
    let (logical, physical) = value.split_once('/').unwrap_or((value, value));
    let (Ok(logical), Ok(physical)) = (logical.parse::<i64>(), physical.parse::<i64>()) else {
        return Err(format!("\"{value}\""));
    };
    let is_size = |size: i64| size >= 512 && size & (size - 1) == 0;
    if logical == 0 || is_size(logical) && is_size(physical) && logical <= physical {
        return Ok(());
    }
    Err(format!("{logical}/{physical}"))
}
