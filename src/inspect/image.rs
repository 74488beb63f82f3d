//! Bounded reads of an image.

use std::cell::Cell;
use std::io;

/// A disk or an image file, open for reading.
pub trait Image {
    /// The size in bytes.
    fn size(&self) -> u64;

    /// Reads from this offset, a multiple of 4096 as is the length; returns the number of bytes, which
    /// is smaller only at the end.
    ///
    /// # Errors
    /// The system's error.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;
}

impl Image for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let mut rest = rest.unwrap_or_default();
        io::Read::read(&mut rest, into)
    }
}

/// A device is read in whole sectors; this is the largest.
const BLOCK: u64 = 4096;
/// No image needs more reads than this, in bytes.
pub const MOST: u64 = 64 << 20;

/// An image, and how many bytes may still be read.
pub(super) struct Disk<'image> {
    image: &'image dyn Image,
    left: Cell<u64>,
}

impl<'image> Disk<'image> {
    pub(super) fn new(image: &'image dyn Image) -> Self {
        let left = Cell::new(MOST);
        Self { image, left }
    }

    /// The whole of the image.
    pub(super) fn whole(&self) -> Part<'_> {
        Part {
            disk: self,
            start: 0,
            size: self.image.size(),
        }
    }
}

/// A part of an image: the whole of it, or a partition.
#[derive(Clone, Copy)]
pub(super) struct Part<'disk> {
    disk: &'disk Disk<'disk>,
    /// Where the part begins, in bytes from the start of the image.
    pub(super) start: u64,
    /// The size in bytes; never beyond the end of the image.
    pub(super) size: u64,
}

impl Part<'_> {
    /// A part of this part, as far as this part goes; none if nothing is in it.
    pub(super) fn part(&self, at: u64, size: u64) -> Option<Self> {
        let rest = self.size.checked_sub(at)?;
        let (start, size) = (self.start.checked_add(at)?, size.min(rest));
        let disk = self.disk;
        (size > 0).then_some(Self { disk, start, size })
    }

    /// Bytes of this part: fewer at its end.
    pub(super) fn read(&self, at: u64, length: u64) -> io::Result<Bytes> {
        let Some(wanted) = self.part(at, length) else {
            return Ok(Bytes::default());
        };
        let first = wanted.start / BLOCK * BLOCK;
        let skipped = wanted.start - first;
        let room = (skipped + wanted.size).next_multiple_of(BLOCK);
        let left = &self.disk.left;
        let Some(rest) = left.get().checked_sub(room) else {
            let what = format!("more than {} MiB would have to be read", MOST >> 20);
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, what));
        };
        left.set(rest);
        let mut bytes = vec![0; usize::try_from(room).map_err(io::Error::other)?];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.disk.image.read_at(rest, first + filled as u64)? {
                0 => break,
                read => filled += read,
            }
            // A further read would not begin at a whole block: this one has met the end.
            if !(filled as u64).is_multiple_of(BLOCK) {
                break;
            }
        }
        bytes.truncate(filled);
        let skipped = usize::try_from(skipped).map_err(io::Error::other)?;
        bytes.drain(..skipped.min(filled));
        bytes.truncate(usize::try_from(wanted.size).map_err(io::Error::other)?);
        Ok(Bytes(bytes))
    }
}

/// Bytes that were read. A number beyond their end is 0, which no magic number is.
#[derive(Default)]
pub(super) struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes from an offset to another, as far as there are any.
    pub(super) fn slice(&self, at: usize, length: usize) -> &[u8] {
        let rest = self.0.get(at..).unwrap_or_default();
        rest.get(..length).unwrap_or(rest)
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.slice(at, N).try_into().unwrap_or([0; N])
    }

    pub(super) fn has(&self, at: usize, text: &[u8]) -> bool {
        self.slice(at, text.len()) == text
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn u8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.array(at))
    }

    pub(super) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    pub(super) fn u16_be(&self, at: usize) -> u16 {
        u16::from_be_bytes(self.array(at))
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(super) fn u32_be(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.array(at))
    }

    pub(super) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    /// A text of a fixed size, which ends at a NUL or with blanks; none if it is empty.
    pub(super) fn text(&self, at: usize, length: usize) -> Option<String> {
        let text = self.slice(at, length).split(|byte| *byte == 0).next();
        let text = String::from_utf8_lossy(text.unwrap_or_default());
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Disk, Image, MOST};
    use std::io;

    /// A device of zeros, which like FreeBSD's refuses a read that is not of whole sectors.
    struct Device(u64);

    impl Image for Device {
        fn size(&self) -> u64 {
            self.0
        }

        fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
            let is_whole = |number: u64| number.is_multiple_of(BLOCK);
            assert!(is_whole(at) && is_whole(into.len() as u64), "{at}");
            Ok(into.len().min(usize::try_from(self.0 - at).expect("small")))
        }
    }

    #[test]
    fn a_device_is_read_in_whole_sectors_and_only_to_its_end() {
        let device = Device(3 * BLOCK + 512);
        let disk = Disk::new(&device);
        let read = |at, length| disk.whole().read(at, length).expect("readable").len();
        assert_eq!(read(0, 10), 10);
        assert_eq!(read(510, 2 * BLOCK), 8192);
        assert_eq!(read(3 * BLOCK + 500, 100), 12);
        assert_eq!(read(3 * BLOCK + 512, 100), 0);
        assert_eq!(read(u64::MAX, u64::MAX), 0);
        let part = disk.whole().part(2 * BLOCK + 1, u64::MAX).expect("a part");
        assert_eq!(part.size, BLOCK + 511);
        assert_eq!(part.read(BLOCK, u64::MAX).expect("readable").len(), 511);
        assert!(part.part(BLOCK + 511, 1).is_none());
    }

    #[test]
    fn what_is_read_in_all_is_limited() {
        let device = Device(1 << 40);
        let disk = Disk::new(&device);
        let error = disk.whole().read(0, MOST + 1).err().expect("too much");
        assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
        for _ in 0..64 {
            assert!(disk.whole().read(4097, (1 << 20) - BLOCK).is_ok());
        }
        assert!(disk.whole().read(0, 1).is_err());
    }
}
