//! The exact bytes of a message or of an attachment, from its sealed record.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::{Desk, ReviewError, Wanted};
use crate::access::audit::{Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::hash::Digest;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::damage;
use crate::catalog::delivery::{self, Delivery};
use crate::catalog::review::{self as rows, AttachmentRow, Carried};
use crate::extract::{self, Attachment, Parsed, Rendered};
use crate::mail::delivery::Role;
use crate::matter::password;
use crate::vault::VaultError;
use crate::vault::bucket::BucketError;
use crate::vault::open::{OpenRecord, RecordAt};
use crate::worker::{Failure, Input};

/// Bytes that are about to be sent; while they are, their memory is counted.
pub struct Held {
    pub bytes: Bytes,
    _memory: OwnedSemaphorePermit,
}

/// A file to be saved.
pub struct File {
    pub name: String,
    pub media_type: String,
    pub held: Held,
}

/// A message in the delivery that carries it, opened.
pub(super) struct Opened {
    pub carried: Carried,
    pub delivery: Delivery,
    pub record: Arc<OpenRecord>,
}

impl Desk {
    /// The message's exact bytes, as the sender's system journaled them.
    pub async fn source(
        &self,
        actor: &Actor,
        wanted: Wanted,
        action: &'static str,
    ) -> Result<File, ReviewError> {
        let read = self.read_source(actor, wanted, action).await;
        self.met(actor, wanted, None, read).await
    }

    async fn read_source(
        &self,
        actor: &Actor,
        wanted: Wanted,
        action: &'static str,
    ) -> Result<File, ReviewError> {
        self.admit(actor, wanted).await?;
        let opened = self.open(wanted, None).await?;
        let held = self.message_bytes(&opened).await?;
        let act =
            wanted.act(action).with(json!({ "set": wanted.set, "sha256": opened.carried.sha256 }));
        self.record(actor, &act).await?;
        let name = format!("{}.eml", &opened.carried.sha256.to_string()[..16]);
        Ok(File { name, media_type: "message/rfc822".to_owned(), held })
    }

    /// The exact bytes of a delivery that carried the message, as they were
    /// received: of a journal report, the report.
    pub async fn delivery(
        &self,
        actor: &Actor,
        wanted: Wanted,
        seq: DeliverySeq,
    ) -> Result<File, ReviewError> {
        let read = self.read_delivery(actor, wanted, seq).await;
        self.met(actor, wanted, Some(seq), read).await
    }

    async fn read_delivery(
        &self,
        actor: &Actor,
        wanted: Wanted,
        seq: DeliverySeq,
    ) -> Result<File, ReviewError> {
        self.admit(actor, wanted).await?;
        let opened = self.open(wanted, Some(seq)).await?;
        // It may carry other messages too: each must be one that the reader may see.
        for set in rows::sets_in(&self.catalog, seq).await? {
            self.admit(actor, Wanted { set, ..wanted }).await?;
        }
        let found = &opened.record.meta().delivery;
        let memory = self.memory(&opened, found.size).await?;
        let held = Held { bytes: opened.record.bytes().await?, _memory: memory };
        let act = wanted.act("delivery.download").with(json!({
            "set": wanted.set, "delivery": seq, "record": opened.delivery.record,
            "sha256": found.sha256,
        }));
        self.record(actor, &act).await?;
        let name = format!("delivery-{seq}.eml");
        Ok(File { name, media_type: "message/rfc822".to_owned(), held })
    }

    /// The message's HTML, safe to show; or why it cannot be.
    pub async fn html(
        &self,
        actor: &Actor,
        wanted: Wanted,
    ) -> Result<Result<Rendered, Failure>, ReviewError> {
        let read = self.read_html(actor, wanted).await;
        self.met(actor, wanted, None, read).await
    }

    async fn read_html(
        &self,
        actor: &Actor,
        wanted: Wanted,
    ) -> Result<Result<Rendered, Failure>, ReviewError> {
        self.admit(actor, wanted).await?;
        let opened = self.open(wanted, None).await?;
        let input = opened.input()?;
        let rendered = opened.worked(&input, self.workers.render(input.clone()).await?)?;
        let act = wanted
            .act("message.html")
            .with(json!({ "set": wanted.set, "sha256": opened.carried.sha256 }));
        self.record(actor, &act).await?;
        Ok(rendered)
    }

    /// One attachment's exact bytes.
    pub async fn attachment(
        &self,
        actor: &Actor,
        wanted: Wanted,
        ordinal: u32,
    ) -> Result<File, ReviewError> {
        let read = self.read_attachment(actor, wanted, ordinal).await;
        self.met(actor, wanted, None, read).await
    }

    async fn read_attachment(
        &self,
        actor: &Actor,
        wanted: Wanted,
        ordinal: u32,
    ) -> Result<File, ReviewError> {
        self.admit(actor, wanted).await?;
        let opened = self.open(wanted, None).await?;
        let listed = match wanted.version {
            None => rows::attachments(&self.catalog, wanted.set).await?,
            Some(_) => match self.read(&opened, true).await? {
                Ok(message) => of_message(&message),
                Err(_) => Vec::new(),
            },
        };
        let row = listed
            .into_iter()
            .find(|row| row.ordinal == ordinal)
            .ok_or(Refused::Hidden("attachment"))?;
        let held = match row.is_part {
            true => self.attachment_bytes(&opened, &row.sha256).await?,
            false => self.inner_bytes(&opened, &row).await?,
        };
        let act = wanted
            .act("message.attachment")
            .with(json!({ "set": wanted.set, "message": opened.carried.sha256, "ordinal": ordinal,
                    "sha256": row.sha256 }));
        self.record(actor, &act).await?;
        Ok(File { name: file_name(&row), media_type: row.media_type, held })
    }

    /// What `message` says, as a worker reads it now; of its documents only if
    /// they are wanted, since reading them takes time.
    pub(super) async fn read(
        &self,
        message: &Opened,
        with_documents: bool,
    ) -> Result<Result<Parsed, Failure>, ReviewError> {
        let input = message.input()?;
        let read = match with_documents {
            true => self.workers.parse_one(&input).await?,
            false => self.workers.outline(&input).await?,
        };
        let read = message.worked(&input, read)?;
        Ok(read.map(|found| found.message))
    }

    /// A document within an archive or office file, taken out of it again.
    async fn inner_bytes(&self, opened: &Opened, row: &AttachmentRow) -> Result<Held, ReviewError> {
        let memory = self.memory(opened, row.size_bytes).await?;
        let input = opened.input()?;
        let passwords = password::known(&self.catalog, &self.vault).await?;
        let taken = self.workers.take(input.clone(), row.ordinal, passwords).await?;
        let taken = opened.worked(&input, taken)?.ok().flatten();
        let taken = taken.filter(|bytes| Digest::of(bytes) == row.sha256);
        let bytes = Bytes::from(taken.ok_or(Refused::Hidden("document with bytes of its own"))?);
        Ok(Held { bytes, _memory: memory })
    }

    /// The message in the delivery `seq`, or in the first that carries it.
    pub(super) async fn find(
        &self,
        wanted: Wanted,
        seq: Option<DeliverySeq>,
    ) -> Result<(Carried, Delivery), ReviewError> {
        let carried = rows::carried(&self.catalog, wanted.set).await?;
        let found = carried.iter().find(|carried| {
            seq.is_none_or(|seq| carried.seq == seq)
                && wanted.version.is_none_or(|version| carried.sha256 == version)
        });
        let carried = *found.ok_or(Refused::Hidden("delivery of this message"))?;
        let delivery = delivery::with_seqs(&self.catalog, &[carried.seq]).await?.pop();
        Ok((carried, delivery.ok_or(Refused::Hidden("delivery"))?))
    }

    /// The message, opened.
    pub(super) async fn open(
        &self,
        wanted: Wanted,
        seq: Option<DeliverySeq>,
    ) -> Result<Opened, ReviewError> {
        let (mut carried, mut delivery) = self.find(wanted, seq).await?;
        let mut record = self.vault.open_record(&place_of(&delivery)).await;
        if let Err(VaultError::Bucket(BucketError::Missing(_))) = &record {
            // Its key page may have been rewritten since its row was read.
            let page = delivery.page;
            (carried, delivery) = self.find(wanted, seq).await?;
            if page != delivery.page {
                record = self.vault.open_record(&place_of(&delivery)).await;
            }
        }
        Ok(Opened { carried, delivery, record: Arc::new(record?) })
    }

    /// What a look gave. Damage is on record, whoever meets it, and wherever in
    /// the record.
    pub(super) async fn met<T>(
        &self,
        actor: &Actor,
        wanted: Wanted,
        seq: Option<DeliverySeq>,
        read: Result<T, ReviewError>,
    ) -> Result<T, ReviewError> {
        let Some(what) = read.as_ref().err().filter(|error| error.is_damage()) else {
            if read.is_ok() {
                self.mend(wanted, seq).await?;
            }
            return read;
        };
        let what = what.to_string();
        let record = self.find(wanted, seq).await?.1.record;
        let act = wanted.act("message.open").with(json!({ "record": record, "error": what }));
        let now = self.clock.now();
        let mut tx = self.catalog.write().await?;
        record_in(&mut tx, now, &actor.name, &act, Outcome::Failed).await?;
        damage::note(&mut tx, record, now, &what).await?;
        self.catalog.commit(tx, "note a damaged record").await?;
        read
    }

    pub(super) async fn message_bytes(&self, opened: &Opened) -> Result<Held, ReviewError> {
        self.entry_bytes(opened, opened.entry()?).await
    }

    async fn attachment_bytes(
        &self,
        opened: &Opened,
        sha256: &Digest,
    ) -> Result<Held, ReviewError> {
        let entries = &opened.record.meta().delivery.entries;
        let message = opened.carried.entry;
        let is_within = |mut index: usize| {
            // Parents come before their children: this ends.
            while let Some(parent) = entries.get(index).and_then(|entry| entry.parent) {
                if parent == message {
                    return true;
                }
                index = parent as usize;
            }
            false
        };
        // By its hash alone: another attachment in its place would be no evidence.
        let found = entries.iter().enumerate().find(|(index, entry)| {
            entry.role == Role::Attachment && entry.sha256 == *sha256 && is_within(*index)
        });
        let (index, _) = found.ok_or(Refused::Hidden("attachment"))?;
        self.entry_bytes(opened, index).await
    }

    async fn entry_bytes(&self, opened: &Opened, index: usize) -> Result<Held, ReviewError> {
        let size = opened.record.meta().delivery.entries.get(index).map_or(0, |entry| entry.size);
        let memory = self.memory(opened, size).await?;
        Ok(Held { bytes: opened.record.entry_bytes(index).await?, _memory: memory })
    }

    /// Waits for room for `size` bytes.
    async fn memory(
        &self,
        opened: &Opened,
        size: u64,
    ) -> Result<OwnedSemaphorePermit, ReviewError> {
        let mebibytes = (size >> 20).max(1).min(u64::from(limits::REVIEW_MEMORY_MEBIBYTES_MAX));
        let memory = self.memory.clone().acquire_many_owned(mebibytes as u32).await;
        memory.map_err(|_| damaged(opened, "reading has been stopped"))
    }
}

impl Opened {
    /// The message as the worker is given it; not whole in this process.
    fn input(&self) -> Result<Input, ReviewError> {
        let (record, entry) = (self.record.clone(), self.entry()?);
        Ok(Input::streamed(self.carried.size_bytes, move || {
            record.entry(entry).map_err(io::Error::other).boxed()
        }))
    }

    /// The message's place among the record's entries.
    fn entry(&self) -> Result<usize, ReviewError> {
        let index = self.carried.entry as usize;
        let entry = self.record.meta().delivery.entries.get(index);
        match entry.is_some_and(|entry| entry.sha256 == self.carried.sha256) {
            true => Ok(index),
            false => Err(damaged(self, "a message in it is not the one that was recorded")),
        }
    }

    /// A worker's answer, unless it failed because the record could not be read.
    fn worked<T>(
        &self,
        input: &Input,
        answer: Result<T, Failure>,
    ) -> Result<Result<T, Failure>, ReviewError> {
        match answer.as_ref().err().and_then(|_| input.trouble()) {
            Some(error) => Err(VaultError::from_stream(error).into()),
            None => Ok(answer),
        }
    }
}

/// Mail programs attach messages without naming them; a file needs its extension.
fn file_name(row: &AttachmentRow) -> String {
    match row.media_type.as_str() {
        "message/rfc822" | "message/global" if row.name.trim().is_empty() => {
            "attached message.eml".to_owned()
        }
        _ => row.name.clone(),
    }
}

/// A message's documents, as the catalog would list them.
pub(super) fn of_message(message: &Parsed) -> Vec<AttachmentRow> {
    let row = |file: &Attachment| AttachmentRow {
        ordinal: file.ordinal,
        parent: file.parent,
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size_bytes: file.size,
        sha256: file.sha256,
        has_text: file.text.is_some(),
        path: extract::path(&message.attachments, file),
        is_part: file.is_part,
        language: file.language.clone(),
        is_ocred: file.is_ocred,
        about: serde_json::to_string(&file.about).unwrap_or_default(),
    };
    message.attachments.iter().map(row).collect()
}

pub(super) fn place_of(delivery: &Delivery) -> RecordAt {
    RecordAt {
        record: delivery.record,
        object: delivery.object.clone(),
        page: delivery.page.clone(),
        entry: delivery.entry,
    }
}

fn damaged(opened: &Opened, what: &'static str) -> ReviewError {
    ReviewError::Damaged { record: opened.delivery.record, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attached_message_without_a_name_gets_one() {
        let named = |name: &str, media_type: &str| {
            file_name(&AttachmentRow {
                ordinal: 1,
                parent: None,
                name: name.to_owned(),
                media_type: media_type.to_owned(),
                size_bytes: 1,
                sha256: Digest::of(b""),
                has_text: true,
                path: String::new(),
                is_part: true,
                language: None,
                is_ocred: false,
                about: String::new(),
            })
        };
        assert_eq!(named("", "message/rfc822"), "attached message.eml");
        assert_eq!(named("Fw: plan.eml", "message/rfc822"), "Fw: plan.eml");
        assert_eq!(named("", "image/png"), "");
    }
}
