//! What a message and the delivery around it mean for catalog and index. Pure.

use std::collections::HashSet;

use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, SetId};
use crate::base::limits;
use crate::catalog::set::{Derived, NewAttachment, NewGap, NewParticipant, NewSet};
use crate::extract::{self, Mailbox, Parsed};
use crate::index::doc::{AttachmentDoc, FamilyDoc, Participant, Role};
use crate::mail::delivery::{Envelope, Kind, Recipient, Via};
use crate::mail::{address, encoded_word};
use crate::similar::Links;
use crate::worker::{Failure, Found};

/// One message in one delivery, read or not.
pub struct Item {
    pub seq: DeliverySeq,
    pub entry: u32,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub source: String,
    pub class: String,
    pub received_at: crate::base::clock::Timestamp,
    pub is_proven: bool,
    pub envelope: Option<Envelope>,
    pub found: Result<Found, Failure>,
}

impl Item {
    /// Whether a document of it is to be read again.
    pub fn is_pending(&self) -> bool {
        let is_pending = |gap: &extract::Gap| gap.reason == extract::Reason::Pending;
        self.found.as_ref().is_ok_and(|found| found.message.gaps.iter().any(is_pending))
    }

    /// Its rows in the catalog.
    pub fn rows(&self) -> Derived {
        let empty = Parsed::default();
        let (message, key) = match &self.found {
            Ok(found) => (&found.message, found.set_key),
            Err(_) => (&empty, self.unread_key()),
        };
        let mut gaps: Vec<NewGap> = message
            .gaps
            .iter()
            .map(|gap| {
                let whole = NewGap::of_message(gap.reason.as_str(), gap.detail.clone());
                match gap.ordinal.and_then(|at| message.attachments.get(at as usize)) {
                    None => whole,
                    Some(file) => NewGap {
                        ordinal: gap.ordinal,
                        path: extract::path(&message.attachments, file),
                        media_type: file.media_type.clone(),
                        ..whole
                    },
                }
            })
            .collect();
        gaps.extend(self.found.as_ref().err().map(NewGap::from));
        let people = |source| self.people(source).filter_map(row).collect();
        Derived {
            seq: self.seq,
            entry: self.entry,
            message_sha256: self.sha256,
            set: NewSet {
                key,
                subject: extract::shortened(&self.subject(), limits::SUBJECT_SHOWN_BYTES_MAX),
                from_text: extract::shortened(&self.author_text(), limits::AUTHOR_SHOWN_BYTES_MAX),
                message_id: self.message_id(),
                sent_at: message.date,
                received_at: self.received_at,
                size_bytes: self.size_bytes,
            },
            is_proven: self.is_proven,
            header: people(Source::Header),
            envelope: people(Source::Envelope),
            attachments: message
                .attachments
                .iter()
                .map(|file| NewAttachment {
                    ordinal: file.ordinal,
                    parent: file.parent,
                    name: file.name.clone(),
                    path: extract::path(&message.attachments, file),
                    media_type: file.media_type.clone(),
                    size_bytes: file.size,
                    sha256: file.sha256,
                    has_text: file.text.is_some(),
                    is_part: file.is_part,
                    language: file.language.clone(),
                    is_ocred: file.is_ocred,
                    about: serde_json::to_string(&file.about).unwrap_or_default(),
                    md5: file.md5.clone(),
                })
                .collect(),
            gaps,
        }
    }

    /// Its family for the index when all of it was read at last, with what the set
    /// had before from this message and others.
    pub fn late_family(&self, set: SetId, stored: Option<FamilyDoc>) -> FamilyDoc {
        match stored {
            // Nothing was read of it: another message may have said more.
            Some(mut family) if self.found.is_err() => {
                self.join(&mut family);
                family
            }
            Some(stored) => absorb(self.new_family(set), stored),
            None => self.new_family(set),
        }
    }

    /// Its family for the index, merged with what the set had before; none if
    /// it adds nothing.
    pub fn family(&self, set: SetId, stored: Option<FamilyDoc>) -> Option<FamilyDoc> {
        match stored {
            None => Some(self.new_family(set)),
            Some(mut family) => self.join(&mut family).then_some(family),
        }
    }

    fn new_family(&self, set: SetId) -> FamilyDoc {
        let empty = Parsed::default();
        let message = self.found.as_ref().map_or(&empty, |found| &found.message);
        let mut body = message.text.clone();
        if !message.other_text.is_empty() {
            body.push('\n');
            body.push_str(&message.other_text);
        }
        let mut family = FamilyDoc {
            set,
            received_at: self.received_at,
            received_again: Vec::new(),
            sent_at: message.date,
            size_bytes: self.size_bytes,
            message_id: self.message_id(),
            subject: self.subject(),
            body,
            headers: Vec::new(),
            participants: Vec::new(),
            attachments: message
                .attachments
                .iter()
                .map(|file| AttachmentDoc {
                    name: file.name.clone(),
                    media_type: file.media_type.clone(),
                    text: file.text.clone(),
                })
                .collect(),
            sources: Vec::new(),
            classes: Vec::new(),
            messages: Vec::new(),
            hashes: message.attachments.iter().map(|file| file.sha256.to_string()).collect(),
            links: Vec::new(),
            is_partial: self.found.is_err() || !message.gaps.is_empty(),
            gaps: self.reasons(),
            languages: languages(message),
            versions: Vec::new(),
            are_headers_cut: false,
            is_proven: self.is_proven,
            has_unproven: !self.is_proven,
        };
        self.join(&mut family);
        family
    }

    /// Why something of it could not be read, each reason once.
    fn reasons(&self) -> Vec<String> {
        let of_message = self.found.iter().flat_map(|found| &found.message.gaps);
        let of_message = of_message.map(|gap| gap.reason);
        let whole = self.found.as_ref().err().map(|failure| failure.reason);
        let mut reasons = Vec::new();
        for reason in of_message.chain(whole) {
            add(&mut reasons, reason.as_str());
        }
        reasons
    }

    /// Adds who took part, and by what way it came; says whether that was news.
    fn join(&self, family: &mut FamilyDoc) -> bool {
        let mut is_news = false;
        let mut known: HashSet<Participant> = family.participants.iter().cloned().collect();
        for source in [Source::Header, Source::Envelope] {
            for person in self.people(source) {
                if known.insert(person.clone()) {
                    family.participants.push(person);
                    is_news = true;
                }
            }
        }
        for person in self.blind() {
            if known.insert(person.clone()) {
                family.participants.push(person);
                is_news = true;
            }
        }
        is_news |= self.join_version(family);
        is_news |= self.join_envelope(family);
        is_news |= add(&mut family.sources, &self.source);
        is_news |= add(&mut family.classes, &self.class);
        if self.is_proven && !family.is_proven {
            family.is_proven = true;
            is_news = true;
        }
        if !self.is_proven && !family.has_unproven {
            family.has_unproven = true;
            is_news = true;
        }
        is_news |= family.add_received(self.received_at);
        is_news
    }

    fn join_version(&self, family: &mut FamilyDoc) -> bool {
        let fields = self
            .found
            .iter()
            .flat_map(|found| found.message.headers.iter().chain(&found.message.inner_headers));
        family.add_version(
            &self.sha256.to_string(),
            &self.links(),
            fields.map(|field| match field.name.as_str() {
                "" => field.value.clone(),
                name => format!("{name}: {}", field.value),
            }),
        )
    }

    /// Adds words that the envelope alone says: of an original that is encrypted, or empty.
    fn join_envelope(&self, family: &mut FamilyDoc) -> bool {
        let Some(envelope) = &self.envelope else { return false };
        let mut is_news = false;
        for said in envelope.subject.iter().chain(&envelope.label) {
            let said = encoded_word::decode(said.as_bytes());
            let is_new = said != family.subject
                && extract::has_new_words(&family.subject, &said)
                && extract::has_new_words(&family.body, &said);
            if is_new {
                family.body.push('\n');
                family.body.push_str(&said);
                is_news = true;
            }
        }
        is_news
    }

    fn links(&self) -> Links {
        match &self.found {
            Ok(found) => Links::of(&found.message),
            Err(_) => Links { id: self.message_id(), ..Links::default() },
        }
    }

    fn people(&self, source: Source) -> Box<dyn Iterator<Item = Participant> + '_> {
        match source {
            Source::Header => match &self.found {
                Ok(found) => Box::new(header_people(&found.message)),
                Err(_) => Box::new(std::iter::empty()),
            },
            Source::Envelope => match &self.envelope {
                Some(envelope) => Box::new(envelope_people(envelope)),
                None => Box::new(std::iter::empty()),
            },
        }
    }

    /// A message that cannot be read is a set of its own.
    pub(super) fn unread_key(&self) -> Digest {
        Digest::of(format!("muniment unread message {}", self.sha256).as_bytes())
    }

    /// Recipients that the envelope does not type, and that neither the header accounts
    /// for, nor a list or mailbox in it: blind, as far as anyone can tell.
    fn blind(&self) -> Vec<Participant> {
        let (Ok(found), Some(envelope)) = (&self.found, &self.envelope) else { return Vec::new() };
        let message = &found.message;
        let is_recipient =
            |person: &Participant| matches!(person.role, Role::To | Role::Cc | Role::Bcc);
        let shown = header_people(message).filter(is_recipient);
        let shown: HashSet<String> = shown.map(|person| address::key(&person.address)).collect();
        let is_blind = |recipient: &&Recipient| {
            let is_shown = |address: &str| shown.contains(&address::key(address));
            recipient.kind == Kind::Recipient
                && !recipient.via.as_ref().is_some_and(|(_, original)| is_shown(original))
                && !is_shown(&recipient.address)
        };
        let person = |recipient: &Recipient| Participant {
            role: Role::Bcc,
            address: recipient.address.clone(),
            name: String::new(),
        };
        envelope.recipients.iter().filter(is_blind).map(person).collect()
    }

    fn subject(&self) -> String {
        match &self.found {
            Ok(found) => found.message.subject.clone(),
            Err(_) => self.envelope.as_ref().and_then(|e| e.subject.clone()).unwrap_or_default(),
        }
    }

    fn message_id(&self) -> String {
        match &self.found {
            Ok(found) => found.message.message_id.clone(),
            Err(_) => {
                let envelope = self.envelope.as_ref().and_then(|e| e.message_id.as_deref());
                envelope.unwrap_or_default().trim_matches(['<', '>']).to_owned()
            }
        }
    }

    fn author_text(&self) -> String {
        let author = self.found.as_ref().ok().and_then(|found| {
            found.message.from.first().or(found.message.sender.first()).map(Mailbox::display)
        });
        let sender = || self.envelope.as_ref().map(|envelope| envelope.sender.clone());
        author.filter(|text| !text.is_empty()).or_else(sender).unwrap_or_default()
    }
}

impl From<&Failure> for NewGap {
    fn from(failure: &Failure) -> Self {
        Self::of_message(failure.reason.as_str(), failure.detail.clone())
    }
}

#[derive(Clone, Copy)]
enum Source {
    Header,
    Envelope,
}

fn header_people(message: &Parsed) -> impl Iterator<Item = Participant> + '_ {
    let lists = [
        (Role::From, &message.from),
        (Role::Sender, &message.sender),
        (Role::To, &message.to),
        (Role::Cc, &message.cc),
        (Role::Bcc, &message.bcc),
    ];
    let written = lists.into_iter().flat_map(|(role, list)| {
        list.iter().map(move |mailbox| Participant {
            role,
            address: mailbox.address.clone(),
            name: mailbox.name.clone(),
        })
    });
    written.chain(people_besides(message))
}

/// Fields that not every message has. Google's copies have no envelope, and say in one
/// of their own whom the mail was for, blind recipients too. Who passed a message on as
/// it was, and to whom, is in others (RFC 5322 section 3.6.6). Whoever sends mail can
/// write them: they count as a header.
const FIELDS_BESIDES: [(&str, Role); 6] = [
    ("X-Gm-Original-To", Role::Recipient),
    ("Resent-From", Role::Sender),
    ("Resent-Sender", Role::Sender),
    ("Resent-To", Role::To),
    ("Resent-Cc", Role::Cc),
    ("Resent-Bcc", Role::Bcc),
];

fn people_besides(message: &Parsed) -> impl Iterator<Item = Participant> + '_ {
    message.headers.iter().flat_map(|field| {
        let is_it = |(name, _): &&(&str, Role)| field.name.eq_ignore_ascii_case(name);
        let role = FIELDS_BESIDES.iter().find(is_it).map(|(_, role)| *role);
        let value = role.map_or(&b""[..], |_| field.value.as_bytes());
        let mailboxes = address::parse(value).into_iter().zip(role.into_iter().cycle());
        mailboxes.map(|(it, role)| Participant { role, address: it.address, name: it.name })
    })
}

fn envelope_people(envelope: &Envelope) -> impl Iterator<Item = Participant> + '_ {
    let person = |role, address: &str| Participant {
        role,
        address: address.to_owned(),
        name: String::new(),
    };
    let sender = (!envelope.sender.is_empty()).then(|| person(Role::Sender, &envelope.sender));
    let principal = envelope.on_behalf_of.as_deref().map(|a| person(Role::OnBehalfOf, a));
    let recipients = envelope.recipients.iter().flat_map(move |recipient| {
        let via = recipient.via.as_ref().map(|(via, address)| {
            let role = match via {
                Via::Expanded => Role::Expanded,
                Via::Forwarded => Role::Forwarded,
            };
            person(role, address)
        });
        std::iter::once(person(recipient.kind.into(), &recipient.address)).chain(via)
    });
    // Whose copy was journaled, where the envelope does not name them otherwise.
    let key = |address: &str| address::key(address);
    let owner = envelope.mailbox.as_deref().filter(|owner| {
        let mut others = [&envelope.sender].into_iter().chain(&envelope.on_behalf_of);
        let is_owner = |other: &str| key(other) == key(owner);
        let is_recipient = envelope.recipients.iter().any(|it| is_owner(&it.address));
        !(is_recipient || others.any(|other| is_owner(other)))
    });
    let owner = owner.map(|owner| person(Role::Recipient, owner));
    sender.into_iter().chain(principal).chain(recipients).chain(owner)
}

/// Of the message and its documents, each once.
fn languages(message: &Parsed) -> Vec<String> {
    let of_files = message.attachments.iter().filter_map(|file| file.language.as_deref());
    let mut languages = Vec::new();
    for language in message.language.as_deref().into_iter().chain(of_files) {
        add(&mut languages, language);
    }
    languages
}

/// The catalog keeps people that have an address, as it is compared.
fn row(person: Participant) -> Option<NewParticipant> {
    let address = address::key(&person.address);
    let is_kept = !address.is_empty();
    is_kept.then(|| NewParticipant { address, role: person.role.as_str(), name: person.name })
}

/// Adds to `family` what only the one that was stored before says.
fn absorb(mut family: FamilyDoc, stored: FamilyDoc) -> FamilyDoc {
    let known: HashSet<Participant> = family.participants.iter().cloned().collect();
    let others = stored.participants.iter().filter(|person| !known.contains(person));
    family.participants.extend(others.cloned());
    family.add_versions_of(&stored);
    for source in &stored.sources {
        add(&mut family.sources, source);
    }
    for class in &stored.classes {
        add(&mut family.classes, class);
    }
    family.is_proven |= stored.is_proven;
    family.has_unproven |= stored.has_unproven;
    family.are_headers_cut |= stored.are_headers_cut;
    family.is_partial |= family.are_headers_cut;
    for at in [stored.received_at].iter().chain(&stored.received_again) {
        family.add_received(*at);
    }
    family
}

fn add(list: &mut Vec<String>, text: &str) -> bool {
    let is_new = !list.iter().any(|known| known == text);
    if is_new {
        list.push(text.to_owned());
    }
    is_new
}

#[cfg(test)]
mod tests;
