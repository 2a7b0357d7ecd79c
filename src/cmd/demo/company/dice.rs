//! Chance from a seed: the same seed, the same mail, on every machine.

/// SplitMix64; made for this, and good for nothing secret.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % (end.max(1) as u64)) as usize
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, of which there is at least one.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// `count` different ones of `choices`, in their order.
    pub fn some<T: Copy>(&mut self, choices: &[T], count: usize) -> Vec<T> {
        let mut left = choices.len();
        let mut wanted = count.min(left);
        let mut taken = Vec::with_capacity(wanted);
        for choice in choices {
            if self.below(left) < wanted {
                taken.push(*choice);
                wanted -= 1;
            }
            left -= 1;
        }
        taken
    }
}
