use std::path::Path;

use super::*;
use crate::mail::delivery::{Kind, Recipient, Via};

const BASE: &str = "
[organisation]
domains = ['corp.example', 'corp-two.example']
[[class]]
name = 'standard'
years = 7
mode = 'strict'
[[class]]
name = 'staff'
years = 3
mode = 'erasable'
[[class]]
name = 'ten'
years = 10
mode = 'erasable'
[[class]]
name = 'ten-strict'
years = 10
mode = 'strict'
[[class]]
name = 'six'
years = 6
mode = 'strict'
";

fn rules(text: &str) -> Rules {
    let source = |name: &str| Source {
        name: name.into(),
        address: format!("{name}@archive.example"),
        peers: Vec::new(),
        client_certificates: vec![crate::base::hash::Digest::of(b"")],
        sends: Default::default(),
        originator_org: None,
        class: (name == "own").then(|| "six".into()),
    };
    let config = Config { source: vec![source("plain"), source("own")], ..Config::default() };
    Rules::new(&config.drafted(&format!("{BASE}{text}")).unwrap())
}

fn envelope(sender: &str, recipients: &[&str]) -> Envelope {
    let recipient = |text: &&str| {
        let (address, via) = match text.split_once(" by ") {
            Some((address, list)) => (address, Some((Via::Expanded, list.to_owned()))),
            None => (*text, None),
        };
        Recipient { kind: Kind::To, address: address.to_owned(), via }
    };
    let recipients = recipients.iter().map(recipient).collect();
    Envelope { sender: sender.into(), recipients, ..Envelope::default() }
}

const PLAIN: Seen<'static> = Seen {
    source: "plain",
    form: Form::Report,
    is_proven: true,
    is_doubtful: false,
    reverse_path: "",
    envelope: None,
};

/// What a report from and to these gets by rules.
#[track_caller]
fn check(rules: &Rules, sender: &str, recipients: &[&str], class: &str, by: By<'_>) {
    let envelope = envelope(sender, recipients);
    let decision = rules.decide(&Seen { envelope: Some(&envelope), ..PLAIN });
    assert_eq!((decision.class.name.as_str(), decision.by), (class, by), "{sender} {recipients:?}");
}

#[test]
fn without_a_rule_it_is_the_first_class_or_the_sources() {
    let rules = rules("");
    check(&rules, "a@corp.example", &["b@x.example"], "standard", By::Default);
    let decision = rules.decide(&Seen { source: "own", ..PLAIN });
    assert_eq!((decision.class.name.as_str(), decision.by), ("six", By::Source));
    let decision = rules.decide(&Seen { source: "gone", ..PLAIN });
    assert_eq!((decision.class.name.as_str(), decision.by), ("standard", By::Default));
}

#[test]
fn the_longest_of_what_applies_wins_and_the_first_class_is_none_of_them() {
    let rules = rules(
        "[[rule]]\nname = 'staff'\nclass = 'staff'\nrecipient = ['hr@corp.example']
         [[rule]]\nname = 'traders'\nclass = 'ten'\nsender = ['@trade.corp.example']
         [[rule]]\nname = 'chief'\nclass = 'ten-strict'\nrecipient = ['Chief@Corp.example']",
    );
    check(&rules, "a@x.example", &["HR@corp.example"], "staff", By::Rule("staff"));
    let both = ["hr@corp.example", "b@x.example"];
    check(&rules, "t@trade.corp.example", &both, "ten", By::Rule("traders"));
    // Of two as long the one that nobody can shorten.
    check(&rules, "t@trade.corp.example", &["chief@corp.example"], "ten-strict", By::Rule("chief"));
    check(&rules, "t@desk.trade.corp.example", &["b@x.example"], "standard", By::Default);
    check(&rules, "a@x.example", &["me@x.example by hr@corp.example"], "staff", By::Rule("staff"));
    // The source's class is as a rule's.
    let envelope = envelope("a@x.example", &["hr@corp.example"]);
    let decision = rules.decide(&Seen { source: "own", envelope: Some(&envelope), ..PLAIN });
    assert_eq!((decision.class.name.as_str(), decision.by), ("six", By::Source));
}

#[test]
fn all_conditions_must_hold_and_any_of_a_list_does() {
    let rules = rules(
        "[[rule]]\nname = 'r'\nclass = 'ten'\nsource = ['plain']\nflag = ['report']
         sender = ['a@corp.example', 'b@corp.example']\ndomain = ['broker.example']",
    );
    let found = By::Rule("r");
    check(&rules, "b@corp.example", &["x@desk.broker.example"], "ten", found);
    check(&rules, "b@corp.example", &["x@notbroker.example"], "standard", By::Default);
    check(&rules, "c@corp.example", &["x@broker.example"], "standard", By::Default);
    let envelope = envelope("a@corp.example", &["x@broker.example"]);
    for seen in [
        Seen { source: "own", envelope: Some(&envelope), ..PLAIN },
        Seen { form: Form::Bare, reverse_path: "a@corp.example", ..PLAIN },
    ] {
        assert_ne!(rules.decide(&seen).class.name, "ten", "{seen:?}");
    }
    let wrapped = Seen { form: Form::WrappedReport, envelope: Some(&envelope), ..PLAIN };
    assert_eq!(rules.decide(&wrapped).class.name, "ten");
}

#[test]
fn directions_go_by_the_organisations_domains() {
    let rules = rules(
        "[[rule]]\nname = 'in'\nclass = 'staff'\ndirection = ['inbound']
         [[rule]]\nname = 'out'\nclass = 'six'\ndirection = ['outbound']
         [[rule]]\nname = 'within'\nclass = 'ten'\ndirection = ['internal']",
    );
    let (own, other) = ("a@mail.corp.example", "x@elsewhere.example");
    check(&rules, other, &[own], "staff", By::Rule("in"));
    check(&rules, own, &[other], "six", By::Rule("out"));
    check(&rules, own, &["b@corp.example", other], "six", By::Rule("out"));
    check(&rules, own, &["b@corp-two.example"], "ten", By::Rule("within"));
    check(&rules, "x@notcorp.example", &[own], "staff", By::Rule("in"));
    // Which way it goes is not known: the longest that it could be.
    for sender in ["", "/o=Corp/cn=alice", "a@b\u{202e}ü.example"] {
        check(&rules, sender, &[own], "ten", By::Unsure("within"));
    }
    check(&rules, "a@münchen.example", &[own], "staff", By::Rule("in"));
    // To whom it may concern, but to somebody outside.
    check(&rules, own, &["/o=Corp/cn=bob"], "ten", By::Unsure("within"));
    check(&rules, own, &["/o=Corp/cn=bob", other], "six", By::Rule("out"));
    check(&rules, own, &[], "ten", By::Unsure("within"));
}

#[test]
fn whom_a_copy_went_to_is_not_known_and_means_the_longer() {
    let rules = rules(
        "[[rule]]\nname = 'chief'\nclass = 'ten'\nrecipient = ['chief@corp.example']
         [[rule]]\nname = 'hr'\nclass = 'staff'\nrecipient = ['hr@corp.example']
         [[rule]]\nname = 'press'\nclass = 'ten-strict'\nsender = ['press@corp.example']",
    );
    let copy = Seen { form: Form::Bare, reverse_path: "a@corp.example", ..PLAIN };
    let decision = rules.decide(&copy);
    assert_eq!((decision.class.name.as_str(), decision.by), ("ten", By::Unsure("chief")));
    let copy = Seen { reverse_path: "Press@corp.example", ..copy };
    let decision = rules.decide(&copy);
    assert_eq!((decision.class.name.as_str(), decision.by), ("ten-strict", By::Rule("press")));
    // Nor who wrote it, where the path is empty.
    assert_eq!(rules.decide(&Seen { reverse_path: "", ..copy }).by, By::Unsure("press"));
}

#[test]
fn doubt_and_size_mean_the_longest_class() {
    let rules = rules("[[rule]]\nname = 'all'\nclass = 'staff'\nflag = ['report', 'copy']");
    assert_eq!(rules.decide(&PLAIN).class.name, "staff");
    let decision = rules.decide(&Seen { is_doubtful: true, ..PLAIN });
    assert_eq!((decision.class.name.as_str(), decision.by), ("ten-strict", By::Doubt));
    assert_eq!(rules.of_large().class.name, "ten-strict");
}

#[test]
fn an_unproven_delivery_has_its_flag() {
    let rules = rules("[[rule]]\nname = 'u'\nclass = 'six'\nflag = ['unproven']");
    assert_eq!(rules.decide(&PLAIN).class.name, "standard");
    assert_eq!(rules.decide(&Seen { is_proven: false, ..PLAIN }).by, By::Rule("u"));
}

/// Every rule and every recipient together take the time of their sum.
#[test]
fn an_address_in_hundreds_of_rules_is_looked_up_once_each() {
    let mut text = String::new();
    for n in 0..500 {
        text += &format!(
            "[[rule]]\nname = 'r{n}'\nclass = 'six'\nrecipient = ['a{n}@x.example']\n\
             domain = ['d{n}.example']\n"
        );
    }
    let rules = rules(&text);
    let mut envelope = envelope("a@corp.example", &[]);
    for n in 0..100_000 {
        let (kind, via) = (Kind::To, None);
        envelope.recipients.push(Recipient { kind, address: format!("m{n}@y.example"), via });
    }
    let address = ".".repeat(1 << 20) + "@" + &"a.".repeat(1 << 19);
    envelope.recipients.push(Recipient { kind: Kind::To, address, via: None });
    let seen = Seen { envelope: Some(&envelope), ..PLAIN };
    // The one with a domain that is none may be anyone.
    assert_eq!(rules.decide(&seen).class.name, "standard");
    envelope.recipients.pop();
    for address in ["a499@x.example", "z@d499.example"] {
        let address = address.to_owned();
        envelope.recipients.push(Recipient { kind: Kind::To, address, via: None });
    }
    let seen = Seen { envelope: Some(&envelope), ..PLAIN };
    assert!(
        rules.verdicts(&seen)[499] == Verdict::Yes && rules.verdicts(&seen)[498] == Verdict::No
    );
}

#[test]
fn rules_that_cannot_be_meant_are_refused_with_their_mend() {
    let config = Config::default();
    for (text, words) in [
        ("name = 'a'\nclass = 'standard'", "it asks for nothing; give it"),
        ("name = 'a'\nclass = 'gone'\nflag = ['copy']", "there is no class \"gone\"; name one"),
        ("name = ''\nclass = 'standard'\nflag = ['copy']", "give it a name"),
        ("name = 'a'\nclass = 'standard'\nsource = ['s']", "there is no source \"s\"; name one"),
        ("name = 'a'\nclass = 'standard'\nsender = ['ann']", "no address; give one as"),
        ("name = 'a'\nclass = 'standard'\nrecipient = ['*@x.example']", "no address; give one as"),
        ("name = 'a'\nclass = 'standard'\ndomain = ['@x.example']", "no domain; give one as"),
        ("name = 'a'\nclass = 'standard'\ndomain = ['münchen.example']", "xn--"),
        ("name = 'a'\nclass = 'standard'\ndirection = ['inbound']", "add [organisation]"),
        ("name = 'a'\nclass = 'standard'\ndirection = ['up']", "line 4, `direction = ['up']`"),
        ("name = 'a'\nclass = 'standard'\nto = ['a@b']", "unknown key `to`"),
        ("name = 'a'\nclass = 'standard'\nflag = ['copy']\n[http]\nlisten = 'x'", "unknown key"),
    ] {
        let said = config.drafted(&format!("[[rule]]\n{text}")).unwrap_err().to_string();
        assert!(said.contains(words) && !said.contains('\n'), "{words:?} is not in: {said}");
    }
    let twice = "[[rule]]\nname = 'a'\nclass = 'standard'\nflag = ['copy']\n".repeat(2);
    assert!(config.drafted(&twice).unwrap_err().to_string().contains("another rule"));
    let said = config.drafted("[organisation]\ndomains = ['a@b']").unwrap_err().to_string();
    assert!(said.contains("[organisation] domains: \"a@b\" is no domain"), "{said}");
    // The file of a configuration is read by the same.
    let text = "[[rule]]\nname = 'a'\nclass = 'standard'";
    let said = Config::read(Path::new("m.toml"), text).unwrap_err().to_string();
    assert!(said.contains("[[rule]] \"a\": it asks for nothing"), "{said}");
}
