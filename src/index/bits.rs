//! A set of documents of one segment, one bit each.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    pub fn none(len: u32) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len }
    }

    pub fn all(len: u32) -> Self {
        let mut bits = Self { words: vec![u64::MAX; len.div_ceil(64) as usize], len };
        if !len.is_multiple_of(64)
            && let Some(last) = bits.words.last_mut()
        {
            *last = (1 << (len % 64)) - 1;
        }
        bits
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn insert(&mut self, doc: u32) {
        self.words[doc as usize / 64] |= 1 << (doc % 64);
    }

    pub fn contains(&self, doc: u32) -> bool {
        self.words[doc as usize / 64] & (1 << (doc % 64)) != 0
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    pub fn and_not(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    pub fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// The members of `starts` whose blocks hold a document of this set. A block goes
    /// from a start to the next.
    pub fn lifted(&self, starts: &Self) -> Self {
        let mut found = Self::none(self.len);
        for doc in self.iter() {
            if let Some(start) = starts.last_until(doc) {
                found.insert(start);
            }
        }
        found
    }

    /// The last member that is not after `doc`. Blocks are short: it is near.
    fn last_until(&self, doc: u32) -> Option<u32> {
        let mut at = doc as usize / 64;
        let mut word = self.words[at] & (u64::MAX >> (63 - doc % 64));
        while word == 0 {
            at = at.checked_sub(1)?;
            word = self.words[at];
        }
        Some(at as u32 * 64 + word.ilog2())
    }

    /// The first member after `doc`, or the end.
    fn first_after(&self, doc: u32) -> u32 {
        let next = doc + 1;
        let mut at = next as usize / 64;
        let Some(word) = self.words.get(at) else { return self.len };
        let mut word = word & (u64::MAX << (next % 64));
        while word == 0 {
            at += 1;
            match self.words.get(at) {
                Some(next) => word = *next,
                None => return self.len,
            }
        }
        at as u32 * 64 + word.trailing_zeros()
    }

    /// All documents in the blocks that begin with a member of this set, which are all
    /// members of `starts`.
    pub fn spread(&self, starts: &Self) -> Self {
        let mut found = Self::none(self.len);
        for start in self.iter() {
            (start..starts.first_after(start)).for_each(|doc| found.insert(doc));
        }
        found
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip(0u32..).flat_map(|(word, at)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_has_no_bit_beyond_the_end() {
        for len in [0, 1, 63, 64, 65, 130] {
            assert_eq!(Bits::all(len).count(), len as usize);
            assert_eq!(Bits::all(len).iter().count(), len as usize);
        }
    }

    #[test]
    fn blocks_are_lifted_and_spread() {
        let of = |docs: &[u32]| {
            let mut bits = Bits::none(100);
            docs.iter().for_each(|doc| bits.insert(*doc));
            bits
        };
        let starts = of(&[0, 3, 4, 70]);
        assert_eq!(of(&[1, 2, 4, 69]).lifted(&starts), of(&[0, 4]));
        assert_eq!(of(&[99]).lifted(&starts), of(&[70]));
        assert_eq!(of(&[0, 3]).spread(&starts), of(&[0, 1, 2, 3]));
        assert_eq!(of(&[70]).spread(&starts).count(), 30);
    }

    #[test]
    fn bits_come_back_in_order() {
        let mut bits = Bits::none(200);
        [199, 0, 64, 63].into_iter().for_each(|doc| bits.insert(doc));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
    }
}
