//! The dtSearch parser against what is written and what is refused.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Parsed, QueryError> {
    crate::query::parse(text, Dialect::DtSearch, &TimeZone::UTC)
}

/// What is printed of the reading.
#[track_caller]
fn check(text: &str, printed: &str) {
    match read(text) {
        Ok(parsed) => assert_eq!(parsed.query.to_string(), printed, "{text}"),
        Err(error) => panic!("{}", error.caret(text)),
    }
}

/// The place, a part of the message and a part of the hint of a refusal.
#[track_caller]
fn refused(text: &str, place: &str, message: &str, hint: &str) {
    let error = read(text).expect_err(text);
    assert_eq!(&text[error.span.start..error.span.end], place, "{}", error.caret(text));
    assert!(error.message.contains(message), "{}", error.caret(text));
    assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{}", error.caret(text));
}

#[track_caller]
fn same_as_kql(text: &str) {
    let kql = crate::query::parse(text, Dialect::Kql, &TimeZone::UTC).unwrap();
    assert_eq!(read(text).unwrap().query.root, kql.query.root, "{text}");
}

#[test]
fn words_in_a_row_are_a_phrase() {
    check("", "");
    check("budget", "budget");
    check("last will and testament", "\"last will\" and testament");
    check("\"last will and testament\"", "\"last will and testament\"");
    check("procter & gamble", "\"procter gamble\"");
    check("AT&T", "\"AT&T\"");
    check("jeff.skilling@enron.com", "jeff.skilling@enron.com");
    check("http://enron.com/a", "\"http://enron.com/a\"");
    check("http://enron.com/?a=1&b=%20~c#d", "\"http://enron.com/?a=1&b=%20~c#d\"");
    refused("a (b)", "(", "operator is missing", "w/5");
    refused("(a) b", "b", "operator is missing", "");
    refused("apple \"pear tree\"", "\"pear tree\"", "operator is missing", "as a whole");
    refused("\"a\" b", "b", "operator is missing", "");
    refused("&", "&", "nothing to search", "");
}

#[test]
fn operators_are_read_in_any_case() {
    check("a AND b and c", "a and b and c");
    check("a or b OR c", "a or b or c");
    check("a and not b", "a and not b");
    check("not (a or b)", "not (a or b)");
    check("a or not b", "a or not b");
    refused("a not b", "not", "operator is missing before NOT", "and not");
    refused("a and b or c", "a and b or c", "mixed", "(a and b) or c");
    refused("a or b and not c", "a or b and not c", "mixed", "a or (b and not c)");
    refused("a and", "and", "after", "\"and\"");
    refused("or a", "or", "before", "\"or\"");
    refused("a xor b", "xor", "not offered", "\"xor\"");
    check("\"xor\"", "\"xor\"");
    refused("a and or b", "and", "after", "");
    refused("not", "not", "after", "");
}

#[test]
fn distances() {
    check("a w/5 b", "a w/5 b");
    check("A W/5 B c", "A w/5 \"B c\"");
    check("last will pre/3 testament", "\"last will\" pre/3 testament");
    check("a not w/5 b", "a not w/5 b");
    check("a NOT W/5 (b or c)", "a not w/5 (b or c)");
    check("(a w/2 b) w/5 (c pre/2 d)", "(a w/2 b) w/5 (c pre/2 d)");
    check("(a not w/2 b) w/5 c", "(a not w/2 b) w/5 c");
    check("not a w/2 b", "not (a w/2 b)");
    check("a w/2 b and c", "(a w/2 b) and c");
    check("apple w/10 xfirstword", "apple w/10 xfirstword");
    check("xlastword w/3 \"a b\"", "xlastword w/3 \"a b\"");
    check("\"xfirstword dear sir\"", "\"xfirstword dear sir\"");
    refused("a w/5 b w/5 c", "w/5", "not clear", "parentheses");
    refused("a w/5 b not w/5 c", "not", "not clear", "parentheses");
    refused("a or b w/5 c", "a or b w/5 c", "mixed", "a or (b w/5 c)");
    refused("a w/0 b", "w/0", "from 1", "");
    refused("a w/x b", "w/x", "number", "w/5");
    refused("a w/99999999999 b", "w/99999999999", "number", "");
    refused("a w/5", "w/5", "after", "");
    refused("w/5 a", "w/5", "before", "");
    refused("a not pre/5 b", "not pre/5", "not known", "w/5");
    refused("(a and b) w/5 c", "(a and b)", "AND", "(a w/5 c) and (b w/5 c)");
    refused("c pre/5 (a and b)", "(a and b)", "AND", "(c pre/5 a) and (c pre/5 b)");
    refused("a w/5 (not b)", "(not b)", "NOT", "");
    refused("a w/5 sent:2020", "sent:2020", "test", "");
    refused("a w/5 subject:b", "a w/5 subject:b", "two fields", "same field");
    refused("\"a xfirstword\"", "\"a xfirstword\"", "before xfirstword", "");
    refused("subject:xfirstword", "subject:xfirstword", "text", "body:");
}

#[test]
fn one_word_for_many() {
    check("appl* w/5 *berry", "appl* w/5 *berry");
    check("app?l", "app?l");
    check("N===", "\"N===\"");
    check("apply~", "apply~");
    check("\"apply~ for\"", "\"apply~ for\"");
    check("ba%nana", "ba%nana");
    check("b%%anana", "b%%anana");
    check("b%an%ana", "b%%anana");
    check("%%banana", "%%banana");
    check("12~~24", "12~~24");
    check("\"##199[0-9]$\"", "\"##199[0-9]$\"");
    check("\"apple ##p(ie|ear)\"", "\"apple ##p(ie|ear)\"");
    refused("##199", "##199", "quotation marks", "\"##");
    refused("\"##\"", "\"##\"", "missing", "");
    refused("#smith", "#smith", "sound alike", "%");
    refused("fast&", "fast&", "synonyms", "or");
    refused("a~b", "a~b", "stem", "apply~");
    refused("jean.luc~", "jean.luc~", "stem", "apply~");
    refused("24~~12", "24~~12", "ends before", "12~~24");
    refused("1.5~~2", "1.5~~2", "whole numbers", "12~~24");
    refused("5%", "5%", "not one word", "ba%nana");
    refused("b%%%%%anana", "b%%%%%anana", "anything fits", "fewer");
    refused("a%%b", "a%%b", "anything fits", "");
    refused("a or *", "*", "wildcard needs", "");
    refused("date(jan 1 2020)", "date", "not offered", "sent:");
    refused("class:apply~", "class:apply~", "as a whole", "");
}

#[test]
fn fields() {
    check("subject contains budget", "subject:budget");
    check("(subject contains (last will or plan))", "subject:\"last will\" or subject:plan");
    check("Subject CONTAINS \"a b\" and c", "subject:\"a b\" and c");
    check("subject contains last will and c", "subject:\"last will\" and c");
    check("subject:budget", "subject:budget");
    check("subject:(a w/2 b)", "subject:a w/2 subject:b");
    check("from:\"Wu, Carol <carol@x.test>\"", "from:carol@x.test");
    same_as_kql("from:\"<prvs=12~a&b@x.test>\"");
    let remark = &read("from:prvs=12@x.test").unwrap().warnings[0].message;
    assert!(remark.ends_with("for the sign itself write \"<prvs=12@x.test>\""), "{remark}");
    same_as_kql("from:/o=corp/cn=alice");
    let x500 = "from:\"/o=corp/ou=exchange, admin (x)/cn=alice\"";
    same_as_kql(x500);
    check(x500, x500);
    check("sent>=2020-01-31 and a", "sent>=2020-01-31 and a");
    check("sent:2020..2021", "sent:2020..2021");
    check("size>10mb", "size>10485760");
    check("has:attachment", "has:attachment");
    refused("form:x", "form", "no field", "from:");
    refused("budget subject:x", "subject:x", "operator is missing", "");
    refused("subject contains", "subject", "nothing follows", "");
    refused("sent contains 2020", "sent", "does not contain", "sent:");
    refused("subject contains (from:x)", "from", "inside another", "");
    refused("contains x", "contains", "field before", "quote");
    let warnings = read("hash:abc and sent:2020").expect("a query").warnings;
    assert_eq!(warnings[0].message, "understood here and not by dtSearch: hash:, sent:");
}

#[test]
fn limits_hold() {
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    check(&deep(QUERY_DEPTH_MAX), "a");
    refused(&deep(QUERY_DEPTH_MAX + 1), "(", "nested", "");
    assert!(read(&deep(1000)).is_err());
    assert!(read(&"(".repeat(60_000)).is_err());
    assert!(read(&"not ".repeat(10_000)).is_err());
    assert!(read(&format!("{}a", "subject contains (".repeat(3000))).is_err());
    refused(&"é".repeat(QUERY_CHARS_MAX + 1), "é", "longer", "");
    let any = |n: usize| vec!["ab"; n].join(" or ");
    assert!(read(&any(QUERY_TERMS_MAX)).is_ok());
    assert!(read(&any(QUERY_TERMS_MAX + 1)).is_err());
    check("a\u{200b} \u{202e}and b", "a and b");
    refused("sub\u{200b}jekt contains x", "sub\u{200b}jekt", "no field", "subject");
    refused("tag\u{200b}:x", "tag\u{200b}:x", "yet", "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any text gives a query or an error whose span is a place in the text.
    #[test]
    fn parser_is_total(text in prop_oneof![
        "\\PC{0,40}",
        proptest::collection::vec(prop_oneof![
            Just("("), Just(")"), Just("\""), Just(" and "), Just(" or "), Just("not "),
            Just(" w/5 "), Just("pre/3"), Just(" "), Just("a"), Just("é*"), Just("?"),
            Just("subject:"), Just("sent:"), Just("2020"), Just(".."), Just("size>"), Just("~"),
            Just("\u{200b}"), Just("x:"), Just("”"), Just("&"), Just("𝒳"), Just("5"), Just("%"),
            Just("##"), Just("="), Just(" contains "), Just("xfirstword"), Just("subject"),
            Just("from:"), Just("<a@b.c>"), Just("://"), Just(";"), Just("#"),
        ], 0..16).prop_map(|parts| parts.concat()),
    ]) {
        match read(&text) {
            Ok(parsed) => {
                let printed = parsed.query.to_string();
                let again = read(&printed).map_err(|error| {
                    TestCaseError::fail(error.caret(&printed).to_string())
                })?;
                prop_assert_eq!(again.query, parsed.query);
                crate::query::tree::rows(&read(&text).expect("again").query);
            }
            Err(error) => {
                prop_assert!(text.get(error.span.start..error.span.end).is_some());
                error.caret(&text).to_string();
                error.span.utf16_in(&text);
            }
        }
    }
}
