//! The checksum of cksum(1), by which a script knows a file that it is to replace.

use crc::{CRC_32_CKSUM, Crc};

/// The checksum of POSIX, but for the length that cksum(1) adds to what it reads.
const CKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_CKSUM);

/// What `cksum` prints for these bytes on its standard input: the checksum and the length.
pub(super) fn cksum(bytes: &[u8]) -> String {
    let length = bytes.len() as u64;
    let digits = 8 - length.leading_zeros() as usize / 8;
    let mut sum = CKSUM.digest();
    sum.update(bytes);
    sum.update(length.to_le_bytes().get(..digits).unwrap_or_default());
    format!("{} {length}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::cksum;

    #[test]
    fn the_sums_are_those_of_cksum() {
        // As cksum(1) prints them.
        assert_eq!(cksum(b""), "4294967295 0");
        assert_eq!(cksum(b"123456789"), "930766865 9");
        assert_eq!(cksum(&[b'x'; 300]), "3786917833 300");
    }
}
