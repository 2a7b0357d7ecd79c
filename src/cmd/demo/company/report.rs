//! How the company's mail server reports a letter: one report, or several where
//! recipients differ in kind or are many.

use std::collections::HashSet;

use crate::mail::journal::{Envelope, Kind, Recipient, Via};
use crate::mail::wrap::{self, Original, Style};

use crate::cmd::demo::client::Outgoing;
use crate::cmd::demo::source::reverse_path;

use super::dice::Dice;
use super::letter::{Addressee, Letter};
use super::people;

/// Recipients in one report before the server splits them, as it does for lists.
const CHIP_RECIPIENTS: usize = 20;

pub fn wrap(letter: &Letter, dice: &mut Dice, style: &Style) -> Vec<Outgoing> {
    let bytes = letter.bytes();
    let mut reports = Vec::new();
    for recipients in split(recipients(letter), dice) {
        let envelope = Envelope {
            sender: letter.from.address.to_owned(),
            subject: Some(letter.subject.clone()),
            message_id: Some(letter.id.clone()),
            recipients,
            ..Envelope::default()
        };
        let report = wrap::report(&envelope, &[Original::message(&bytes)], style);
        reports.push(Outgoing { reverse_path: reverse_path(style), bytes: report });
    }
    // An acknowledgement is lost now and then, and the report comes again.
    if dice.chance(1) {
        reports.extend(reports.first().cloned());
    }
    reports
}

/// Everyone who receives it. Typed fields are for those who submitted it
/// authenticated, so mail from outside has plain recipients.
fn recipients(letter: &Letter) -> Vec<Recipient> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let is_inside = letter.from.is_inside();
    let mut add = |kind, address: &str, via: Option<(Via, String)>| {
        if seen.insert(address.to_owned()) {
            let kind = if is_inside { kind } else { Kind::Recipient };
            found.push(Recipient { kind, address: address.to_owned(), via });
        }
    };
    for (kind, list) in [(Kind::To, &letter.to), (Kind::Cc, &letter.cc)] {
        for addressee in list {
            match addressee {
                Addressee::Person(person) => add(kind, person.address, None),
                Addressee::List(list) => {
                    for member in people::members(list) {
                        let via = (Via::Expanded, list.address.to_owned());
                        add(kind, member.address, Some(via));
                    }
                }
            }
        }
    }
    for address in &letter.bcc {
        add(Kind::Bcc, address, None);
    }
    found
}

/// Recipients as they are reported apart: blind ones often, those outside when
/// the message was forked for them, long lists always.
fn split(recipients: Vec<Recipient>, dice: &mut Dice) -> Vec<Vec<Recipient>> {
    let forks_blind = dice.chance(60);
    let forks_outside = dice.chance(40);
    let (blind, rest): (Vec<_>, Vec<_>) =
        recipients.into_iter().partition(|r| forks_blind && r.kind == Kind::Bcc);
    let (outside, inside): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|r| forks_outside && !r.address.ends_with("@larkfield.example"));
    let mut groups: Vec<Vec<Recipient>> =
        inside.chunks(CHIP_RECIPIENTS).map(<[Recipient]>::to_vec).collect();
    groups.extend([outside, blind].into_iter().filter(|group| !group.is_empty()));
    groups
}
