//! Terms with `*` and `?`, matched whole.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    AnyChars,
    OneChar,
    /// Of ASCII, as texts have them after folding.
    OneDigit,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glob(pub Vec<Piece>);

impl Glob {
    /// What every match begins with.
    pub fn prefix(&self) -> &str {
        match self.0.first() {
            Some(Piece::Literal(prefix)) => prefix,
            _ => "",
        }
    }

    /// Nothing but a prefix and `*`.
    pub fn is_prefix(&self) -> bool {
        matches!(self.0.as_slice(), [Piece::Literal(_), Piece::AnyChars])
    }

    /// Time is at most the product of both lengths: only the last `*` is ever
    /// tried again.
    pub fn matches(&self, term: &str) -> bool {
        let pieces = &self.0;
        let (mut piece, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let rest = &term[at..];
            let next = match pieces.get(piece) {
                None if rest.is_empty() => return true,
                Some(Piece::AnyChars) => {
                    retry = Some((piece + 1, at));
                    piece += 1;
                    continue;
                }
                Some(Piece::OneChar) => rest.chars().next().map(char::len_utf8),
                Some(Piece::OneDigit) => {
                    rest.starts_with(|c: char| c.is_ascii_digit()).then_some(1)
                }
                Some(Piece::Literal(literal)) => {
                    rest.starts_with(literal.as_str()).then_some(literal.len())
                }
                None => None,
            };
            if let Some(length) = next {
                at += length;
                piece += 1;
                continue;
            }
            let Some((retry_piece, retry_at)) = retry else { return false };
            let Some(c) = term[retry_at..].chars().next() else { return false };
            (piece, at) = (retry_piece, retry_at + c.len_utf8());
            retry = Some((piece, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> Glob {
        Glob(
            text.chars()
                .map(|c| match c {
                    '*' => Piece::AnyChars,
                    '?' => Piece::OneChar,
                    '=' => Piece::OneDigit,
                    c => Piece::Literal(c.into()),
                })
                .collect(),
        )
    }

    /// The definition.
    fn matches(glob: &[char], term: &[char]) -> bool {
        match glob.split_first() {
            None => term.is_empty(),
            Some(('*', rest)) => (0..=term.len()).any(|skip| matches(rest, &term[skip..])),
            Some(('?', rest)) => !term.is_empty() && matches(rest, &term[1..]),
            Some(('=', rest)) => {
                term.first().is_some_and(char::is_ascii_digit) && matches(rest, &term[1..])
            }
            Some((c, rest)) => term.first() == Some(c) && matches(rest, &term[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_the_definition(pattern in "[aé1*?=]{0,6}", term in "[aé1]{0,6}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = matches(&chars(&pattern), &chars(&term));
            prop_assert_eq!(glob(&pattern).matches(&term), expected);
        }
    }

    #[test]
    fn many_stars_stay_fast() {
        assert!(!glob(&"*a".repeat(200)).matches(&"a".repeat(199)));
    }
}
