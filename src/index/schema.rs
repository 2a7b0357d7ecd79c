//! How a family lies in tantivy: its fields, and both ways between them and a
//! [`FamilyDoc`].
//!
//! # Invariant
//! A family is a block of documents in one segment, its message first and then its
//! attachments in order, put by one call of the writer and taken out by the term that
//! all of them share. Merges keep the order of documents. So positions never cross
//! documents, and what is found in one leads to its family.

use std::collections::BTreeSet;

use tantivy::schema::{
    FAST, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing,
    TextOptions, Value,
};
use tantivy::tokenizer::{RawTokenizer, TextAnalyzer, TokenizerManager};
use tantivy::{TantivyDocument, Term};

use super::IndexError;
use super::doc::{AttachmentDoc, FamilyDoc, Participant, Role};
use super::token::{BOUNDARY, FIRST, LAST, Terms, cleaned};
use crate::base::ids::SetId;
use crate::base::limits::ADDRESS_BYTES_MAX;
use crate::mail::{address, idn};
use crate::similar::subject::Subject;
use crate::similar::{links, near};

/// Of the schema and of `token` together. An index of another version is made
/// again.
pub const VERSION: u32 = 14;

const TERMS: &str = "muniment-terms";
const WHOLE: &str = "muniment-whole";
/// tantivy's own, of columns: a value as it is.
const RAW: &str = "raw";

/// Those who took part in one way: their words, and their addresses whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct People {
    /// Names and addresses, each person far from the next.
    pub words: Field,
    /// Lower-case addresses, and `@domain` of each.
    pub whole: Field,
}

/// Columns that are counted and not searched: what a search for a value finds stands in
/// other fields, and is the same.
#[derive(Clone, Debug)]
struct Columns {
    sender: Field,
    recipient: Field,
    domain: Field,
    /// Of attachments: their types, but those that every message has.
    attachment_type: Field,
}

#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub schema: Schema,
    pub set: Field,
    /// 1 in the first document of a family.
    pub message: Field,
    pub subject: Field,
    pub body: Field,
    pub headers: Field,
    pub attachment_name: Field,
    pub attachment_text: Field,
    pub everyone: People,
    pub from: People,
    pub to: People,
    pub cc: People,
    pub bcc: People,
    /// Recipients that an envelope names without saying how.
    pub other: People,
    pub message_id: Field,
    pub source: Field,
    pub class: Field,
    pub hash: Field,
    pub media_type: Field,
    pub kind: Field,
    /// Reasons why something of it could not be read.
    pub gap: Field,
    pub language: Field,
    /// Keys of what messages of one thread have in common.
    pub thread: Field,
    /// Bands of the message's text.
    pub near: Field,
    columns: Columns,
    /// JSON of the family without its texts.
    head: Field,
    /// The texts as they are shown, body first; an attachment's begins with `+`,
    /// or is `-` where there is none.
    texts: Field,
}

/// Names of the columns.
pub(super) const RECEIVED: &str = "received";
pub(super) const SENT: &str = "sent";
pub(super) const SIZE: &str = "size";
pub(super) const SET: &str = "set";
pub(super) const ATTACHMENTS: &str = "attachments";
pub(super) const MESSAGES: &str = "messages";
/// 1 where something could not be indexed.
pub(super) const PARTIAL: &str = "partial";
/// 1 where no delivery showed what its source must show.
pub(super) const UNPROVEN: &str = "unproven";
pub(super) const SENDER: &str = "sender";
pub(super) const RECIPIENT: &str = "recipient";
pub(super) const DOMAIN: &str = "domain";
pub(super) const ATTACHMENT_TYPE: &str = "attachment_type";
pub(super) const LANGUAGE: &str = "language";
pub(super) const GAP: &str = "gap";
pub(super) const SOURCE: &str = "source";
pub(super) const CLASS: &str = "class";

/// What every message is, attached or not.
const MESSAGE_TYPES: [&str; 2] = ["message/rfc822", "eml"];

impl Fields {
    pub fn new() -> Self {
        let mut builder = Schema::builder();
        let people = |builder: &mut SchemaBuilder, name: &str| People {
            words: builder.add_text_field(&format!("{name}_words"), words()),
            whole: builder.add_text_field(&format!("{name}_whole"), whole()),
        };
        let set = builder.add_u64_field(SET, NumericOptions::default().set_fast().set_indexed());
        let message = builder.add_u64_field("message", NumericOptions::default().set_indexed());
        builder.add_i64_field(RECEIVED, FAST);
        builder.add_i64_field(SENT, FAST);
        builder.add_u64_field(SIZE, FAST);
        builder.add_u64_field(ATTACHMENTS, FAST);
        builder.add_u64_field(MESSAGES, FAST);
        builder.add_u64_field(PARTIAL, FAST);
        builder.add_u64_field(UNPROVEN, FAST);
        Self {
            set,
            message,
            subject: builder.add_text_field("subject", words()),
            body: builder.add_text_field("body", words()),
            headers: builder.add_text_field("headers", words()),
            attachment_name: builder.add_text_field("attachment_name", words()),
            attachment_text: builder.add_text_field("attachment_text", words()),
            everyone: people(&mut builder, "everyone"),
            from: people(&mut builder, "from"),
            to: people(&mut builder, "to"),
            cc: people(&mut builder, "cc"),
            bcc: people(&mut builder, "bcc"),
            other: people(&mut builder, "other"),
            message_id: builder.add_text_field("message_id", whole()),
            source: builder.add_text_field(SOURCE, whole().set_fast(RAW)),
            class: builder.add_text_field(CLASS, whole().set_fast(RAW)),
            hash: builder.add_text_field("hash", whole()),
            media_type: builder.add_text_field("media_type", whole()),
            kind: builder.add_text_field("kind", whole()),
            gap: builder.add_text_field(GAP, whole().set_fast(RAW)),
            language: builder.add_text_field(LANGUAGE, whole().set_fast(RAW)),
            thread: builder.add_text_field("thread", whole()),
            near: builder.add_text_field("near", whole()),
            columns: Columns {
                sender: builder.add_text_field(SENDER, column()),
                recipient: builder.add_text_field(RECIPIENT, column()),
                domain: builder.add_text_field(DOMAIN, column()),
                attachment_type: builder.add_text_field(ATTACHMENT_TYPE, column()),
            },
            head: builder.add_text_field("head", TextOptions::default().set_stored()),
            texts: builder.add_text_field("texts", TextOptions::default().set_stored()),
            schema: builder.build(),
        }
    }

    pub fn tokenizers() -> TokenizerManager {
        // tantivy asks for its `default` even where a field has no text.
        let manager = TokenizerManager::default();
        manager.register(TERMS, TextAnalyzer::from(Terms));
        manager.register(WHOLE, TextAnalyzer::from(RawTokenizer::default()));
        manager
    }

    pub fn set_term(&self, set: SetId) -> Term {
        Term::from_field_u64(self.set, set.0.cast_unsigned())
    }

    /// The block of a family.
    pub fn documents(&self, doc: &FamilyDoc) -> Result<Vec<TantivyDocument>, IndexError> {
        let mut documents = vec![self.message_of(doc)?];
        let hashes = doc.hashes.iter().map(Some).chain(std::iter::repeat(None));
        for (attachment, hash) in doc.attachments.iter().zip(hashes) {
            documents.push(self.attachment_of(doc.set, attachment, hash));
        }
        Ok(documents)
    }

    fn message_of(&self, doc: &FamilyDoc) -> Result<TantivyDocument, IndexError> {
        let mut to = TantivyDocument::default();
        to.add_u64(self.set, doc.set.0.cast_unsigned());
        to.add_u64(self.message, 1);
        let column = |name: &str| self.schema.get_field(name);
        // The first is what lists are ordered by.
        for received_at in [doc.received_at].iter().chain(&doc.received_again) {
            to.add_i64(column(RECEIVED)?, received_at.0);
        }
        if let Some(sent) = doc.sent_at {
            to.add_i64(column(SENT)?, sent.0);
        }
        to.add_u64(column(SIZE)?, doc.size_bytes);
        to.add_u64(column(ATTACHMENTS)?, doc.attachments.len() as u64);
        to.add_u64(column(MESSAGES)?, doc.messages.len() as u64);
        to.add_u64(column(PARTIAL)?, u64::from(doc.is_partial));
        to.add_u64(column(UNPROVEN)?, u64::from(doc.has_unproven));
        to.add_text(self.subject, cleaned(&doc.subject));
        to.add_text(self.body, between_ends(&doc.body));
        to.add_text(self.headers, apart(doc.headers.iter().map(String::as_str)));
        self.add_people(doc, &mut to);
        doc.message_ids().iter().for_each(|id| to.add_text(self.message_id, id));
        // Hashes of what is no document of its own are the message's.
        let others = doc.hashes.get(doc.attachments.len()..).unwrap_or_default();
        for (field, values) in [
            (self.source, doc.sources.as_slice()),
            (self.class, &doc.classes),
            (self.hash, &doc.messages),
            (self.hash, others),
            (self.gap, &doc.gaps),
            (self.language, &doc.languages),
        ] {
            values.iter().for_each(|value| to.add_text(field, value.to_lowercase()));
        }
        MESSAGE_TYPES.iter().for_each(|it| to.add_text(self.media_type, it));
        to.add_text(self.kind, "email");
        thread_keys(doc).iter().for_each(|key| to.add_text(self.thread, key));
        near::bands(&doc.body).into_iter().for_each(|band| to.add_text(self.near, band_key(band)));
        self.store(doc, &mut to)?;
        Ok(to)
    }

    fn attachment_of(
        &self,
        set: SetId,
        attachment: &AttachmentDoc,
        hash: Option<&String>,
    ) -> TantivyDocument {
        let mut to = TantivyDocument::default();
        to.add_u64(self.set, set.0.cast_unsigned());
        to.add_text(self.attachment_name, cleaned(&attachment.name));
        if let Some(text) = &attachment.text {
            to.add_text(self.attachment_text, between_ends(text));
        }
        if let Some(hash) = hash {
            to.add_text(self.hash, hash.to_lowercase());
        }
        for it in attachment.types() {
            if is_counted(&it) && !MESSAGE_TYPES.contains(&it.as_str()) {
                to.add_text(self.columns.attachment_type, &it);
            }
            to.add_text(self.media_type, it);
        }
        attachment.kinds().iter().for_each(|it| to.add_text(self.kind, it));
        to
    }

    fn add_people(&self, doc: &FamilyDoc, to: &mut TantivyDocument) {
        let groups = [
            (self.everyone, None),
            (self.from, Some([Role::From, Role::Sender, Role::OnBehalfOf])),
            (self.to, Some([Role::To; 3])),
            (self.cc, Some([Role::Cc; 3])),
            (self.bcc, Some([Role::Bcc; 3])),
            (self.other, Some([Role::Recipient, Role::Expanded, Role::Forwarded])),
        ];
        for (people, roles) in groups {
            let among = |role| roles.is_none_or(|roles| roles.contains(&role));
            let mut seen: Vec<String> = Vec::new();
            for participant in doc.participants.iter().filter(|it| among(it.role)) {
                let Participant { name, address, .. } = participant;
                let other = idn::other_spellings(address).join(" ");
                seen.push(format!("{name} {address} {other}"));
            }
            seen.sort_unstable();
            seen.dedup();
            to.add_text(people.words, apart(seen.iter().map(String::as_str)));
            let addresses = doc.participants.iter().filter(|it| among(it.role));
            let mut whole: Vec<String> = Vec::new();
            let keys = addresses.map(|it| address_key(&it.address));
            for address in keys.flat_map(|key| idn::other_spellings(&key).into_iter().chain([key]))
            {
                if let Some((_, domain)) = address.rsplit_once('@') {
                    whole.push(format!("@{domain}"));
                }
                whole.push(address);
            }
            whole.sort_unstable();
            whole.dedup();
            whole.iter().for_each(|address| to.add_text(people.whole, address));
        }
        self.add_columns(doc, to);
    }

    fn add_columns(&self, doc: &FamilyDoc, to: &mut TantivyDocument) {
        let mut columns: Vec<(Field, String)> = Vec::new();
        for participant in &doc.participants {
            let address = address_key(&participant.address);
            if let Some((_, domain)) = address.rsplit_once('@') {
                columns.push((self.columns.domain, domain.to_owned()));
            }
            let column = match participant.role {
                Role::From | Role::Sender | Role::OnBehalfOf => self.columns.sender,
                Role::To
                | Role::Cc
                | Role::Bcc
                | Role::Recipient
                | Role::Expanded
                | Role::Forwarded => self.columns.recipient,
            };
            columns.push((column, address));
        }
        columns.sort_unstable();
        columns.dedup();
        for (column, value) in columns.iter().filter(|(_, value)| is_counted(value)) {
            to.add_text(*column, value);
        }
    }

    fn store(&self, doc: &FamilyDoc, to: &mut TantivyDocument) -> Result<(), IndexError> {
        let mut head = FamilyDoc { body: String::new(), ..doc.clone() };
        head.attachments.iter_mut().for_each(|attachment| attachment.text = None);
        let head = serde_json::to_string(&head)
            .map_err(|error| IndexError::Corrupt(format!("write set {}: {error}", doc.set)))?;
        to.add_text(self.head, head);
        to.add_text(self.texts, &doc.body);
        for attachment in &doc.attachments {
            match &attachment.text {
                Some(text) => to.add_text(self.texts, format!("+{text}")),
                None => to.add_text(self.texts, "-"),
            }
        }
        Ok(())
    }

    /// The family as it was put.
    pub fn family(&self, stored: &TantivyDocument) -> Result<FamilyDoc, IndexError> {
        let missing = || IndexError::Corrupt("a stored family has no head".to_owned());
        let head = stored.get_first(self.head).and_then(|value| value.as_str());
        let mut doc: FamilyDoc = serde_json::from_str(head.ok_or_else(missing)?)
            .map_err(|error| IndexError::Corrupt(format!("read a stored family: {error}")))?;
        let mut texts = stored.get_all(self.texts).map(|value| value.as_str().unwrap_or(""));
        doc.body = texts.next().unwrap_or("").to_owned();
        for (AttachmentDoc { text, .. }, stored) in doc.attachments.iter_mut().zip(texts) {
            *text = stored.strip_prefix('+').map(str::to_owned);
        }
        Ok(doc)
    }
}

fn thread_keys(doc: &FamilyDoc) -> BTreeSet<String> {
    let links = doc.links.iter().flat_map(|(links, _)| links.names());
    links.chain(Subject::of(&doc.subject).name()).map(|name| links::key(&name)).collect()
}

/// Half of its bits: who shares it is compared, and each is in the index.
pub(super) fn band_key(band: u64) -> String {
    format!("{:08x}", band as u32)
}

/// What an address is compared as.
pub(super) fn address_key(address: &str) -> String {
    address::key(address)
}

/// Longer ones are nobody's address and no type, and would swell what is told.
fn is_counted(value: &str) -> bool {
    (1..=ADDRESS_BYTES_MAX).contains(&value.len())
}

/// A document's text, with its ends as words.
fn between_ends(text: &str) -> String {
    format!("{FIRST}{}{LAST}", cleaned(text))
}

/// Several values in one field, so that no phrase crosses them.
fn apart<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for text in texts {
        if !joined.is_empty() {
            joined.push(BOUNDARY);
        }
        joined.push_str(&cleaned(text));
    }
    joined
}

fn column() -> TextOptions {
    TextOptions::default().set_fast(RAW)
}

fn words() -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TERMS)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    TextOptions::default().set_indexing_options(indexing)
}

fn whole() -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(WHOLE)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    TextOptions::default().set_indexing_options(indexing)
}
