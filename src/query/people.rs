//! People as mail writes them, in the value of a field of people: `"Wu, Carol"
//! <carol@corp.test>` asks for the address, a list for any of those in it.

use super::lexer::{is_quote, visible};
use super::value::shortened;
use crate::mail::address;

/// How Exchange's own names for its people begin, as keys.
const X500: &str = "/o=";

/// What one of a list asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    Address(String),
    /// Where no address is there.
    Name(String),
}

impl Asked {
    pub fn text(&self) -> &str {
        match self {
            Self::Address(text) | Self::Name(text) => text,
        }
    }
}

/// People, and how the writer is told that they were read.
pub(super) struct People {
    pub asked: Vec<Asked>,
    pub remark: String,
}

/// The people that `text` names; none where it is words or one bare address, which
/// mean what they are. In a form's input blanks alone may separate addresses too.
pub(super) fn read(name: &str, text: &str, is_form: bool) -> Option<People> {
    let text = visible(text);
    let is_column = is_form && {
        let mut words = text.split_whitespace();
        words.clone().count() > 1 && words.all(|word| word.contains('@'))
    };
    let lower = text.trim_start().to_lowercase();
    let is_marked = ["mailto:", "smtp:", "[smtp:"].iter().any(|mark| lower.starts_with(mark));
    let is_list = text.contains(|c| "<>;,\n".contains(c) || is_quote(c));
    let (mut asked, mut has_name_beside) = match is_column || is_marked || is_list {
        true => {
            let pieces = pieces(&text, is_column);
            let is_beside = |piece: &Piece| piece.address().is_some() && piece.has_name();
            let has_name_beside = pieces.iter().any(is_beside);
            (asked(pieces), has_name_beside)
        }
        false => (Vec::new(), false),
    };
    let is_clean = match asked.as_slice() {
        [] => is_address(text.trim(), is_form),
        asked => asked.iter().all(|asked| is_address(asked.text(), is_form)),
    };
    if !is_clean && (is_form || is_marked || is_list) {
        let found = addresses(&text);
        if !found.is_empty() {
            has_name_beside = text.trim().contains(char::is_whitespace) && found.len() == 1;
            asked = found;
        }
    }
    if asked.is_empty() && !(is_column || is_marked || is_list) {
        return None;
    }
    let said: Vec<String> = asked.iter().take(SAID_MAX).map(said).collect();
    let more = asked.len().saturating_sub(SAID_MAX);
    let mut remark = match asked.as_slice() {
        [_] => format!("{name} is read as {}", said.join("")),
        _ => format!("{name} is read as any of {}", said.join(", ")),
    };
    if more > 0 {
        remark.push_str(&format!(" and {more} more"));
    }
    if has_name_beside {
        remark.push_str("; names beside addresses are not compared");
    }
    Some(People { asked, remark })
}

/// Whether nothing but an address is in a text that has an at sign.
fn is_address(text: &str, is_form: bool) -> bool {
    let domain = text.rsplit('@').next().unwrap_or_default();
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    let ends = |c| text.starts_with(c) || text.ends_with(c);
    !text.contains('@')
        || text.starts_with(X500)
        || text.contains('"')
        || !(is_form && text.contains(char::is_whitespace)
            || text.contains(|c| "()|/:;；，＜＞".contains(c)) && !is_literal
            || text.contains(['[', ']']) && !is_literal
            || ends('\'')
            || text.ends_with('.'))
}

/// A link is its address, whatever it gives beside (RFC 6068).
fn without_mailto(text: &str) -> &str {
    match text.get(..7) {
        Some(mark) if mark.eq_ignore_ascii_case("mailto:") => {
            text[7..].split('?').next().unwrap_or_default()
        }
        _ => text,
    }
}

/// The addresses in a text of any form: `Legal: carol@corp.test (her own); …`.
fn addresses(text: &str) -> Vec<Asked> {
    let between = |c: char| c.is_whitespace() || "<>()[],;|；，＜＞".contains(c) || is_quote(c);
    let mut found = Vec::new();
    for token in text.split(between) {
        let token = without_mailto(token).rsplit(':').next().unwrap_or_default();
        let token = token.trim_matches(['\'', '/']).trim_end_matches('.');
        if token.split_once('@').is_some_and(|(_, domain)| !domain.is_empty()) {
            found.push(Asked::Address(address::key(token)));
        }
    }
    found.dedup();
    found
}

/// People that a remark names.
const SAID_MAX: usize = 5;

fn said(asked: &Asked) -> String {
    match asked {
        Asked::Address(address) => format!("the address {}", shortened(address)),
        Asked::Name(name) => format!("the name {}", shortened(name)),
    }
}

/// What stands between two separators.
#[derive(Default)]
struct Piece {
    phrase: String,
    angle: Option<String>,
    is_quoted: bool,
    /// A semicolon stood before it, so that it shares no name with what is there.
    is_apart: bool,
}

impl Piece {
    fn address(&self) -> Option<String> {
        let phrase = self.phrase.trim();
        let text = match &self.angle {
            Some(angle) => angle.trim(),
            None => phrase,
        };
        let key = address::key(without_mailto(text).trim_matches('\''));
        // A quoted local part may hold blanks.
        let outside = &phrase[quoted_local_part(phrase)..];
        let is_bare = !outside.contains(char::is_whitespace);
        let is_mail = key.contains('@') && (self.angle.is_some() || is_bare);
        (is_mail || key.starts_with(X500)).then_some(key)
    }

    /// Whether it has begun as an X.500 name: `, ` and `; ` may be within it.
    fn is_x500(&self) -> bool {
        begins_x500(self.angle.as_deref().unwrap_or(&self.phrase))
    }

    fn has_name(&self) -> bool {
        self.angle.is_some() && !self.phrase.trim().is_empty()
    }

    /// The words of its name.
    fn name(&self) -> Vec<&str> {
        let angle = self.angle.as_deref().unwrap_or_default();
        self.phrase.split_whitespace().chain(angle.split_whitespace()).collect()
    }
}

/// Whether what stands before the next separator is an address.
fn begins_address(rest: &str) -> bool {
    let next = rest.split([',', ';', '\n']).next().unwrap_or_default();
    let next = next.rsplit_once('<').map_or(next, |(_, angle)| angle);
    next.contains('@') || begins_x500(next) || next.trim().is_empty()
}

/// Whether it is the start of an X.500 name, in brackets that may end later.
pub(super) fn begins_x500(text: &str) -> bool {
    address::key(text.trim_start().trim_start_matches('[')).starts_with(X500)
}

/// How many bytes a quoted string is that stands before `@`, which makes it the local
/// part of an address (RFC 5321 section 4.1.2).
fn quoted_local_part(text: &str) -> usize {
    let Some(inner) = text.strip_prefix('"') else { return 0 };
    let mut is_escaped = false;
    let end = inner.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    let is_local_part = |end: &usize| inner[*end + 1..].starts_with('@');
    end.filter(is_local_part).map_or(0, |end| end + 2)
}

fn pieces(text: &str, is_column: bool) -> Vec<Piece> {
    let mut pieces = vec![Piece::default()];
    let (mut is_quoted, mut is_angle) = (false, false);
    let mut local_part_end = 0;
    for (at, c) in text.char_indices() {
        let Some(piece) = pieces.last_mut() else { break };
        if !(is_quoted || is_angle) && at >= local_part_end {
            local_part_end = at + quoted_local_part(&text[at..]);
        }
        match c {
            _ if at < local_part_end => piece.phrase.push(c),
            ',' | ';' if piece.is_x500() && !begins_address(&text[at + 1..]) => {
                let part = piece.angle.as_mut().filter(|_| is_angle);
                part.unwrap_or(&mut piece.phrase).push(c);
            }
            // A quoted local part.
            '"' if is_angle => {
                is_quoted = !is_quoted;
                piece.angle.get_or_insert_default().push(c);
            }
            _ if is_quoted && is_angle => piece.angle.get_or_insert_default().push(c),
            c if is_quote(c) => {
                is_quoted = !is_quoted;
                piece.is_quoted = true;
            }
            _ if is_quoted => piece.phrase.push(if ",;".contains(c) { ' ' } else { c }),
            '<' => {
                is_angle = true;
                piece.angle.get_or_insert_default();
            }
            '>' => is_angle = false,
            ';' | ',' | '\n' => {
                is_angle = false;
                pieces.push(Piece { is_apart: c != ',', ..Piece::default() });
            }
            c if is_column && c.is_whitespace() => pieces.push(Piece::default()),
            c => match &mut piece.angle {
                Some(angle) if is_angle => angle.push(c),
                _ => piece.phrase.push(c),
            },
        }
    }
    pieces
}

fn asked(pieces: Vec<Piece>) -> Vec<Asked> {
    let mut asked = Vec::new();
    let mut names: Vec<Piece> = Vec::new();
    for piece in pieces {
        if piece.is_apart {
            keep_names(&mut asked, &mut names);
        }
        let Some(address) = piece.address() else {
            if !piece.name().is_empty() {
                names.push(piece);
            }
            continue;
        };
        // `Wu, Carol <carol@corp.test>` is one person.
        let is_surname = |name: &mut Piece| name.name().len() == 1 && !name.is_quoted;
        if piece.has_name() && !piece.is_quoted {
            names.pop_if(is_surname);
        }
        keep_names(&mut asked, &mut names);
        asked.push(Asked::Address(address));
    }
    keep_names(&mut asked, &mut names);
    asked.dedup();
    asked
}

/// `Carol Wu, Bob Lay` are two people, `Wu, Carol` is one.
fn keep_names(asked: &mut Vec<Asked>, names: &mut Vec<Piece>) {
    let is_list = names.iter().all(|piece| piece.name().len() > 1 || piece.is_quoted);
    let words: Vec<String> = names.drain(..).map(|piece| piece.name().join(" ")).collect();
    if is_list {
        asked.extend(words.into_iter().map(Asked::Name));
    } else {
        asked.push(Asked::Name(words.join(" ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = read("from", text, true).map_or(Vec::new(), |people| people.asked);
        let found: Vec<_> = found
            .iter()
            .map(|asked| match asked {
                Asked::Address(address) => format!("<{address}>"),
                Asked::Name(name) => name.clone(),
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_mailbox_is_its_address() {
        for text in [
            "<carol.wu@sub.corp.test>",
            "Carol Wu <carol.wu@sub.corp.test>",
            "carol.wu@sub.corp.test;",
            "\"Wu, Carol\" <Carol.Wu@sub.corp.test>",
            "“Wu, Carol” <carol.wu@sub.corp.test>",
            "Wu, Carol <carol.wu@sub.corp.test>",
            "mailto:carol.wu@sub.corp.test",
            "[SMTP:carol.wu@sub.corp.test]",
            "'carol.wu@sub.corp.test',",
        ] {
            check(text, &["<carol.wu@sub.corp.test>"]);
        }
        check("Alice <EX:/o=Corp/cn=Alice>", &["</o=corp/cn=alice>"]);
    }

    #[test]
    fn an_x500_name_may_hold_commas_and_blanks() {
        let name = "</o=corp/ou=exchange, admin (x); y/cn=alice>";
        for text in [
            "/O=Corp/ou=Exchange, Admin (X); Y/cn=Alice",
            "[EX:/o=Corp/ou=Exchange, Admin (X); Y/cn=Alice]",
            "Ito, Alice <EX:/o=Corp/ou=Exchange, Admin (X); Y/cn=Alice>;",
        ] {
            check(text, &[name]);
        }
        let both = format!("/o=Corp/ou=Exchange, Admin (X); Y/cn=Alice, b@x.test; {}", &name[1..]);
        check(both.trim_end_matches('>'), &[name, "<b@x.test>", name]);
    }

    #[test]
    fn a_list_is_any_of_those_in_it() {
        check("a@x.test; Bob <b@x.test>", &["<a@x.test>", "<b@x.test>"]);
        check("a@x.test,b@x.test", &["<a@x.test>", "<b@x.test>"]);
        check("a@x.test b@x.test", &["<a@x.test>", "<b@x.test>"]);
        check("Wu, Carol <c@x.test>; Lay, Bob", &["<c@x.test>", "Lay Bob"]);
        check("Carol Wu, Bob Lay", &["Carol Wu", "Bob Lay"]);
        check("*@x.test, @y.test", &["<*@x.test>", "<@y.test>"]);
    }

    #[test]
    fn a_name_counts_where_there_is_no_address() {
        check("Wu, Carol", &["Wu Carol"]);
        check("\"Wu, Carol\"", &["Wu Carol"]);
        check("<carol>", &["carol"]);
        check("; ,", &[]);
        check("<>", &[]);
    }

    #[test]
    fn an_address_in_whatever_is_around_it_is_found() {
        for text in [
            "carol@x.test (Carol Wu)",
            "(Carol (Sales)) carol@x.test",
            "Legal: carol@x.test;",
            "'carol@x.test'",
            "[carol@x.test]",
            "carol@x.test.",
            "from:carol@x.test",
            "From: Carol Wu carol@x.test",
            "<mailto:carol@x.test?subject=x>",
            "＜carol@x.test＞",
            "Carol Wu carol@x.test",
        ] {
            check(text, &["<carol@x.test>"]);
        }
        for text in [
            "a@x.test OR b@x.test",
            "a@x.test / b@x.test",
            "a@x.test|b@x.test",
            "a@x.test；b@x.test",
        ] {
            check(text, &["<a@x.test>", "<b@x.test>"]);
        }
        check("<\"ann;x\"@corp.test>", &["<\"ann;x\"@corp.test>"]);
        let quoted = "<\"doe, john\"@corp.test>";
        check("\"Doe, John\"@corp.test", &[quoted]);
        check("Doe <\"Doe, John\"@corp.test>; a@x.test", &[quoted, "<a@x.test>"]);
        check("a@x.test; \"Doe, John\"@corp.test, b@x.test", &["<a@x.test>", quoted, "<b@x.test>"]);
        check("Ann <ann@[192.0.2.1]>", &["<ann@[192.0.2.1]>"]);
    }

    #[test]
    fn words_and_bare_addresses_are_left_alone() {
        for text in [
            "carol",
            "Carol Wu",
            "carol@x.test",
            "*@x.test",
            "/o=Corp/cn=Alice",
            "o'neil@x.test",
            "ann@[192.0.2.1]",
            "@x.test",
        ] {
            assert!(read("from", text, true).is_none(), "{text}");
        }
        assert!(read("from", "a@x.test b@x.test", false).is_none());
    }
}
