//! Which class a delivery gets: the rules of the configuration, applied to what is
//! known of it before its 250.
//!
//! Each condition says yes, no, or that it is not known: whom a copy went to stands
//! nowhere, an X.500 name has no domain. A rule that is not known to apply counts where
//! its class is the longer one. Time is linear in the envelope, whatever the rules are.

use std::collections::HashMap;

use serde::Serialize;

use crate::base::config::{Class, ClassMode, Config, Direction, Flag, Rule, Source};
use crate::mail::address;
use crate::mail::delivery::{Envelope, Form};

/// What is known of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub source: &'a str,
    pub form: Form,
    pub is_proven: bool,
    /// Something was found wrong in it.
    pub is_doubtful: bool,
    pub reverse_path: &'a str,
    pub envelope: Option<&'a Envelope>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    pub class: &'a Class,
    pub by: By<'a>,
}

/// What gave a delivery its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'a> {
    /// No rule speaks of it.
    Default,
    /// Its source's own class.
    Source,
    Rule(&'a str),
    /// It is not known whether this rule applies.
    Unsure(&'a str),
    /// Something was found wrong in it.
    Doubt,
    /// Its class was fixed before all of it had come.
    Size,
}

/// The same without the rule's name, to be counted and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Because {
    Default,
    Source,
    Rule,
    Unsure,
    Doubt,
    Size,
}

impl<'a> By<'a> {
    pub fn because(self) -> Because {
        match self {
            Self::Default => Because::Default,
            Self::Source => Because::Source,
            Self::Rule(_) => Because::Rule,
            Self::Unsure(_) => Because::Unsure,
            Self::Doubt => Because::Doubt,
            Self::Size => Because::Size,
        }
    }

    pub fn rule(self) -> Option<&'a str> {
        match self {
            Self::Rule(name) | Self::Unsure(name) => Some(name),
            Self::Default | Self::Source | Self::Doubt | Self::Size => None,
        }
    }
}

/// In order: all conditions of a rule are the least of them, any of a list the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    No,
    Unknown,
    Yes,
}

impl From<bool> for Verdict {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

#[derive(Clone, Debug)]
pub struct Rules {
    classes: Vec<Class>,
    sources: Vec<Source>,
    rules: Vec<Rule>,
    domains: Lookup,
    senders: Lookup,
    recipients: Lookup,
    participants: Lookup,
    asks_direction: bool,
}

impl Rules {
    pub fn new(config: &Config) -> Self {
        let rules = &config.rule;
        Self {
            classes: config.class.clone(),
            sources: config.source.clone(),
            domains: Lookup::of_domains([(0, &config.organisation.domains)]),
            senders: Lookup::of_addresses(numbered(rules, |rule| &rule.sender)),
            recipients: Lookup::of_addresses(numbered(rules, |rule| &rule.recipient)),
            participants: Lookup::of_domains(numbered(rules, |rule| &rule.domain)),
            asks_direction: rules.iter().any(|rule| !rule.direction.is_empty()),
            rules: rules.clone(),
        }
    }

    /// The class for what is in doubt: with the most years, strict before erasable, and
    /// the first of those.
    pub fn longest(&self) -> &Class {
        longest(&self.classes).expect("the configuration has a class")
    }

    /// The class of a delivery that is too large to be looked through before it.
    pub fn of_large(&self) -> Decision<'_> {
        Decision { class: self.longest(), by: By::Size }
    }

    pub fn decide(&self, seen: &Seen<'_>) -> Decision<'_> {
        if seen.is_doubtful {
            return Decision { class: self.longest(), by: By::Doubt };
        }
        let source = self.sources.iter().find(|source| source.name == seen.source);
        let of_source = source.and_then(|source| self.named(source.class.as_deref()?));
        let verdicts = self.verdicts(seen);
        let ruled = |wanted: Verdict| {
            let of = self.rules.iter().zip(&verdicts).filter(move |(_, it)| **it == wanted);
            of.filter_map(|(rule, verdict)| {
                let by = match verdict {
                    Verdict::Yes => By::Rule(&rule.name),
                    Verdict::No | Verdict::Unknown => By::Unsure(&rule.name),
                };
                Some(Decision { class: self.named(&rule.class)?, by })
            })
        };
        let mut found: Vec<_> =
            of_source.map(|class| Decision { class, by: By::Source }).into_iter().collect();
        found.extend(ruled(Verdict::Yes));
        if found.is_empty() {
            found.push(Decision { class: &self.classes[0], by: By::Default });
        }
        found.extend(ruled(Verdict::Unknown));
        let mut best = found[0];
        for other in found {
            if is_longer(other.class, best.class) {
                best = other;
            }
        }
        best
    }

    fn named(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.name == name)
    }

    /// Of each rule, whether it applies.
    fn verdicts(&self, seen: &Seen<'_>) -> Vec<Verdict> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let people = People::of(seen);
        let senders = self.senders.verdicts(&self.rules, &people, Side::Senders);
        let recipients = self.recipients.verdicts(&self.rules, &people, Side::Recipients);
        let participants = self.participants.verdicts(&self.rules, &people, Side::Both);
        let direction = self.asks_direction.then(|| self.direction(&people));
        let rules = self.rules.iter().enumerate();
        let verdict = |(at, rule): (usize, &Rule)| {
            let mut all = Verdict::Yes;
            let mut ask = |is_asked: bool, verdict: Verdict| {
                if is_asked {
                    all = all.min(verdict);
                }
            };
            let is_of = rule.source.iter().any(|name| name == seen.source);
            ask(!rule.source.is_empty(), is_of.into());
            ask(!rule.flag.is_empty(), rule.flag.iter().any(|flag| has(seen, *flag)).into());
            ask(!rule.sender.is_empty(), senders[at]);
            ask(!rule.recipient.is_empty(), recipients[at]);
            ask(!rule.domain.is_empty(), participants[at]);
            if let Some(direction) = &direction {
                let any = rule.direction.iter().map(|it| direction.is(*it)).max();
                ask(any.is_some(), any.unwrap_or(Verdict::No));
            }
            all
        };
        rules.map(verdict).collect()
    }

    fn direction(&self, people: &People<'_>) -> Directed {
        let is_own = |address: &str| match domain_of(&address::key(address)) {
            Some(domain) => self.domains.hits_domain(domain).next().is_some().into(),
            None => Verdict::Unknown,
        };
        let sender = people.senders.first().map_or(Verdict::Unknown, |sender| is_own(sender));
        let mut has_outsider = match people.are_recipients_known {
            true => Verdict::No,
            false => Verdict::Unknown,
        };
        for recipient in &people.recipients {
            has_outsider = has_outsider.max(match is_own(recipient) {
                Verdict::Yes => Verdict::No,
                Verdict::Unknown => Verdict::Unknown,
                Verdict::No => Verdict::Yes,
            });
        }
        Directed { is_sender_own: sender, has_outsider }
    }
}

fn longest(classes: &[Class]) -> Option<&Class> {
    classes.iter().reduce(|best, other| if is_longer(other, best) { other } else { best })
}

fn is_longer(class: &Class, than: &Class) -> bool {
    let length = |class: &Class| (class.years, class.mode == ClassMode::Strict);
    length(class) > length(than)
}

fn has(seen: &Seen<'_>, flag: Flag) -> bool {
    match flag {
        Flag::Unproven => !seen.is_proven,
        Flag::Report => seen.form != Form::Bare,
        Flag::Copy => seen.form == Form::Bare,
    }
}

struct Directed {
    is_sender_own: Verdict,
    has_outsider: Verdict,
}

impl Directed {
    fn is(&self, direction: Direction) -> Verdict {
        let not = |verdict| match verdict {
            Verdict::No => Verdict::Yes,
            Verdict::Unknown => Verdict::Unknown,
            Verdict::Yes => Verdict::No,
        };
        match direction {
            Direction::Inbound => not(self.is_sender_own),
            Direction::Outbound => self.is_sender_own.min(self.has_outsider),
            Direction::Internal => self.is_sender_own.min(not(self.has_outsider)),
        }
    }
}

/// Who wrote to whom, as far as the envelope says it.
struct People<'a> {
    senders: Vec<&'a str>,
    are_senders_known: bool,
    /// Those that mail went to.
    recipients: Vec<&'a str>,
    /// Lists and mailboxes by which it came to them.
    originals: Vec<&'a str>,
    are_recipients_known: bool,
}

impl<'a> People<'a> {
    fn of(seen: &Seen<'a>) -> Self {
        let Some(envelope) = seen.envelope else {
            let senders: Vec<_> =
                Some(seen.reverse_path).filter(|path| !path.is_empty()).into_iter().collect();
            return Self {
                are_senders_known: !senders.is_empty(),
                senders,
                recipients: Vec::new(),
                originals: Vec::new(),
                are_recipients_known: false,
            };
        };
        let senders = Some(envelope.sender.as_str()).filter(|sender| !sender.is_empty());
        let recipients = envelope.recipients.iter();
        Self {
            senders: senders.into_iter().chain(envelope.on_behalf_of.as_deref()).collect(),
            are_senders_known: true,
            recipients: recipients.clone().map(|it| it.address.as_str()).collect(),
            originals: recipients.filter_map(|it| Some(it.via.as_ref()?.1.as_str())).collect(),
            are_recipients_known: !envelope.recipients.is_empty(),
        }
    }

    fn on(&self, side: Side) -> (impl Iterator<Item = &'a str>, bool) {
        let none: &[&str] = &[];
        let (senders, recipients, originals) = match side {
            Side::Senders => (&self.senders[..], none, none),
            Side::Recipients => (none, &self.recipients[..], &self.originals[..]),
            Side::Both => (&self.senders[..], &self.recipients[..], &self.originals[..]),
        };
        let are_known = match side {
            Side::Senders => self.are_senders_known,
            Side::Recipients => self.are_recipients_known,
            Side::Both => self.are_senders_known && self.are_recipients_known,
        };
        let all = [senders, recipients, originals].concat();
        (all.into_iter(), are_known)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Senders,
    Recipients,
    Both,
}

/// The rules that ask for an address or a domain, by what they ask for.
#[derive(Clone, Debug, Default)]
struct Lookup {
    addresses: HashMap<String, Vec<usize>>,
    /// Of `@example.com`.
    exact: HashMap<String, Vec<usize>>,
    /// With those below them.
    domains: HashMap<String, Vec<usize>>,
}

fn numbered(
    rules: &[Rule],
    list: fn(&Rule) -> &Vec<String>,
) -> impl Iterator<Item = (usize, &Vec<String>)> {
    rules.iter().enumerate().map(move |(at, rule)| (at, list(rule)))
}

impl Lookup {
    fn of_addresses<'a>(lists: impl IntoIterator<Item = (usize, &'a Vec<String>)>) -> Self {
        let mut lookup = Self::default();
        for (at, list) in lists {
            for text in list {
                let (map, key) = match text.strip_prefix('@') {
                    Some(domain) => (&mut lookup.exact, domain.to_ascii_lowercase()),
                    None => (&mut lookup.addresses, address::key(text)),
                };
                map.entry(key).or_default().push(at);
            }
        }
        lookup
    }

    fn of_domains<'a>(lists: impl IntoIterator<Item = (usize, &'a Vec<String>)>) -> Self {
        let mut lookup = Self::default();
        for (at, list) in lists {
            for domain in list {
                lookup.domains.entry(domain.to_ascii_lowercase()).or_default().push(at);
            }
        }
        lookup
    }

    fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.exact.is_empty() && self.domains.is_empty()
    }

    /// Of each rule, whether one of the people is one that it asks for. An address
    /// without a domain may be in any.
    fn verdicts(&self, rules: &[Rule], people: &People<'_>, side: Side) -> Vec<Verdict> {
        let mut found = vec![Verdict::No; rules.len()];
        if self.is_empty() {
            return found;
        }
        let (addresses, are_known) = people.on(side);
        let mut is_all_known = are_known;
        for address in addresses {
            let key = address::key(address);
            let domain = domain_of(&key);
            is_all_known &= domain.is_some();
            let by_address = self.addresses.get(&key).into_iter().flatten();
            let exact = domain.and_then(|domain| self.exact.get(domain)).into_iter().flatten();
            let by_domain = domain.into_iter().flat_map(|domain| self.hits_domain(domain));
            for at in by_address.chain(exact).chain(by_domain) {
                found[*at] = Verdict::Yes;
            }
        }
        if !is_all_known {
            for verdict in &mut found {
                *verdict = (*verdict).max(Verdict::Unknown);
            }
        }
        found
    }

    /// The rules that ask for a domain or one above it.
    fn hits_domain<'a>(&'a self, domain: &'a str) -> impl Iterator<Item = &'a usize> {
        let above = std::iter::successors(Some(domain), |domain| Some(domain.split_once('.')?.1));
        above.filter_map(|domain| self.domains.get(domain)).flatten()
    }
}

/// The domain of an address, as keys have it; none of an X.500 name, and of one that
/// can be written in two ways.
fn domain_of(key: &str) -> Option<&str> {
    /// RFC 5321 section 4.5.3.1.2.
    const BYTES_MAX: usize = 255;
    let (_, domain) = key.rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    (!domain.is_empty() && domain.len() <= BYTES_MAX && domain.is_ascii()).then_some(domain)
}

#[cfg(test)]
mod tests;
