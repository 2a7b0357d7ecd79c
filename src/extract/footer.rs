//! Text behind a base64 body, where gateways and list servers put it without a part of
//! its own.

/// Where it begins; none where all of `body` is base64, if perhaps a damaged one. It
/// begins a line, after base64 that has ended: by its padding, by an empty line or by
/// a line that is shorter than the first.
pub fn start(body: &[u8]) -> Option<usize> {
    let (mut at, mut full) = (0, None);
    let mut end = End::None;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        if text.is_empty() {
            end = if full.is_some() && end != End::Padding { End::Natural } else { end };
        } else {
            let is_words = match end {
                End::None => false,
                End::Natural => has_words(text),
                End::Padding => text.iter().any(|byte| !is_base64(byte)) || text.len() % 4 != 0,
            };
            if is_words {
                return Some(at);
            }
            let full = *full.get_or_insert(text.len());
            end = match text.last() {
                Some(b'=') => End::Padding,
                _ if text.len() < full => End::Natural,
                _ => End::None,
            };
        }
        at += line.len();
    }
    None
}

/// How the base64 before a line has ended, if it has.
#[derive(Clone, Copy, PartialEq)]
enum End {
    None,
    Natural,
    Padding,
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Several words, or a line drawn between the two.
fn has_words(text: &[u8]) -> bool {
    text.contains(&b' ') || !text.iter().any(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::start;

    #[track_caller]
    fn check(body: &str, footer: Option<&str>) {
        let found = start(body.as_bytes()).map(|at| &body[at..]);
        assert_eq!(found, footer, "{body:?}");
    }

    #[test]
    fn text_behind_base64_is_found() {
        check("QUJDREVGR0g=\r\n____\r\nlist heron\r\n", Some("____\r\nlist heron\r\n"));
        check("QUJDREVGR0hJ\r\nQUJD\r\nthe heron list\r\n", Some("the heron list\r\n"));
        check("QUJDREVGR0hJ\r\n\r\n-- \r\nheron\r\n", Some("-- \r\nheron\r\n"));
        check("QUI=\nheron\n", Some("heron\n"));
        check("QUI=\n\nheron!\n", Some("heron!\n"));
    }

    #[test]
    fn base64_is_base64() {
        for body in [
            "",
            "\r\n\r\n",
            "QUJDREVGR0hJ\r\nQUJD\r\n\r\n",
            "QUI=\r\nQUJD\r\n",
            "QUJDREVGR0hJ\r\n!!damaged!!==\r\nQUJDREVGR0hJ\r\n",
            "heron is no base64 at all\r\nnor this",
        ] {
            check(body, None);
        }
    }
}
