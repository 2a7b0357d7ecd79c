//! Address lists that are out of form, put into it: brackets and quotes that are there
//! twice, or without their others.

/// The same list as mailers meant it. What is in form stays as it is.
pub fn list(value: &str) -> String {
    angles(&quotes(value))
}

/// Without the one quote that has no other.
fn quotes(value: &str) -> String {
    let places = unescaped(value);
    if places.len().is_multiple_of(2) {
        return value.to_owned();
    }
    // That which would take in the address before the next quote, or else the last.
    let is_stray = |pair: &[usize]| {
        let inner = &value[pair[0] + 1..pair[1]];
        inner.contains('@') && inner.trim_end().ends_with([',', ';'])
    };
    let pairs = places.chunks_exact(2);
    let last = places.last().copied().unwrap_or_default();
    let stray = pairs.clone().find(|pair| is_stray(pair)).map_or(last, |pair| pair[0]);
    [&value[..stray], &value[stray + 1..]].concat()
}

/// Where quotes are that no backslash stands before.
fn unescaped(value: &str) -> Vec<usize> {
    let mut is_escaped = false;
    let places = value.bytes().enumerate().filter(|(_, c)| {
        let counts = *c == b'"' && !is_escaped;
        is_escaped = *c == b'\\' && !is_escaped;
        counts
    });
    places.map(|(at, _)| at).collect()
}

/// With a bracket on either side of each address that has one.
fn angles(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let (mut is_quoted, mut is_escaped, mut comments) = (false, false, 0_usize);
    // Where the bracket is that is open, and where the mailbox begins.
    let (mut open, mut start) = (None, 0);
    for c in value.chars() {
        let is_plain = !(is_quoted || is_escaped || comments > 0);
        match c {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '"' if comments == 0 => is_quoted = !is_quoted,
            '(' if !is_quoted => comments += 1,
            ')' if !is_quoted => comments = comments.saturating_sub(1),
            '<' if is_plain => match open {
                Some(at) if out[at..].trim().is_empty() => continue,
                _ => {
                    close(&mut out, &mut open);
                    // Nothing but another mailbox follows one.
                    if out[start..].trim_end().ends_with('>') {
                        out.push(',');
                    }
                    start = out.len();
                    open = Some(start + 1);
                }
            },
            '>' if is_plain && open.take().is_none() => {
                let Some(at) = bare(&out[start..]) else {
                    start = out.len();
                    continue;
                };
                out.insert(start + at, '<');
            }
            ',' | ';' if is_plain => {
                // A route has commas of its own (RFC 5322 section 4.4).
                let is_route =
                    open.is_some_and(|at: usize| out[at..].trim_start().starts_with('@'));
                if !is_route {
                    close(&mut out, &mut open);
                    start = out.len() + 1;
                }
            }
            _ => {}
        }
        out.push(c);
    }
    close(&mut out, &mut open);
    out
}

/// Closes the bracket that is open behind the address in it; what follows is another
/// mailbox.
fn close(out: &mut String, open: &mut Option<usize>) {
    let Some(at) = open.take() else { return };
    let inner = out[at..].trim_end();
    let address = inner.trim_start();
    let lead = inner.len() - address.len();
    // Blanks are within an address as well (RFC 5322 section 4.4), but for a whole one.
    let end = address.find(char::is_whitespace).filter(|end| address[..*end].contains('@'));
    let end = end.map_or(inner.len(), |end| lead + end);
    let rest = out.split_off(at + end);
    out.push('>');
    if !rest.trim().is_empty() {
        out.push(',');
    }
    out.push_str(&rest);
}

/// Where the address begins that ends the text, if it is in no bracket.
fn bare(text: &str) -> Option<usize> {
    let text = text.trim_end();
    let at = text.rfind([' ', '\t', ':', '>']).map_or(0, |at| at + 1);
    let is_it = text[at..].contains('@') && !text.ends_with('>');
    is_it.then_some(at)
}
