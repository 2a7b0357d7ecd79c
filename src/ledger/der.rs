//! As much of DER (X.690) as a time stamp needs: elements one after the other, each
//! within the one around it. Definite lengths only, nothing is copied.

/// Of tags that this program meets.
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The bytes are not what they should be: which part is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// What is left to read of one level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a>(pub &'a [u8]);

#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    pub fn inside(self) -> Der<'a> {
        Der(self.content)
    }
}

impl<'a> Der<'a> {
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub fn next(&mut self, what: &'static str) -> Result<Element<'a>, Malformed> {
        let read = || {
            let (&tag, rest) = self.0.split_first()?;
            let (&first, rest) = rest.split_first()?;
            let (length, rest) = match first {
                0..=0x7f => (usize::from(first), rest),
                0x81..=0x84 => {
                    let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                    let length =
                        bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                    (length, rest)
                }
                _ => return None,
            };
            let (content, rest) = rest.split_at_checked(length)?;
            let whole = &self.0[..self.0.len() - rest.len()];
            Some((Element { tag, content, whole }, rest))
        };
        let (element, rest) = read().ok_or(Malformed(what))?;
        self.0 = rest;
        Ok(element)
    }

    /// The next element, which must have this tag.
    pub fn take(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Malformed> {
        let element = self.next(what)?;
        match element.tag == tag {
            true => Ok(element),
            false => Err(Malformed(what)),
        }
    }

    /// The next element where it has this tag.
    pub fn take_if(
        &mut self,
        tag: u8,
        what: &'static str,
    ) -> Result<Option<Element<'a>>, Malformed> {
        match self.0.first() {
            Some(&next) if next == tag => self.next(what).map(Some),
            _ => Ok(None),
        }
    }
}

/// An element of short content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80);
    let mut out = vec![tag, length.expect("what is written here is short")];
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_read_one_after_the_other() {
        let mut der = Der(&[0x30, 3, 0x02, 1, 5, 0x04, 0x81, 2, 7, 8]);
        let sequence = der.take(SEQUENCE, "s").unwrap();
        assert_eq!((sequence.content, sequence.whole.len()), (&[2, 1, 5][..], 5));
        assert!(der.take_if(OID, "o").unwrap().is_none());
        assert_eq!(der.take(OCTETS, "o").unwrap().content, [7, 8]);
        assert!(der.is_empty());
        for cut in [&[0x30][..], &[0x30, 1], &[0x30, 0x80, 0, 0], &[0x30, 0x85, 0, 0, 0, 0, 0]] {
            assert_eq!(Der(cut).next("cut").unwrap_err(), Malformed("cut"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut der = Der(&bytes);
            while !der.is_empty() && der.next("any").is_ok() {}
        }
    }
}
