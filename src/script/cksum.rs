//! The checksum of cksum(1), by which a script recognizes the file that it replaces.

use crc::{CRC_32_CKSUM, Crc};

/// The checksum of POSIX, without the length that cksum(1) appends to its input.
const CKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_CKSUM);

/// The output of `cksum` for these bytes on standard input: checksum and length.
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
