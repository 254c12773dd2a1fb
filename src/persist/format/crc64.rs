//! The checksum at the end of files and payloads: CRC-64 with the polynomial of Jones, lowest bit first, no start value and
//! no final turn. Eight bytes at a time.

const POLYNOMIAL: u64 = 0xad93_d235_94c9_35a9;
const STRIDE: usize = 8;

/// `TABLES[n][byte]`: what a byte does to the sum, n bytes before the end.
static TABLES: [[u64; 256]; STRIDE] = tables();

const fn tables() -> [[u64; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u64, 0);
        while bit < 8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { POLYNOMIAL.reverse_bits() } else { 0 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut distance = 1;
    while distance < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[distance - 1][byte];
            tables[distance][byte] = before >> 8 ^ tables[0][before as u8 as usize];
            byte += 1;
        }
        distance += 1;
    }
    tables
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crc64(u64);

impl Crc64 {
    pub fn of(bytes: &[u8]) -> u64 {
        let mut crc = Crc64::default();
        crc.add(bytes);
        crc.sum()
    }

    pub fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<STRIDE>();
        for word in words {
            let mixed = (self.0 ^ u64::from_le_bytes(*word)).to_le_bytes();
            self.0 = 0;
            for (at, byte) in mixed.iter().enumerate() {
                self.0 ^= TABLES[STRIDE - 1 - at][*byte as usize];
            }
        }
        for byte in rest {
            self.0 = self.0 >> 8 ^ TABLES[0][(self.0 as u8 ^ byte) as usize];
        }
    }

    pub fn sum(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_catalogue_however_the_bytes_come() {
        // <https://reveng.sourceforge.io/crc-catalogue/17plus.htm>: CRC-64/REDIS
        assert_eq!(Crc64::of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        let bytes: Vec<u8> = (0..200u8).map(|n| n.wrapping_mul(37)).collect();
        for cut in 0..bytes.len() {
            let mut crc = Crc64::default();
            crc.add(&bytes[..cut]);
            crc.add(&bytes[cut..]);
            assert_eq!(crc.sum(), Crc64::of(&bytes), "cut at {cut}");
        }
    }
}
