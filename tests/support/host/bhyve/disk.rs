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
