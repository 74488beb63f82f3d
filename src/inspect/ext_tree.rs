//! ext2, ext3 and ext4: directories, as grub reads them (`grub-core/fs/ext2.c`): without the journal, and
//! without checksums. (The crate ext4-view replays the journal, which it reads whole, and refuses what
//! fails a checksum: it would see another disk than grub.)

use super::image::{Bytes, Part};
use super::menu::{Entry, MOST, Tree, unread};
use super::report::Ext;
use std::io;

/// The inode of the root directory.
const ROOT: u32 = 2;
/// The deepest tree of extents (`EXT4_MAX_EXTENT_DEPTH`).
const DEPTH: u16 = 5;

/// A file system, and where its parts are.
pub(super) struct ExtTree<'disk> {
    part: Part<'disk>,
    block: u64,
    inode: u64,
    /// Where the descriptors of the groups begin, in bytes.
    groups: u64,
    /// The size of a descriptor in bytes.
    descriptor: u64,
    inodes_per_group: u32,
}

/// An inode: a file or a directory.
struct Inode(Bytes);

impl Inode {
    const DIRECTORY: u16 = 0x4;
    const LINK: u16 = 0xa;

    fn kind(&self) -> u16 {
        self.0.u16(0) >> 12
    }

    fn flags(&self) -> u32 {
        self.0.u32(0x20)
    }
}

/// A node of a tree of extents: where it begins in these bytes, and for how many entries it has room.
struct Node<'bytes> {
    bytes: &'bytes Bytes,
    at: usize,
    room: usize,
}

impl<'disk> ExtTree<'disk> {
    /// The file system whose superblock is in `head`; none if it has a form that is not read.
    pub(super) fn new(part: Part<'disk>, ext: &Ext, head: &Bytes) -> Option<Self> {
        const META_BG: u32 = 0x10;
        const SIXTY_FOUR: u32 = 0x80;
        const AT: usize = 1024;
        let inodes_per_group = head.u32(AT + 0x28);
        let first = u64::from(head.u32(AT + 0x14));
        (ext.incompat & META_BG == 0 && inodes_per_group > 0).then(|| Self {
            part,
            block: ext.block,
            inode: match ext.revision {
                0 => 128,
                _ => u64::from(ext.inode),
            },
            groups: (first + 1) * ext.block,
            descriptor: match ext.incompat & SIXTY_FOUR {
                0 => 32,
                _ => u64::from(head.u16(AT + 0xfe)).max(32),
            },
            inodes_per_group,
        })
    }

    fn inode(&self, number: u32) -> io::Result<Inode> {
        let number = number.checked_sub(1).ok_or_else(unread)?;
        let group = u64::from(number / self.inodes_per_group);
        let descriptor = self.read(self.groups + group * self.descriptor, self.descriptor)?;
        // A descriptor of 32 bytes has no upper half, which then reads as 0.
        let table = wide(descriptor.u32(0x28), descriptor.u32(8));
        let index = u64::from(number % self.inodes_per_group);
        let at = table.checked_mul(self.block).ok_or_else(unread)?;
        let at = at.checked_add(index * self.inode).ok_or_else(unread)?;
        self.read(at, 128).map(Inode)
    }

    /// Bytes that must all be there.
    fn read(&self, at: u64, length: u64) -> io::Result<Bytes> {
        let bytes = self.part.read(at, length)?;
        let is_whole = bytes.len() as u64 == length;
        is_whole.then_some(bytes).ok_or_else(unread)
    }

    fn read_block(&self, number: u64) -> io::Result<Bytes> {
        let at = number.checked_mul(self.block).ok_or_else(unread)?;
        self.read(at, self.block)
    }

    /// The numbers of the blocks of a directory, in any order.
    fn blocks(&self, inode: &Inode) -> io::Result<Vec<u64>> {
        const EXTENTS: u32 = 0x8_0000;
        const INLINE: u32 = 0x1000_0000;
        const ENCRYPTED: u32 = 0x800;
        let size = wide(inode.0.u32(0x6c), inode.0.u32(4));
        if size > MOST || inode.flags() & (INLINE | ENCRYPTED) != 0 {
            return Err(unread());
        }
        let count = usize::try_from(size.div_ceil(self.block)).map_err(io::Error::other)?;
        let mut blocks = Vec::new();
        if inode.flags() & EXTENTS != 0 {
            // An inode has room for four extents.
            let node = Node {
                bytes: &inode.0,
                at: 0x28,
                room: 4,
            };
            self.extents(&node, DEPTH, count, &mut blocks)?;
        } else {
            let pointers = |bytes: &Bytes, at: usize, most: usize| -> Vec<u64> {
                let all = (0..most).map(|number| u64::from(bytes.u32(at + 4 * number)));
                all.collect()
            };
            blocks = pointers(&inode.0, 0x28, count.min(12));
            let indirect = u64::from(inode.0.u32(0x28 + 4 * 12));
            if count > 12 && indirect != 0 {
                let bytes = self.read_block(indirect)?;
                blocks.extend(pointers(&bytes, 0, (count - 12).min(bytes.len() / 4)));
            }
            if blocks.len() < count {
                return Err(unread());
            }
        }
        // Block 0 is a hole.
        blocks.retain(|block| *block != 0);
        Ok(blocks)
    }

    /// Adds the blocks of the extents in a node, which is at most so deep, until there are `most`.
    fn extents(
        &self,
        node: &Node<'_>,
        deepest: u16,
        most: usize,
        blocks: &mut Vec<u64>,
    ) -> io::Result<()> {
        const MAGIC: u16 = 0xf30a;
        const ENTRY: usize = 12;
        let Node { bytes, at, room } = *node;
        let (entries, depth) = (usize::from(bytes.u16(at + 2)), bytes.u16(at + 6));
        // Each level is one less deep than that above: no tree is a circle.
        if bytes.u16(at) != MAGIC || depth > deepest || entries > room {
            return Err(unread());
        }
        for entry in (1..=entries).map(|number| at + ENTRY * number) {
            if depth == 0 {
                // A greater length is that of an extent to which nothing was written.
                let length = match u64::from(bytes.u16(entry + 4)) {
                    length @ 0x8001.. => length - 0x8000,
                    length => length,
                };
                let first = wide(bytes.u16(entry + 6).into(), bytes.u32(entry + 8));
                let left = most.saturating_sub(blocks.len());
                let end = first.checked_add(length).ok_or_else(unread)?;
                blocks.extend((first..end).take(left));
            } else {
                let below = wide(bytes.u16(entry + 8).into(), bytes.u32(entry + 4));
                let bytes = &self.read_block(below)?;
                let room = (bytes.len() / ENTRY).saturating_sub(1);
                let node = Node { bytes, at: 0, room };
                self.extents(&node, depth - 1, most, blocks)?;
            }
            if blocks.len() >= most {
                break;
            }
        }
        Ok(())
    }
}

impl Tree for ExtTree<'_> {
    type Directory = u32;

    fn root(&self) -> u32 {
        ROOT
    }

    fn entry(&self, directory: &u32, name: &str) -> io::Result<Option<Entry<u32>>> {
        let inode = self.inode(*directory)?;
        if inode.kind() != Inode::DIRECTORY {
            return Err(unread());
        }
        for number in self.blocks(&inode)? {
            let Some(found) = in_block(&self.read_block(number)?, name)? else {
                continue;
            };
            return match self.inode(found)?.kind() {
                Inode::DIRECTORY => Ok(Some(Entry::Directory(found))),
                // grub follows it; most menus that are a link are one to a file.
                Inode::LINK if !name.contains('.') => Err(unread()),
                _ => Ok(Some(Entry::File)),
            };
        }
        Ok(None)
    }
}

/// The inode of a name in a block of a directory; of the index of a large one, too, whose own blocks
/// look empty.
fn in_block(block: &Bytes, name: &str) -> io::Result<Option<u32>> {
    /// The size of an entry without its name.
    const HEAD: usize = 8;
    let mut at = 0;
    while at < block.len() {
        let (inode, length) = (block.u32(at), usize::from(block.u16(at + 4)));
        let named = usize::from(block.u8(at + 6));
        if length < HEAD {
            return Err(unread());
        }
        if inode != 0 && block.slice(at + HEAD, named) == name.as_bytes() {
            return Ok(Some(inode));
        }
        at += length;
    }
    Ok(None)
}

fn wide(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
