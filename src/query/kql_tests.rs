//! The KQL parser against what is written and what is refused.

use proptest::prelude::*;

use super::*;
use crate::query::Dialect;

fn read(text: &str) -> Result<Parsed, QueryError> {
    crate::query::parse(text, Dialect::Kql, &TimeZone::UTC)
}

/// What is printed of the reading.
fn check(text: &str, printed: &str) {
    match read(text) {
        Ok(parsed) => assert_eq!(parsed.query.to_string(), printed, "{text}"),
        Err(error) => panic!("{}", error.caret(text)),
    }
}

/// The place, a part of the message and a part of the hint of a refusal.
fn refused(text: &str, place: &str, message: &str, hint: &str) {
    let error = read(text).expect_err(text);
    assert_eq!(&text[error.span.start..error.span.end], place, "{}", error.caret(text));
    assert!(error.message.contains(message), "{}", error.caret(text));
    assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{}", error.caret(text));
}

#[test]
fn words_and_operators() {
    check("", "");
    check("  \t ", "");
    check("budget", "budget");
    check("budget forecast", "budget AND forecast");
    check("a AND b c", "a AND b AND c");
    check("a OR b OR c", "a OR b OR c");
    check("a NOT b", "a AND NOT b");
    check("a AND NOT (b OR c)", "a AND NOT (b OR c)");
    check("NOT NOT a", "NOT (NOT a)");
    check("(a b) OR c", "(a AND b) OR c");
    check("((a))", "a");
    check("\"single\"", "single");
    check("\"last will and testament\"", "\"last will and testament\"");
    check("“curly quotes”", "\"curly quotes\"");
    check("\"AND\"", "\"AND\"");
    check("foo(bar)", "foo AND bar");
}

#[test]
fn headers() {
    check("header:spf", "header:spf");
    check("headers:\"X-Priority: 1\"", "header:\"X-Priority: 1\"");
    check("header:(spf NEAR(3) fail)", "header:spf NEAR(3) header:fail");
}

#[test]
fn wildcards() {
    check("conf*", "conf*");
    check("c?nf**", "c?nf*");
    check("\"break* the law\"", "\"break* the law\"");
    check("*@enron.com", "*@enron.com");
    refused("a OR *", "*", "wildcard needs", "contra*");
    refused("\"a * b\"", "\"a * b\"", "wildcard needs", "");
    refused("\"foo bar\"*", "*", "blank is missing", "inside the quotation marks");
}

#[test]
fn near() {
    check("a NEAR(5) b", "a NEAR(5) b");
    check("a NEAR b", "a NEAR(8) b");
    check("a ONEAR(3) \"b c\"", "a ONEAR(3) \"b c\"");
    check("a NEAR (b OR c)", "a NEAR(8) (b OR c)");
    check("(a NEAR(2) b) NEAR(5) c", "(a NEAR(2) b) NEAR(5) c");
    check("subject:(a NEAR(2) b)", "subject:a NEAR(2) subject:b");
    check("NOT a NEAR(2) b", "NOT (a NEAR(2) b)");
    check("x a NEAR(2) b y", "x AND (a NEAR(2) b) AND y");
    refused("a NEAR(5) b NEAR(5) c", "NEAR(5)", "not clear", "parentheses");
    refused("a NEAR(0) b", "NEAR(0)", "from 1", "");
    refused("a NEAR(x) b", "NEAR(x)", "number", "NEAR(5)");
    refused("a NEAR(b) c", "NEAR(b)", "number", "blank");
    refused("a NEAR(5)", "NEAR(5)", "after", "");
    refused("NEAR(5) a", "NEAR(5)", "before", "");
    refused("(a b) NEAR(5) c", "(a b)", "AND", "OR");
    refused("a NEAR(5) sent:2020", "sent:2020", "test", "");
    refused("a NEAR(5) (subject:b)", "a NEAR(5) (subject:b)", "two fields", "same field");
    refused("a w/5 b", "w/5", "no operator", "NEAR(5)");
    refused("a PRE/5 b", "PRE/5", "no operator", "ONEAR(5)");
}

#[test]
fn fields() {
    check("from:jeff.skilling@enron.com", "from:jeff.skilling@enron.com");
    check("Subject:\"q3 report\"", "subject:\"q3 report\"");
    check("subject:(a OR b)", "subject:a OR subject:b");
    check("AttachmentNames:plan.xls", "attachmentname:plan.xls");
    check("messageid:<1@x>", "messageid:\"<1@x>\"");
    check("http://enron.com/a", "\"http://enron.com/a\"");
    check("http://enron.com/a?b=1", "\"http://enron.com/a?b=1\"");
    check("meet 12:30", "meet AND \"12:30\"");
    check("has:attachment", "has:attachment");
    check("hasattachment:false", "NOT has:attachment");
    check("has:Unproven AND a", "has:unproven AND a");
    check("size>10mb", "size>10485760");
    check("size:1kb..2kb", "size:1024..2048");
    refused("form:x", "form", "no field `form`", "from:");
    refused("re:x", "re", "no field", "quotation marks");
    refused("foo:bar", "foo", "no field", "the fields are from, to, cc, bcc, participants");
    refused("tag:acme", "tag:acme", "yet", "");
    check("language:deu Gap:encrypted", "language:deu AND gap:encrypted");
    refused("language>deu", "language>deu", "no order", "language:");
    check(
        "custodian:\"Ann Lee\" hold:notice kind:docs type:pdf",
        "custodian:\"Ann Lee\" AND hold:notice AND kind:docs AND type:pdf",
    );
    refused("subject: x", "subject:", "nothing follows", "without a blank");
    refused("subject:(from:x)", "from", "inside another", "");
    refused("subject>x", "subject>x", "no order", "subject:");
    refused("subject<>x", "subject<>x", "not known", "NOT subject:");
    refused("size:big", "size:big", "no size", "10mb");
    refused("size:2..1", "size:2..1", "ends before", "1..2");
    refused("has:wings", "has:wings", "not known", "has:attachment");
    refused("sent:(2020)", "sent:", "one value", "");
    refused("subject:&&", "subject:&&", "nothing to search", "");
}

#[test]
fn mailboxes() {
    let carol = "from:carol.wu@sub.corp.test";
    for text in [
        "from:<carol.wu@sub.corp.test>",
        "from:\"Carol Wu <carol.wu@sub.corp.test>\"",
        "from:carol.wu@sub.corp.test;",
        "from:\"Wu, Carol\" <carol.wu@sub.corp.test>",
        "from:\"Wu, Carol\"<carol.wu@sub.corp.test>",
        "from:Wu, Carol <carol.wu@sub.corp.test>",
        "from:Carol Wu <carol.wu@sub.corp.test>",
        "from:(\"Carol Wu <carol.wu@sub.corp.test>\")",
    ] {
        check(text, carol);
        let warnings = read(text).unwrap().warnings;
        let said: Vec<_> = warnings.iter().map(|it| it.message.as_str()).collect();
        assert!(said[0].contains("read as the address carol.wu@sub.corp.test"), "{text}: {said:?}");
    }
    check("to:\"a@x.test; Bob <b@x.test>\"", "to:a@x.test OR to:b@x.test");
    check("cc:a@x.test, b@x.test budget", "(cc:a@x.test OR cc:b@x.test) AND budget");
    check("bcc:\"A, B\" <a@x.test>; \"C\" <c@x.test> d", "(bcc:a@x.test OR bcc:c@x.test) AND d");
    check("recipients:\"Wu, Carol\" plan", "recipients:\"Wu Carol\" AND plan");
    check("participants:a@x.test <b@x.test>", "participants:a@x.test AND \"<b@x.test>\"");
    check("from:carol to:<b@x.test>", "from:carol AND to:b@x.test");
    assert!(read("from:carol@x.test").unwrap().warnings.is_empty());
    refused("from:<>", "from:<>", "nothing to search", "");
}

#[test]
fn dates() {
    check("sent:2020", "sent:2020");
    check("sent>=2020-01-31", "sent>=2020-01-31");
    check("received<\"2020-01-31T17:05\"", "received<2020-01-31T17:05");
    check("sent:2020-01..2020-03", "sent:2020-01..2020-03");
    check("sent:2020..", "sent>=2020");
    check("sent:..2020", "sent<=2020");
    check("sent:2020-01-31T17:05:09-05:30", "sent:2020-01-31T17:05:09-05:30");
    check("sent:2020-01-31T17:05+00:00", "sent:2020-01-31T17:05Z");
    refused("sent:1/2/2020", "sent:1/2/2020", "no date", "2020-03-31");
    refused("sent:2021..2020", "sent:2021..2020", "ends before", "2020..2021");
    refused("sent<>2020", "sent<>2020", "not known", "NOT");
}

#[test]
fn a_mix_of_and_and_or_is_refused_with_a_rewrite() {
    refused("a AND b OR c", "a AND b OR c", "mixed", "(a AND b) OR c");
    refused("a b OR c", "a b OR c", "mixed", "(a AND b) OR c");
    refused("a OR b NOT c", "a OR b NOT c", "mixed", "a OR (b AND NOT c)");
    refused("x AND (a OR b c)", "a OR b c", "mixed", "a OR (b AND c)");
}

#[test]
fn what_is_missing_is_named() {
    refused("a AND", "AND", "after", "\"and\"");
    refused("OR a", "OR", "before", "\"or\"");
    refused("a AND OR b", "OR", "before", "");
    refused("NOT", "NOT", "after", "");
    refused("(a", "(", "never closed", "closing");
    refused("a)", ")", "closes nothing", "");
    refused("()", ")", "nothing to search", "");
    refused("\"abc", "\"abc", "never closed", "");
    refused("\"\"", "", "nothing to search", "");
    refused("&", "", "nothing to search", "");
    refused("a OR &", "&", "nothing to search", "");
    refused("-secret", "-secret", "unclear", "NOT");
    refused("-\"a b\"", "\"a b\"", "blank is missing", "");
    refused("a\"b\"", "\"b\"", "blank is missing", "");
    refused("\"b\"a", "a", "blank is missing", "");
}

#[test]
fn warnings_tell_of_a_reading_that_may_surprise() {
    let warnings = |text: &str| -> Vec<String> {
        read(text).expect(text).warnings.into_iter().map(|it| it.message).collect()
    };
    assert!(warnings("jeff.skilling@enron.com o'neil a-b 12:30").is_empty());
    assert_eq!(warnings("a or b").len(), 1);
    assert!(warnings("AT & T 5%")[0].ends_with(": & %"));
    assert!(warnings("a?b")[0].starts_with('?'));
    assert!(warnings("*ab").len() == 1 && warnings("ab*").is_empty());
    assert_eq!(warnings("a\u{200b}b"), ["an invisible character was left out of the query"]);
    check("a A\u{200b}ND b", "a AND b");
}

#[test]
fn limits_hold() {
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    check(&deep(QUERY_DEPTH_MAX), "a");
    refused(&deep(QUERY_DEPTH_MAX + 1), "(", "nested", "");
    assert!(read(&deep(1000)).is_err());
    assert!(read(&"(".repeat(60_000)).is_err());
    assert!(read(&"NOT ".repeat(10_000)).is_err());
    assert!(read(&format!("{}a", "subject:(".repeat(7000))).is_err());

    assert!(read(&"é".repeat(QUERY_CHARS_MAX)).is_ok());
    refused(&"é".repeat(QUERY_CHARS_MAX + 1), "é", "longer", "");

    let any = |n: usize| vec!["ab"; n].join(" OR ");
    assert!(read(&any(QUERY_TERMS_MAX)).is_ok());
    assert!(read(&any(QUERY_TERMS_MAX + 1)).is_err());
}

#[test]
fn the_deepest_query_fits_a_small_stack() {
    let text = format!("{}a{}", "NOT (".repeat(49), ")".repeat(49));
    // As much as a thread of the server has; frames are large in a dev build.
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let query = read(&text).expect("within the limit").query;
        assert_eq!(query.clone(), query);
        query.to_string().len()
    });
    assert!(thread.expect("a thread").join().expect("no overflow") > 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any text gives a query or an error whose span is a place in the text.
    #[test]
    fn parser_is_total(text in prop_oneof![
        "\\PC{0,40}",
        proptest::collection::vec(prop_oneof![
            Just("("), Just(")"), Just("\""), Just("AND"), Just("OR"), Just("NOT"), Just("NEAR"),
            Just("NEAR("), Just("ONEAR(3)"), Just(" "), Just("a"), Just("é*"), Just("?"),
            Just("subject:"), Just("sent:"), Just("2020"), Just(".."), Just("size>"), Just("-"),
            Just("\u{200b}"), Just("x:"), Just("”"), Just("&"), Just("𝒳"), Just("5"),
        ], 0..16).prop_map(|parts| parts.concat()),
    ]) {
        match read(&text) {
            Ok(parsed) => {
                let printed = parsed.query.to_string();
                let again = read(&printed).map_err(|error| {
                    TestCaseError::fail(error.caret(&printed).to_string())
                })?;
                prop_assert_eq!(again.query, parsed.query);
            }
            Err(error) => {
                prop_assert!(text.get(error.span.start..error.span.end).is_some());
                error.caret(&text).to_string();
                error.span.utf16_in(&text);
            }
        }
    }
}

/// What is offered instead is read as it stands, in its place of the whole query.
#[test]
fn a_rewrite_is_a_whole_query() {
    let rewrite = |text: &str, dialect| {
        crate::query::parse(text, dialect, &TimeZone::UTC).unwrap_err().rewrite
    };
    for (text, whole) in [
        ("heron OR budget plan", "heron OR (budget AND plan)"),
        (
            "from:ann AND (heron OR budget AND plan) NOT x",
            "from:ann AND (heron OR (budget AND plan)) NOT x",
        ),
    ] {
        assert_eq!(rewrite(text, Dialect::Kql).as_deref(), Some(whole), "{text}");
    }
    let mixed = rewrite("(a or b w/5 c) and d", Dialect::DtSearch);
    assert_eq!(mixed.as_deref(), Some("(a or (b w/5 c)) and d"));
    // There is no field in a field's parentheses.
    assert_eq!(rewrite("subject:(heron OR budget plan)", Dialect::Kql), None);
    assert_eq!(rewrite("heron AND", Dialect::Kql), None);
}
