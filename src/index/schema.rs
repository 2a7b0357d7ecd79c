//! How a family lies in tantivy: its fields, and both ways between them and a
//! [`FamilyDoc`].

use tantivy::schema::{
    FAST, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing,
    TextOptions, Value,
};
use tantivy::tokenizer::{RawTokenizer, TextAnalyzer, TokenizerManager};
use tantivy::{TantivyDocument, Term};

use super::IndexError;
use super::doc::{AttachmentDoc, FamilyDoc, Role};
use super::token::{BOUNDARY, Terms, cleaned};
use crate::base::ids::SetId;
use crate::mail::address;

/// Of the schema and of `token` together. An index of another version is made
/// again.
pub const VERSION: u32 = 6;

const TERMS: &str = "muniment-terms";
const WHOLE: &str = "muniment-whole";

/// Those who took part in one way: their words, and their addresses whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct People {
    /// Names and addresses, each person far from the next.
    pub words: Field,
    /// Lower-case addresses, and `@domain` of each.
    pub whole: Field,
}

#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub schema: Schema,
    pub set: Field,
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

impl Fields {
    pub fn new() -> Self {
        let mut builder = Schema::builder();
        let people = |builder: &mut SchemaBuilder, name: &str| People {
            words: builder.add_text_field(&format!("{name}_words"), words()),
            whole: builder.add_text_field(&format!("{name}_whole"), whole()),
        };
        let set = builder.add_u64_field(SET, NumericOptions::default().set_fast().set_indexed());
        builder.add_i64_field(RECEIVED, FAST);
        builder.add_i64_field(SENT, FAST);
        builder.add_u64_field(SIZE, FAST);
        builder.add_u64_field(ATTACHMENTS, FAST);
        builder.add_u64_field(MESSAGES, FAST);
        builder.add_u64_field(PARTIAL, FAST);
        builder.add_u64_field(UNPROVEN, FAST);
        Self {
            set,
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
            source: builder.add_text_field("source", whole()),
            class: builder.add_text_field("class", whole()),
            hash: builder.add_text_field("hash", whole()),
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

    pub fn document(&self, doc: &FamilyDoc) -> Result<TantivyDocument, IndexError> {
        let mut to = TantivyDocument::default();
        to.add_u64(self.set, doc.set.0.cast_unsigned());
        let column = |name: &str| self.schema.get_field(name);
        to.add_i64(column(RECEIVED)?, doc.received_at.0);
        if let Some(sent) = doc.sent_at {
            to.add_i64(column(SENT)?, sent.0);
        }
        to.add_u64(column(SIZE)?, doc.size_bytes);
        to.add_u64(column(ATTACHMENTS)?, doc.attachments.len() as u64);
        to.add_u64(column(MESSAGES)?, doc.messages.len() as u64);
        to.add_u64(column(PARTIAL)?, u64::from(doc.is_partial));
        to.add_u64(column(UNPROVEN)?, u64::from(!doc.is_proven));
        to.add_text(self.subject, cleaned(&doc.subject));
        to.add_text(self.body, cleaned(&doc.body));
        to.add_text(self.headers, apart(doc.headers.iter().map(String::as_str)));
        let names = doc.attachments.iter().map(|it| it.name.as_str());
        to.add_text(self.attachment_name, apart(names));
        let texts = doc.attachments.iter().filter_map(|it| it.text.as_deref());
        to.add_text(self.attachment_text, apart(texts));
        self.add_people(doc, &mut to);
        to.add_text(self.message_id, doc.message_id.to_lowercase());
        for (field, values) in [
            (self.source, &doc.sources),
            (self.class, &doc.classes),
            (self.hash, &doc.messages),
            (self.hash, &doc.hashes),
        ] {
            values.iter().for_each(|value| to.add_text(field, value.to_lowercase()));
        }
        self.store(doc, &mut to)?;
        Ok(to)
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
                seen.push(format!("{} {}", participant.name, participant.address));
            }
            seen.sort_unstable();
            seen.dedup();
            to.add_text(people.words, apart(seen.iter().map(String::as_str)));
            let addresses = doc.participants.iter().filter(|it| among(it.role));
            let mut whole: Vec<String> = Vec::new();
            for address in addresses.map(|it| address_key(&it.address)) {
                if let Some((_, domain)) = address.rsplit_once('@') {
                    whole.push(format!("@{domain}"));
                }
                whole.push(address);
            }
            whole.sort_unstable();
            whole.dedup();
            whole.iter().for_each(|address| to.add_text(people.whole, address));
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

/// What an address is compared as.
pub(super) fn address_key(address: &str) -> String {
    address::key(address)
}

/// Several documents' texts in one field, so that no phrase crosses them.
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
