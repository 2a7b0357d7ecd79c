//! Command lines as values (RFC 5321 section 4.1, RFC 1870, 3030, 6152, 6531).
//!
//! Lenient where a sender's slip does no harm (spaces after the colon, any
//! octets a mailbox can hold), strict where two readers could disagree.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Helo(String),
    Ehlo(String),
    Mail { reverse_path: String, size: Option<u64> },
    Rcpt { forward_path: String },
    Data,
    Bdat { size: u64, is_last: bool },
    Rset,
    Noop,
    Quit,
    StartTls,
    Vrfy,
    Help,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParseError {
    /// No such command.
    Unknown,
    /// A known command that is not done here.
    NotDone,
    /// A request of another protocol: a browser or a proxy made to talk to us.
    Foreign,
    /// Octets that no command has: NUL, CR, other controls, or not UTF-8.
    Octets,
    /// Arguments are missing or not as the command has them.
    Arguments,
    /// BDAT whose size is not readable: what follows it cannot be told apart.
    ChunkSize,
    /// A parameter of MAIL or RCPT that was not announced.
    Parameter,
    /// A parameter's value.
    Value,
}

pub(super) fn parse(line: &[u8]) -> Result<Command, ParseError> {
    let text = std::str::from_utf8(line).map_err(|_| ParseError::Octets)?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(ParseError::Octets);
    }
    let text = text.trim_end_matches([' ', '\t']);
    let (verb, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim_start_matches([' ', '\t']);
    match verb.to_ascii_uppercase().as_str() {
        "HELO" => name(rest).map(Command::Helo),
        "EHLO" => name(rest).map(Command::Ehlo),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => alone(rest, Command::Data),
        "BDAT" => bdat(rest),
        "RSET" => alone(rest, Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "QUIT" => alone(rest, Command::Quit),
        "STARTTLS" => alone(rest, Command::StartTls),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        "EXPN" | "AUTH" | "ETRN" | "TURN" | "ATRN" | "SEND" | "SOML" | "SAML" => {
            Err(ParseError::NotDone)
        }
        "GET" | "POST" | "PUT" | "HEAD" | "OPTIONS" | "CONNECT" | "PRI" | "PROXY" => {
            Err(ParseError::Foreign)
        }
        _ => Err(ParseError::Unknown),
    }
}

fn alone(rest: &str, command: Command) -> Result<Command, ParseError> {
    if rest.is_empty() { Ok(command) } else { Err(ParseError::Arguments) }
}

fn name(rest: &str) -> Result<String, ParseError> {
    // Anything a host may call itself; it is recorded, never trusted.
    match rest.split([' ', '\t']).next() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(ParseError::Arguments),
    }
}

fn mail(rest: &str) -> Result<Command, ParseError> {
    let (reverse_path, parameters) = path(rest, "FROM:")?;
    let mut size = None;
    for parameter in parameters.split([' ', '\t']).filter(|p| !p.is_empty()) {
        let (keyword, value) = match parameter.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (parameter, None),
        };
        match (keyword.to_ascii_uppercase().as_str(), value) {
            ("SIZE", Some(value)) if size.is_none() => size = Some(number(value)?),
            ("BODY", Some(value)) => {
                let known = ["7BIT", "8BITMIME"].iter().any(|b| value.eq_ignore_ascii_case(b));
                if !known {
                    return Err(ParseError::Value);
                }
            }
            ("SMTPUTF8", None) => {}
            ("SIZE" | "BODY" | "SMTPUTF8", _) => return Err(ParseError::Value),
            _ => return Err(ParseError::Parameter),
        }
    }
    Ok(Command::Mail { reverse_path, size })
}

fn rcpt(rest: &str) -> Result<Command, ParseError> {
    let (forward_path, parameters) = path(rest, "TO:")?;
    if forward_path.is_empty() {
        return Err(ParseError::Arguments);
    }
    if !parameters.trim().is_empty() {
        return Err(ParseError::Parameter);
    }
    Ok(Command::Rcpt { forward_path })
}

/// RFC 3030 section 2: `BDAT SP chunk-size [SP "LAST"]`.
fn bdat(rest: &str) -> Result<Command, ParseError> {
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let size = words.next().ok_or(ParseError::ChunkSize)?;
    let size = number(size).map_err(|_| ParseError::ChunkSize)?;
    match (words.next(), words.next()) {
        (None, _) => Ok(Command::Bdat { size, is_last: false }),
        (Some(last), None) if last.eq_ignore_ascii_case("LAST") => {
            Ok(Command::Bdat { size, is_last: true })
        }
        _ => Err(ParseError::ChunkSize),
    }
}

fn number(text: &str) -> Result<u64, ParseError> {
    // `parse` alone would take "+5".
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::Value);
    }
    text.parse().map_err(|_| ParseError::Value)
}

/// The path after `keyword`, and the parameters behind it.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(String, &'a str), ParseError> {
    let is_keyword =
        rest.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword));
    if !is_keyword {
        return Err(ParseError::Arguments);
    }
    let rest = rest[keyword.len()..].trim_start_matches([' ', '\t']);
    let inner = rest.strip_prefix('<').ok_or(ParseError::Arguments)?;
    let end = path_end(inner).ok_or(ParseError::Arguments)?;
    let (mailbox, after) = (&inner[..end], &inner[end + 1..]);
    if !after.is_empty() && !after.starts_with([' ', '\t']) {
        return Err(ParseError::Arguments);
    }
    // A source route is accepted and ignored (RFC 5321 section 4.1.1.3).
    let mailbox = match mailbox.strip_prefix('@') {
        Some(_) => mailbox.split_once(':').map(|(_, mailbox)| mailbox),
        None => Some(mailbox),
    };
    Ok((mailbox.ok_or(ParseError::Arguments)?.to_owned(), after))
}

/// Where the closing bracket is, not counting those in a quoted local part.
fn path_end(inner: &str) -> Option<usize> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'>' if !is_quoted => return Some(at),
            b'<' if !is_quoted => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mail_from(path: &str, size: Option<u64>) -> Result<Command, ParseError> {
        Ok(Command::Mail { reverse_path: path.into(), size })
    }

    fn rcpt_to(path: &str) -> Result<Command, ParseError> {
        Ok(Command::Rcpt { forward_path: path.into() })
    }

    #[test]
    fn verbs_have_no_case_and_may_be_followed_by_spaces() {
        assert_eq!(parse(b"qUiT  "), Ok(Command::Quit));
        assert_eq!(parse(b"ehlo [192.0.2.1]"), Ok(Command::Ehlo("[192.0.2.1]".into())));
        assert_eq!(parse(b"DATA now"), Err(ParseError::Arguments));
        assert_eq!(parse(b"EHLO"), Err(ParseError::Arguments));
        assert_eq!(parse(b""), Err(ParseError::Unknown));
    }

    #[test]
    fn reverse_path_may_be_null() {
        assert_eq!(parse(b"MAIL FROM:<>"), mail_from("", None));
        assert_eq!(parse(b"mail from: <> size=12 BODY=8bitmime SMTPUTF8"), mail_from("", Some(12)));
    }

    #[test]
    fn paths_are_read_as_the_standard_has_them() {
        assert_eq!(parse(b"MAIL FROM:<a@b.example>"), mail_from("a@b.example", None));
        assert_eq!(parse(b"RCPT TO:<@relay.example,@two.example:a@b>"), rcpt_to("a@b"));
        assert_eq!(parse(br#"RCPT TO:<"a>b\"<"@c.example>"#), rcpt_to(r#""a>b\"<"@c.example"#));
        assert_eq!(parse("RCPT TO:<pelé@exämple.de>".as_bytes()), rcpt_to("pelé@exämple.de"));
        for bad in [
            "RCPT TO:a@b",
            "RCPT TO:<a@b",
            "RCPT TO:<a@b>c",
            "RCPT TO:<>",
            "RCPT",
            "RCPT TO",
            "RCPT FROM:<a@b>",
            "RCPT TO:<<a@b>>",
            "RCPT TO:<@a>",
            "MAIL FROM <a@b>",
            "MAIL é",
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(ParseError::Arguments), "{bad}");
        }
    }

    #[test]
    fn parameters_not_announced_are_refused() {
        assert_eq!(parse(b"MAIL FROM:<a@b> RET=HDRS"), Err(ParseError::Parameter));
        assert_eq!(parse(b"RCPT TO:<a@b> NOTIFY=NEVER"), Err(ParseError::Parameter));
        for bad in [
            "SIZE",
            "SIZE=",
            "SIZE=+5",
            "SIZE=1 SIZE=2",
            "SIZE=99999999999999999999",
            "BODY=BINARYMIME",
            "BODY",
            "SMTPUTF8=1",
        ] {
            let line = format!("MAIL FROM:<a@b> {bad}");
            assert_eq!(parse(line.as_bytes()), Err(ParseError::Value), "{bad}");
        }
    }

    #[test]
    fn chunk_size_is_plain_digits() {
        assert_eq!(parse(b"BDAT 0 LAST"), Ok(Command::Bdat { size: 0, is_last: true }));
        assert_eq!(parse(b"bdat 86 last"), Ok(Command::Bdat { size: 86, is_last: true }));
        assert_eq!(parse(b"BDAT 1000"), Ok(Command::Bdat { size: 1000, is_last: false }));
        for bad in ["", " -1", " +1", " 0x10", " 1 2", " 1 LAST LAST", " 99999999999999999999"] {
            let line = format!("BDAT{bad}");
            assert_eq!(parse(line.as_bytes()), Err(ParseError::ChunkSize), "{bad}");
        }
    }

    #[test]
    fn controls_and_other_protocols_are_refused() {
        for bad in [&b"NOOP\rRSET"[..], b"NOOP\0", b"NOOP \xff", b"NOOP\x1b[2J"] {
            assert_eq!(parse(bad), Err(ParseError::Octets));
        }
        assert_eq!(parse(b"GET / HTTP/1.1"), Err(ParseError::Foreign));
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&line);
        }

        #[test]
        fn any_mail_line_is_answered(rest in r#"[ <>@:"\\=.a-zé,]{0,40}"#) {
            let _ = parse(format!("MAIL FROM:{rest}").as_bytes());
            let _ = parse(format!("RCPT TO:<{rest}").as_bytes());
        }
    }
}
