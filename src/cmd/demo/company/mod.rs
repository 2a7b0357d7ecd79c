//! Larkfield Instruments, a small company that does not exist: two years of its
//! mail, made from a seed, as its server would journal it.
//!
//! There is something to find in it: a merger that few know of and one of them
//! leaks, a product that drifts and should not be called defective, talk about
//! prices with a competitor, a report that another company's server forged.

mod attachment;
mod dice;
mod letter;
mod people;
mod report;
mod stranger;
mod thread;
mod tongues;
mod topics;

use std::collections::VecDeque;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::clock::Timestamp;
use crate::mail::wrap::Style;

use self::dice::Dice;
use self::letter::Letter;
use super::client::Outgoing;

/// The company's tenant at the journaling server.
pub const TENANT: &str = "larkfield.onmicrosoft.example";
/// Where its rule sends reports, as their headers say it; an archive's own
/// address is chance, and the mail must not be.
const JOURNAL: &str = "journal@archive.larkfield.example";

/// A stranger's report comes after so many letters.
const LETTERS_PER_STRANGER: usize = 600;

const SPAN_SECONDS: i64 = 2 * 365 * 86_400;
/// What a person asks for at most; letters are held in memory while they are
/// put in order.
pub const MESSAGES_MAX: usize = 200_000;

/// The reports of all letters, oldest letter first: the same bytes for the same
/// seed, count and date, on every machine and day.
pub struct Company {
    letters: std::vec::IntoIter<Letter>,
    reports: VecDeque<Outgoing>,
    dice: Dice,
    style: Style,
}

impl Company {
    /// `messages` letters of the two years before `until`; each makes one report
    /// or more.
    pub fn new(seed: u64, until: Date, messages: usize) -> Self {
        let mut dice = Dice::new(seed);
        let end = midnight(until);
        let messages = messages.min(MESSAGES_MAX);
        let mut letters = Vec::with_capacity(messages + 8);
        while letters.len() < messages {
            let ago = dice.below(SPAN_SECONDS as usize) as i64;
            let start = thread::at_work(&mut dice, end.plus_seconds(-ago));
            letters.extend(thread::write(&mut dice, start).into_iter().filter(|l| l.at < end));
        }
        letters.truncate(messages);
        letters.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let style =
            Style { journal_address: JOURNAL.into(), tenant: TENANT.into(), ..Style::default() };
        Self { letters: letters.into_iter(), reports: VecDeque::new(), dice, style }
    }
}

impl Iterator for Company {
    type Item = Outgoing;

    fn next(&mut self) -> Option<Outgoing> {
        while self.reports.is_empty() {
            let letter = self.letters.next()?;
            let style = Style { date: rfc5322(letter.at.plus_seconds(2)), ..self.style.clone() };
            self.reports.extend(report::wrap(&letter, &mut self.dice, &style));
            if self.letters.len() % LETTERS_PER_STRANGER == 20 {
                self.reports.push_back(stranger::report(letter.at, &self.style));
            }
        }
        self.reports.pop_front()
    }
}

/// The first instant of a day in UTC; of a day that has none here, the last.
pub fn midnight(date: Date) -> Timestamp {
    let instant = date.to_zoned_datetime(TimeZone::UTC).map(|zoned| zoned.timestamp());
    Timestamp(instant.unwrap_or(jiff::Timestamp::MAX).as_microsecond())
}

/// A date as headers write it (RFC 5322 section 3.3).
pub fn rfc5322(at: Timestamp) -> String {
    at.to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::Hasher;
    use crate::mail::delivery::{self, Form, Role, entry_bytes};
    use crate::mail::journal::Kind;
    use std::collections::{BTreeMap, HashSet};

    fn company(messages: usize) -> Vec<Vec<u8>> {
        made(1, "2026-09-21", messages)
    }

    fn made(seed: u64, until: &str, messages: usize) -> Vec<Vec<u8>> {
        Company::new(seed, until.parse().unwrap(), messages).map(|sent| sent.bytes).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_mail() {
        let mail = made(7, "2026-09-21", 50);
        assert_eq!(mail, made(7, "2026-09-21", 50));
        assert_ne!(mail, made(8, "2026-09-21", 50));
        assert_ne!(mail, made(7, "2026-09-22", 50));
        assert_ne!(made(7, "2026-09-21", 51), mail);
    }

    /// On every machine and in every year. A change of what the company writes,
    /// or of how reports are wrapped, changes this too.
    #[test]
    fn the_mail_of_a_seed_is_pinned() {
        let mut hasher = Hasher::new();
        made(7, "2026-09-21", 50).iter().for_each(|report| hasher.update(report));
        assert_eq!(
            hasher.finish().to_string(),
            "0e816e2b7c10f09e61ba29e4904b8b442646d6083fb6741e49fb081a5747de64"
        );
    }

    #[test]
    fn no_letter_is_later_than_its_end() {
        for letter in Company::new(3, "2026-09-21".parse().unwrap(), 500).letters {
            assert!(letter.at < midnight("2026-09-21".parse().unwrap()), "{}", letter.at);
        }
    }

    #[test]
    fn reports_are_whole_and_hold_what_there_is_to_find() {
        let (mut kinds, mut media) = (BTreeMap::new(), BTreeMap::new());
        let (mut messages, mut leaks, mut lists, mut strangers) = (HashSet::new(), 0, 0, 0);
        for bytes in company(1500) {
            let read = delivery::read(&bytes);
            assert_eq!((read.form, &read.defects[..]), (Form::Report, &[][..]));
            let original = entry_bytes(&bytes, &read.entries, 0).unwrap();
            assert!(!original.contains(&0) && original.ends_with(b"\r\n"));
            messages.insert(read.entries[0].sha256);
            strangers += usize::from(read.originator_org.as_deref() != Some(TENANT));
            for entry in read.entries.iter().filter(|e| e.role == Role::Attachment) {
                *media.entry(entry.media_type.clone()).or_insert(0) += 1;
            }
            for recipient in read.envelope.unwrap().recipients {
                *kinds.entry(format!("{:?}", recipient.kind)).or_insert(0) += 1;
                lists += usize::from(recipient.via.is_some());
                if recipient.address == people::LEAK {
                    leaks += 1;
                    assert_eq!(recipient.kind, Kind::Bcc);
                }
                if recipient.kind == Kind::Bcc {
                    let address = recipient.address.as_bytes();
                    let end = original.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
                    assert!(memchr::memmem::find(&original[..end], address).is_none());
                }
            }
        }
        assert!((1490..=1503).contains(&messages.len()), "{}", messages.len());
        assert_eq!(strangers, 3);
        assert_eq!(kinds.len(), 4, "{kinds:?}");
        assert_eq!(media.len(), 5, "{media:?}");
        assert!(leaks > 3 && lists > 100, "{leaks} {lists}");
    }
}
