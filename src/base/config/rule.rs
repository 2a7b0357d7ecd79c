//! Rules of retention as the configuration has them: what a delivery must be for a
//! rule to give it its class. How they are applied is `policy::rules`.

use serde::{Deserialize, Serialize};

use super::check::{Fault, fault};
use super::{Class, Config};
use crate::base::limits::{RULE_ENTRIES_MAX, RULES_MAX};

/// Whose mail it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organisation {
    /// Its mail domains; those below them are its own too.
    pub domains: Vec<String>,
}

/// Gives a class to what fulfils all of its conditions. Of those that one condition
/// lists, any one is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub name: String,
    pub class: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// Addresses, or `@example.com` for all of a domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sender: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipient: Vec<String>,
    /// Of the sender or of a recipient; those below them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domain: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direction: Vec<Direction>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flag: Vec<Flag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Inbound,
    Outbound,
    Internal,
}

/// What is known of a delivery beside who wrote to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flag {
    /// It did not show what its source must show.
    Unproven,
    /// It is a journal report, or a failure notice around one.
    Report,
    /// It is a message as it is.
    Copy,
}

impl Config {
    pub(super) fn check_rules(&self) -> Result<(), Fault> {
        for domain in &self.organisation.domains {
            if !is_domain(domain) {
                return fault("organisation.domains", no_domain(domain));
            }
        }
        if self.rule.len() > RULES_MAX {
            return fault("rule", format!("there are more than {RULES_MAX}; give fewer"));
        }
        for (index, rule) in self.rule.iter().enumerate() {
            if let Some(wrong) = self.wrong_with_rule(rule, &self.rule[..index]) {
                return fault("rule", format!("{:?}: {wrong}", rule.name));
            }
        }
        Ok(())
    }

    fn wrong_with_rule(&self, rule: &Rule, before: &[Rule]) -> Option<String> {
        if rule.name.trim().is_empty() || rule.name.len() > 64 {
            return Some("give it a name of at most 64 characters".into());
        }
        if before.iter().any(|other| other.name == rule.name) {
            return Some("another rule has this name; change one of them".into());
        }
        let known = |class: &Class| class.name == rule.class;
        if !self.class.iter().any(known) {
            return Some(format!(
                "there is no class {:?}; name one that a [[class]] has",
                rule.class
            ));
        }
        let is_source = |name: &&String| self.source.iter().all(|source| source.name != **name);
        if let Some(name) = rule.source.iter().find(is_source) {
            return Some(format!("there is no source {name:?}; name one that a [[source]] has"));
        }
        let lists = [&rule.source, &rule.sender, &rule.recipient, &rule.domain];
        if lists.iter().any(|list| list.len() > RULE_ENTRIES_MAX) {
            return Some(format!("one of its lists has more than {RULE_ENTRIES_MAX} entries"));
        }
        let is_empty = lists.iter().all(|list| list.is_empty());
        if is_empty && rule.direction.is_empty() && rule.flag.is_empty() {
            return Some(
                "it asks for nothing; give it source, sender, recipient, domain, direction or \
                 flag, or make its class the first one, which is everybody's"
                    .into(),
            );
        }
        let is_no_address = |text: &&String| !is_address(text);
        if let Some(text) = rule.sender.iter().chain(&rule.recipient).find(is_no_address) {
            return Some(format!(
                "{text:?} is no address; give one as ann@example.com, or @example.com for all of a \
                 domain"
            ));
        }
        if let Some(domain) = rule.domain.iter().find(|domain| !is_domain(domain)) {
            return Some(no_domain(domain));
        }
        if !rule.direction.is_empty() && self.organisation.domains.is_empty() {
            return Some(
                "direction takes the organisation's domains; add [organisation] with domains = \
                 [\"example.com\"]"
                    .into(),
            );
        }
        None
    }
}

fn no_domain(text: &str) -> String {
    format!("{text:?} is no domain; give one as example.com, and others than ASCII as xn--…")
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// An address, all of a domain, or an X.500 name.
fn is_address(text: &str) -> bool {
    match text.rsplit_once('@') {
        Some((_, domain)) => is_domain(domain) && !text.contains(['<', '>', '*']),
        None => text.starts_with('/'),
    }
}
