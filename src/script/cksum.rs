//! The checksum of cksum(1), by which a script knows a file that it is to replace.

/// The generator polynomial of POSIX, the highest bit first.
const POLYNOMIAL: u32 = 0x04c1_1db7;

/// What `cksum` prints for these bytes on its standard input: the checksum and the length.
pub(super) fn cksum(bytes: &[u8]) -> String {
    let length = bytes.len() as u64;
    let digits = 8 - length.leading_zeros() as usize / 8;
    let length_bytes = length.to_le_bytes();
    let all = bytes.iter().chain(length_bytes.iter().take(digits));
    let sum = all.fold(0_u32, |sum, byte| {
        let mixed = sum ^ u32::from(*byte) << 24;
        (0..8).fold(mixed, |sum, _| {
            let high = sum >> 31;
            (sum << 1) ^ (POLYNOMIAL * high)
        })
    });
    format!("{} {length}", !sum)
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
