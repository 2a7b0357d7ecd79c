//! Random numbers from a seed that a test prints.

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A new seed, or the one in `MUNIMENT_TEST_SEED`.
    pub fn seed() -> u64 {
        match std::env::var("MUNIMENT_TEST_SEED") {
            Ok(seed) => seed.parse().expect("MUNIMENT_TEST_SEED is a number"),
            Err(_) => u64::from_be_bytes(muniment::vault::keys::random()),
        }
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
