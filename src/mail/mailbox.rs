//! Mailboxes of header fields: as mail-parser reads them, and where it reads nobody
//! or somebody else, as mailers meant them. Whoever asks who took part in a message
//! asks here, so that one person is not two.

use std::collections::{HashMap, HashSet};

use mail_parser::Address as Addresses;
use mail_parser::parsers::MessageStream;

use crate::mail::address::Mailbox;
use crate::mail::encoded_word::{self, Word};
use crate::mail::{address, header, mended};

/// The mailboxes that a field names, with those in its groups.
pub fn all(value: &str) -> Vec<Mailbox> {
    // A fold is the blank that it begins with.
    let value = value.replace(['\r', '\n'], "");
    let value = mended::list(&in_addresses(&unmarked(&value)));
    let nobodys = before_null_paths(&value);
    let mailbox =
        |(name, address): (String, String)| mailbox(&name, &address, nobodys.contains(name.trim()));
    let mut found = read(&value);
    let is_cut =
        |address: &str| address.is_empty() || address.starts_with('@') || address.ends_with('@');
    if value.contains('(') && found.iter().any(|(_, address)| is_cut(address)) {
        // A comment names who is beside it, and is nobody itself (RFC 5322 section 3.2.2).
        let named: HashMap<String, String> =
            found.into_iter().map(|(name, address)| (address, name)).collect();
        found = read(&without_comments(&value));
        for (name, address) in &mut found {
            if name.is_empty() && !address.is_empty() {
                *name = named.get(address.as_str()).cloned().unwrap_or_default();
            }
        }
    }
    let is_somebody = |one: &Mailbox| !(one.name.is_empty() && one.address.is_empty());
    found.into_iter().map(mailbox).flat_map(each).filter(is_somebody).collect()
}

/// The mailboxes of one in which only blanks stand between a name and an address, or
/// between addresses.
fn each(one: Mailbox) -> Vec<Mailbox> {
    let written = match (one.address.is_empty(), one.name.is_empty()) {
        (false, true) => &one.address,
        (true, false) => &one.name,
        _ => return vec![one],
    };
    if written.starts_with(['"', '/']) || written.split_whitespace().nth(1).is_none() {
        return vec![one];
    }
    let (mut found, mut name) = (Vec::new(), Vec::new());
    for word in written.split_whitespace() {
        match is_address(word) {
            true => {
                let name = std::mem::take(&mut name).join(" ");
                found.push(Mailbox { name, address: word.to_owned() });
            }
            false => name.push(word),
        }
    }
    // What follows the last address may be anything.
    if found.is_empty() || !name.is_empty() { vec![one] } else { found }
}

/// Names and addresses; either may be empty.
fn read(value: &str) -> Vec<(String, String)> {
    // A local part in quotes, of which mail-parser makes a name.
    let is_quoted = value.split('"').skip(1).any(|rest| rest.trim_start().starts_with('@'));
    if is_quoted {
        let list = address::parse(&header::unfold(value.as_bytes()));
        return list.into_iter().map(|one| (one.name, one.address)).collect();
    }
    let line = format!("{value}\r\n");
    let parsed = MessageStream::new(line.as_bytes()).parse_address();
    let Some(list) = parsed.as_address() else { return Vec::new() };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    list.iter().map(|one| (text(one.name()), text(one.address()))).collect()
}

fn mailbox(name: &str, address: &str, is_nobody: bool) -> Mailbox {
    let (name, address) = (name.trim(), plain(address));
    if address.is_empty() && !is_nobody {
        // Quotes that were of a list, and stand around none.
        if name.chars().all(|c| matches!(c, '\'' | '"')) {
            return Mailbox::default();
        }
        // Of somebody on the same host, or at the end of a route of UUCP; or an address
        // in quotes.
        let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_{|}~.".contains(c);
        let inner = plain(name);
        if name.chars().all(is_local) || is_address(&inner) {
            return Mailbox { name: String::new(), address: inner };
        }
    }
    Mailbox { name: name.to_owned(), address }
}

/// Whether a text is one address, and no name that has one in it.
fn is_address(text: &str) -> bool {
    let is_special = |c: char| c.is_whitespace() || "<>()[],;:\\\"@".contains(c);
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    [local, domain].iter().all(|half| !(half.is_empty() || half.contains(is_special)))
}

/// The names of whom no address is said to be, as in `Bob <>`.
fn before_null_paths(value: &str) -> HashSet<&str> {
    let mut found = HashSet::new();
    let mut start = 0;
    for (at, _) in value.match_indices('<') {
        if value[at + 1..].trim_start().starts_with('>') {
            let before = value[start..at].rsplit([',', ';', ':']).next().unwrap_or_default();
            found.insert(before.trim().trim_matches('"'));
        }
        start = at;
    }
    found
}

/// A field without its comments; what is never closed is none.
pub fn without_comments(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let (mut is_quoted, mut is_escaped, mut depth, mut open) = (false, false, 0, 0);
    for (at, c) in value.char_indices() {
        match c {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '"' if depth == 0 => is_quoted = !is_quoted,
            '(' if !is_quoted => {
                if depth == 0 {
                    open = at;
                }
                depth += 1;
            }
            ')' if depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            out.push(c);
        }
    }
    if depth > 0 {
        out.push_str(&value[open + 1..]);
    }
    out
}

/// A field with the encoded words decoded that are in an address, where none may be
/// (RFC 2047 section 5) and mailers put them.
fn in_addresses(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let (mut rest, mut is_in_angle) = (value, false);
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        is_in_angle =
            before.rfind(['<', '>']).map_or(is_in_angle, |at| before[at..].starts_with('<'));
        let length = Word::parse(from.as_bytes()).map(|word| word.len);
        let (written, behind) = from.split_at(length.unwrap_or(2));
        rest = behind;
        if length.is_none() || !(is_in_angle || before.ends_with('@') || behind.starts_with('@')) {
            out.push_str(written);
            continue;
        }
        let text = encoded_word::decode(written.as_bytes());
        let is_special =
            |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
        match text.contains(is_special) {
            false => out.push_str(&text),
            true if behind.starts_with('@') => {
                out.push('"');
                out.extend(text.chars().filter(|c| !"\\\"".contains(*c) && !c.is_control()));
                out.push('"');
            }
            true => out.push_str(written),
        }
    }
    out.push_str(rest);
    out
}

/// The names of the groups in a field.
pub fn groups(value: &str) -> Vec<String> {
    let line = format!("{}\r\n", unmarked(value));
    let parsed = MessageStream::new(line.as_bytes()).parse_address();
    let Some(Addresses::Group(groups)) = parsed.as_address() else { return Vec::new() };
    groups.iter().filter_map(|group| group.name.as_deref().map(str::to_owned)).collect()
}

/// `[SMTP:a@b]` and `[EX:/o=…]`, as Exchange and Outlook write addresses, in the form
/// of RFC 5322.
fn unmarked(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(open) = rest.find('[') {
        let (before, marked) = rest.split_at(open);
        let marked = &marked[1..];
        // No further than to another one, of which there may be many.
        let end = marked.find(['[', ']']).filter(|end| marked[*end..].starts_with(']'));
        let inner = end.map(|end| (&marked[..end], &marked[end + 1..])).filter(|(inner, _)| {
            let (kind, address) = inner.split_once(':').unwrap_or_default();
            let known = ["smtp", "ex", "x500"];
            !address.is_empty() && known.iter().any(|one| kind.trim().eq_ignore_ascii_case(one))
        });
        out.push_str(before);
        match inner {
            Some((inner, behind)) => {
                let is_in_angle = before.trim_end().ends_with('<');
                let inner = address::bare(inner);
                out.push_str(&if is_in_angle { inner.to_owned() } else { format!("<{inner}>") });
                rest = behind;
            }
            None => {
                out.push('[');
                rest = marked;
                if let Some(literal) = end.map(|end| &marked[..end]).filter(|it| it.contains(':')) {
                    // Colons end the name of a group, if not in angle brackets.
                    let start = out[..out.len() - 1].rfind([',', ';', ':', '<', ' ', '\t']);
                    let start = start.map_or(0, |at| at + 1);
                    if before.ends_with('@') && !out[..start].ends_with('<') {
                        out.insert(start, '<');
                        out.push_str(&format!("{literal}]>"));
                        rest = &marked[literal.len() + 1..];
                    }
                }
            }
        }
    }
    out.push_str(rest);
    out
}

/// An address without what RFC 5322 section 4.4 has in it no more, a route before it
/// and blanks around its dots, and without what mailers put around it.
fn plain(address: &str) -> String {
    let bare = address::without_route(address::bare(address)).trim();
    let quoted = bare.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    address::without_blanks(quoted.filter(|inner| inner.contains('@')).unwrap_or(bare).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_nobody() {
        for (written, seen) in [
            ("unlisted-recipients:; (no To-header on input)", ""),
            ("(nobody)", ""),
            ("group2: (foo) ;", ""),
            ("Team: a@x.example; (the end of the group)", "a@x.example"),
            ("Team: a@x.example (Ann), \"b (c)\" <b@x.example>; (end)", "Ann;b (c)"),
            ("a@x.example (Ann), (nobody), Bob Smith (home)", "Ann;Bob Smith"),
            ("Bob Smith (home", "Bob Smith home"),
        ] {
            let shown = |one: &Mailbox| match one.name.is_empty() {
                true => one.address.clone(),
                false => one.name.clone(),
            };
            let names: Vec<_> = all(written).iter().map(shown).collect();
            assert_eq!(names.join(";"), seen, "{written}");
        }
        assert_eq!(without_comments(r#"a (b (c) \) d) "(e)" \(f"#), r#"a  "(e)" \(f"#);
    }

    #[test]
    fn addresses_are_without_routes_and_blanks() {
        for (written, seen) in [
            ("a@b.example", "a@b.example"),
            ("@machine.tld:mary@example.net", "mary@example.net"),
            ("@a.tld, @b.tld:test@c.tld", "test@c.tld"),
            ("jdoe@test   . example", "jdoe@test.example"),
            ("one@a.tld two@b.tld", "one@a.tld two@b.tld"),
            ("\"a b\"@c.tld", "\"a b\"@c.tld"),
            ("SMTP:ann@a.example", "ann@a.example"),
        ] {
            assert_eq!(plain(written), seen);
        }
    }

    #[test]
    fn nobody_is_without_an_address_who_has_one() {
        for (written, name, address) in [
            ("\"joe smith\"@x.example", "", "\"joe smith\"@x.example"),
            ("Joe <\"a\\\"b\"@x>", "Joe", "\"a\\\"b\"@x"),
            ("[SMTP:joe@x.example]", "", "joe@x.example"),
            ("Joe [smtp:joe@x.example]", "Joe", "joe@x.example"),
            ("Joe <SMTP:joe@x.example>", "Joe", "joe@x.example"),
            ("Eve [EX:/o=Corp/cn=Eve]", "Eve", "/o=Corp/cn=Eve"),
            ("joe@[192.0.2.1]", "", "joe@[192.0.2.1]"),
            ("<x@[IPv6:2001:db8::1]>", "", "x@[IPv6:2001:db8::1]"),
            ("x@[IPv6:2001:db8::1]", "", "x@[IPv6:2001:db8::1]"),
            ("bob(c)@b.example", "", "bob@b.example"),
            ("bob@(c)b.example", "", "bob@b.example"),
            ("bob\r\n @b.example", "", "bob@b.example"),
            ("bob@\r\n\tb.example", "", "bob@b.example"),
            ("root", "", "root"),
            ("MAILER-DAEMON", "", "MAILER-DAEMON"),
            ("foo!bar!ann", "", "foo!bar!ann"),
            ("John Smith", "John Smith", ""),
            ("Bob <>", "Bob", ""),
            ("\"Bob\" <>", "Bob", ""),
            ("MAILER-DAEMON < >", "MAILER-DAEMON", ""),
            ("joe@x.example (Joe)", "Joe", "joe@x.example"),
            ("=?utf-8?B?SsO2?=@x.example", "", "J\u{f6}@x.example"),
            ("=?utf-8?B?am9lIHNtaXRo?=@x.example", "", "\"joe smith\"@x.example"),
            ("<=?utf-8?B?am9lQHguZXhhbXBsZQ==?=>", "", "joe@x.example"),
            ("Joe <joe@=?utf-8?B?eC5leGFtcGxl?=>", "Joe", "joe@x.example"),
            ("=?utf-8?B?SsO2?= <joe@x.example>", "J\u{f6}", "joe@x.example"),
        ] {
            let one = Mailbox { name: name.to_owned(), address: address.to_owned() };
            assert_eq!(all(written), [one], "{written}");
        }
    }

    #[test]
    fn the_address_is_read_of_what_is_out_of_form() {
        for (written, seen) in [
            ("<<eve@x.example>>", "<eve@x.example>"),
            ("Eve <<eve@x.example>>, b@x.example", "Eve <eve@x.example>; <b@x.example>"),
            ("< <eve@x.example> >", "<eve@x.example>"),
            ("\"Bob <bob@x.example>", "Bob <bob@x.example>"),
            ("Bob\" <bob@x.example>, c@x.example", "Bob <bob@x.example>; <c@x.example>"),
            (
                "\"Bob\" <b@x.example>, \"Ann <a@x.example>, \"Cy\" <c@x.example>",
                "Bob <b@x.example>; Ann <a@x.example>; Cy <c@x.example>",
            ),
            ("\"bob@x.example", "<bob@x.example>"),
            ("\"bob@x.example\"", "<bob@x.example>"),
            ("'carol@x.example'", "<carol@x.example>"),
            ("Carol <'carol@x.example'>", "Carol <carol@x.example>"),
            ("'carol@x.example' <carol@x.example>", "'carol@x.example' <carol@x.example>"),
            ("o'hara@x.example", "<o'hara@x.example>"),
            ("dave@d.example>", "<dave@d.example>"),
            ("Dave dave@d.example>, e@d.example", "Dave <dave@d.example>; <e@d.example>"),
            ("<dave@d.example, Eve <eve@x.example", "<dave@d.example>; Eve <eve@x.example>"),
            (
                "Dave <dave@d.example Eve <eve@x.example>",
                "Dave <dave@d.example>; Eve <eve@x.example>",
            ),
            ("Dave <dave@d.example> <eve@x.example>", "Dave <dave@d.example>; <eve@x.example>"),
            (
                "<d@d.example <eve@x.example <f@x.example",
                "<d@d.example>; <eve@x.example>; <f@x.example>",
            ),
            ("Dave <dave . d@d.example", "Dave <dave.d@d.example>"),
            ("<\"a b\"@d.example", "<\"a b\"@d.example>"),
            ("<mailto:dave@d.example>", "<dave@d.example>"),
            ("\"a > b\" <a@x.example>", "a > b <a@x.example>"),
            ("\"a, <b@c>\" <a@x.example>", "a, <b@c> <a@x.example>"),
            ("<@r1.example,@r2.example:a@x.example>", "<a@x.example>"),
            ("a@x.example (1 > 0), b@x.example", "1 > 0 <a@x.example>; <b@x.example>"),
            ("\"5\\\" disk\" <a@x.example>", "5\" disk <a@x.example>"),
            ("Bob Builder bob@x.example", "Bob Builder <bob@x.example>"),
            ("a@x.example b@x.example, c@x.example", "<a@x.example>; <b@x.example>; <c@x.example>"),
            ("a@x.example; b@x.example;", "<a@x.example>; <b@x.example>"),
            ("\"", ""),
            (">", ""),
        ] {
            let shown = |one: &Mailbox| match one.name.as_str() {
                "" => format!("<{}>", one.address),
                name => format!("{name} <{}>", one.address),
            };
            let found: Vec<_> = all(written).iter().map(shown).collect();
            assert_eq!(found.join("; "), seen, "{written}");
        }
    }

    #[test]
    fn a_literal_is_one_of_a_list() {
        let value = "a@a.example, b@[IPv6:2001:db8::1], c@c.example";
        let found: Vec<_> = all(value).into_iter().map(|one| one.address).collect();
        assert_eq!(found, ["a@a.example", "b@[IPv6:2001:db8::1]", "c@c.example"]);
        assert_eq!(groups(value), Vec::<String>::new());
    }
}
