//! Files to browsers: sent as they are, never run, named as they were.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use tokio::io::AsyncReadExt;

use crate::review::bytes::{File, Held};

/// Pieces in which a file is handed on.
const PIECE_BYTES: usize = 64 << 10;

/// A file that the browser saves.
pub fn saved(file: File, media_type: &'static str) -> Response {
    let disposition = disposition("attachment", &file.name);
    answer(file, media_type, disposition)
}

/// A file that the browser shows.
pub fn inline(file: File, media_type: &'static str) -> Response {
    let disposition = disposition("inline", &file.name);
    answer(file, media_type, disposition)
}

fn answer(file: File, media_type: &'static str, disposition: HeaderValue) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_LENGTH, HeaderValue::from(file.held.bytes.len())),
        // Should a browser show it after all, it is nobody's page.
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'self'"),
        ),
    ];
    (headers, Body::from_stream(pieces(file.held))).into_response()
}

/// A file of the disk that the browser saves, read as it is sent.
pub fn streamed(
    file: tokio::fs::File,
    size: u64,
    name: &str,
    media_type: &'static str,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition("attachment", name)),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
    ];
    let pieces = futures::stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await?;
        std::io::Result::Ok((read > 0).then(|| (Bytes::from(piece), file)))
    });
    (headers, Body::from_stream(pieces)).into_response()
}

/// A small file that the browser saves, with nothing of any mail in it.
pub fn small(bytes: Bytes, name: &str, media_type: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition("attachment", name)),
    ];
    (headers, bytes).into_response()
}

/// The bytes in pieces; their memory is given back with the last one.
fn pieces(held: Held) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::unfold((held, 0), |(held, at)| async move {
        let end = held.bytes.len().min(at + PIECE_BYTES);
        let piece = held.bytes.slice(at..end);
        (!piece.is_empty()).then_some((Ok(piece), (held, end)))
    })
    // A body asks once more after its end, which an unfold must not be.
    .fuse()
}

/// Content-Disposition with a file name (RFC 6266 section 4, RFC 8187): one in
/// ASCII for old programs, one in UTF-8 for the others. What could escape a
/// directory or hide an extension is replaced.
pub fn disposition(kind: &str, name: &str) -> HeaderValue {
    let name = safe_name(name);
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    let text = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

fn safe_name(name: &str) -> String {
    const CHARS_MAX: usize = 150;
    let is_unsafe = |c: char| {
        c.is_control()
            || "/\\:*?\"<>|".contains(c)
            // Marks that turn the direction of text hide what a file really is.
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String =
        name.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect::<String>();
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if clean.is_empty() {
        return "attachment".to_owned();
    }
    let chars: Vec<char> = clean.chars().collect();
    if chars.len() <= CHARS_MAX {
        return clean.to_owned();
    }
    // The end says what it is.
    let (start, end) = (&chars[..CHARS_MAX - 20], &chars[chars.len() - 20..]);
    start.iter().chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sent_safely() {
        for (name, sent) in [
            ("report.pdf", r#"attachment; filename="report.pdf"; filename*=UTF-8''report.pdf"#),
            (
                "Überblick.pdf",
                r#"attachment; filename="_berblick.pdf"; filename*=UTF-8''%C3%9Cberblick.pdf"#,
            ),
            (
                "a\"; filename=\"b.exe",
                r#"attachment; filename="a_; filename=_b.exe"; filename*=UTF-8''a_%3B%20filename%3D_b.exe"#,
            ),
            (
                "../../etc/passwd",
                r#"attachment; filename="_.._etc_passwd"; filename*=UTF-8''_.._etc_passwd"#,
            ),
            (
                "x\r\nSet-Cookie: a=b",
                r#"attachment; filename="x__Set-Cookie_ a=b"; filename*=UTF-8''x__Set-Cookie_%20a%3Db"#,
            ),
            (
                "ann\u{202e}fdp.exe",
                r#"attachment; filename="ann_fdp.exe"; filename*=UTF-8''ann_fdp.exe"#,
            ),
            ("", r#"attachment; filename="attachment"; filename*=UTF-8''attachment"#),
        ] {
            assert_eq!(disposition("attachment", name).to_str().unwrap(), sent);
        }
        let long = format!("{}.docx", "n".repeat(1000));
        let sent = disposition("attachment", &long);
        assert!(sent.to_str().unwrap().ends_with("n.docx"), "{sent:?}");
        assert!(sent.len() < 400);
    }
}
