//! iCalendar and vCard: content lines unfolded, escapes resolved.

use super::sink::Sink;
use super::{charset, decode};

/// Name and value of each line stay, so that both are found.
pub(super) fn read(bytes: &[u8], label: Option<&str>, sink: &mut Sink) {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match lines.last_mut() {
            // RFC 5545 section 3.1: one blank is the fold's.
            Some(last) if matches!(line.first(), Some(b' ' | b'\t')) => {
                last.extend_from_slice(&line[1..]);
            }
            // vCard 2.1 folds quoted-printable as mail does.
            Some(last) if is_quoted(last) && last.ends_with(b"=") => {
                last.pop();
                last.extend_from_slice(line);
            }
            _ => lines.push(line.to_vec()),
        }
    }
    for line in lines {
        let decoded = match memchr::memchr(b':', &line).filter(|_| is_quoted(&line)) {
            Some(colon) => {
                let value = decode::transfer(&line[colon + 1..], "quoted-printable");
                let own = parameter(&line[..colon], "charset=");
                let value = charset::decode(&value, own.as_deref().or(label)).into_owned();
                format!("{}:{value}", String::from_utf8_lossy(&line[..colon]))
            }
            None => charset::decode(&line, label).into_owned(),
        };
        sink.push(&unescaped(&decoded));
        sink.push("\n");
    }
}

fn is_quoted(line: &[u8]) -> bool {
    let head = &line[..memchr::memchr(b':', line).unwrap_or(0)];
    head.to_ascii_lowercase().windows(16).any(|window| window == b"quoted-printable")
}

fn parameter(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, rest) = head.split_once(name)?;
    Some(rest.split(';').next().unwrap_or_default().to_owned())
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => {}
            },
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_escapes_are_resolved() {
        let mut sink = Sink::default();
        read(
            b"BEGIN:VCARD\r\nSUMMARY:Quar\r\n terly\\, review\\nroom\r\n\
              N;CHARSET=utf-8;ENCODING=QUOTED-PRINTABLE:Z=C3=\r\n=AB\r\nEND:VCARD\r\n",
            None,
            &mut sink,
        );
        assert!(sink.text.contains("SUMMARY:Quarterly, review\nroom\n"), "{}", sink.text);
        assert!(sink.text.contains(":Zë\n"), "{}", sink.text);
    }
}
