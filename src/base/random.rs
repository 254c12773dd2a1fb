//! Chance, in two kinds: quick choices that nobody needs to be kept from guessing, and secrets.
//!
//! Both start from a seed that is given to them, so that a run can be repeated. Neither asks the system for entropy.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The generator for RANDOMKEY, samples, and tests: xoshiro256++ by Blackman and Vigna (<https://prng.di.unimi.it>).
/// A clone goes on with the same numbers.
#[derive(Clone, Debug)]
pub struct Chance {
    state: [u64; 4],
}

impl Chance {
    /// The state is filled by SplitMix64, as its authors advise, since it must not be all zero.
    pub fn from_seed(seed: u64) -> Chance {
        let mut counter = seed;
        Chance {
            state: std::array::from_fn(|_| {
                counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (counter ^ counter >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ mixed >> 31
            }),
        }
    }

    /// 64 random bits.
    #[inline]
    #[allow(clippy::should_implement_trait, reason = "endless, and not meant to be iterated")]
    pub fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number from 0 to `n` - 1, all equally likely: the high half of a product, drawn again in the rare case in which
    /// some results would have one low half more than others (Lemire, <https://arxiv.org/abs/1805.10941>).
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "nothing to choose from");
        let mut product = u128::from(self.next()) * u128::from(n);
        if (product as u64) < n {
            let surplus = n.wrapping_neg() % n;
            while (product as u64) < surplus {
                product = u128::from(self.next()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The generator for what a stranger must not guess: run ids, passwords of ACL GENPASS, hash seeds. ChaCha with 12
/// rounds, which is what the `rand` crate takes for its own secure generator.
pub struct Secrets {
    generator: ChaCha12Rng,
}

impl Secrets {
    pub fn from_entropy(entropy: [u8; 32]) -> Secrets {
        Secrets { generator: ChaCha12Rng::from_seed(entropy) }
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.generator.fill_bytes(bytes);
    }

    /// 64 random bits, for a seed.
    pub fn number(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// An id as Redis has it for runs and replications: 40 hexadecimal digits, 160 bits.
    pub fn id(&mut self) -> [u8; 40] {
        let mut bytes = [0; 20];
        self.fill(&mut bytes);
        std::array::from_fn(|at| b"0123456789abcdef"[usize::from(bytes[at / 2] >> (4 * (1 - at % 2)) & 15)])
    }
}

/// Holds a way to draw some of so many numbers to this: in no round one comes twice, and in all of them together each is
/// as likely as another, by chi-square.
#[cfg(test)]
pub fn assert_even(what: &str, numbers: usize, rounds: usize, mut draw: impl FnMut(&mut dyn FnMut(usize))) {
    let (mut counts, mut seen) = (vec![0u32; numbers], vec![0; numbers]);
    for round in 1..=rounds {
        draw(&mut |number| {
            let before = std::mem::replace(&mut seen[number], round);
            assert_ne!(before, round, "{what}: {number} comes twice");
            counts[number] += 1;
        });
    }
    let expected = counts.iter().sum::<u32>() as f64 / numbers as f64;
    assert!(expected > 0.0, "{what}: nothing is drawn");
    let chi: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    // Four standard deviations.
    assert!(chi < numbers as f64 + 4.0 * (2.0 * numbers as f64).sqrt(), "{what}: chi-square {chi} of {numbers}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the state 1, 2, 3, 4 the reference implementation gives these.
    #[test]
    fn numbers_are_those_of_the_reference() {
        let mut chance = Chance { state: [1, 2, 3, 4] };
        let expected = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205];
        assert_eq!(expected.map(|_| chance.next()), expected);
        // SplitMix64 from zero.
        let zero = Chance::from_seed(0).state;
        assert_eq!(zero[..2], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn choices_stay_below_and_are_even() {
        let mut chance = Chance::from_seed(1);
        for n in [1, 2, 3, 10, 1 << 32, u64::MAX / 2 + 2, u64::MAX] {
            assert!((0..1000).all(|_| chance.below(n) < n));
        }
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            counts[chance.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        // A third of all draws is refused for this bound, which would favour even results if they were not.
        let bound = (1 << 63) + (1 << 62);
        let low = (0..10_000).filter(|_| chance.below(bound) < 1 << 62).count();
        assert!((3_100..3_570).contains(&low), "{low}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_every_byte_is_filled() {
        for length in [0, 1, 7, 8, 9, 20, 64] {
            let (mut a, mut b) = (vec![0; length], vec![1; length]);
            Chance::from_seed(9).fill(&mut a);
            Chance::from_seed(9).fill(&mut b);
            assert_eq!(a, b);
        }
        assert_ne!(Chance::from_seed(1).next(), Chance::from_seed(2).next());
    }

    #[test]
    fn ids_are_hexadecimal_and_never_the_same() {
        let mut secrets = Secrets::from_entropy([7; 32]);
        let (one, other) = (secrets.id(), secrets.id());
        assert!(one.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)));
        assert_ne!(one, other);
        assert_eq!(one, Secrets::from_entropy([7; 32]).id());
        assert_ne!(one, Secrets::from_entropy([8; 32]).id());
    }
}
