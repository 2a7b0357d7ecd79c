//! Doing an export: freeze the list, wait for the log, write the bundle. A job
//! that is done again starts from its list and replaces what it had written.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::account;
use super::bundle::{About, BundleWriter, Closing, Outgoing, StampedCheckpoint, discard};
use super::collect::{Collector, Message};
use super::frozen::{self, failed};
use super::manifest::{FORMAT, Head, Proof};
use super::out::Stopper;
use super::request::{self, Export, Request, Scope, Summary};
use super::{ExportError, Exporter, list_of};
use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, person};
use crate::base::chain::chain;
use crate::base::ids::{JobId, SetId};
use crate::base::limits::JOB_STARTS_MAX;
use crate::catalog::job::{self, JobRow, Lease, Renewed, State};
use crate::catalog::{delivery, leaf, pending};
use crate::hold;
use crate::ingest::log::{LogError, Published};
use crate::ingest::stamps;
use crate::search;

/// How often progress is written.
const PROGRESS: Duration = Duration::from_millis(500);

const README: &str = include_str!("README.txt");

/// Does a leased job to its end and says so in catalog and audit. An error
/// means that the job could not be ended: it is left to be leased again.
pub async fn run(exporter: &Exporter, row: JobRow, owner: &str) -> Result<(), ExportError> {
    let (id, matter) = (row.job_id, row.matter_id);
    let asked_by = row.asked_by.clone();
    let starts = job::starts(&exporter.catalog, id).await?;
    let export = request::read(row);
    let name =
        export.as_ref().map_or_else(|_| id.to_string(), |export| export.request.name.clone());
    let done = match export {
        Ok(_) if starts > JOB_STARTS_MAX => Err(ExportError::Ending { starts: starts - 1 }),
        Ok(export) => {
            Work { exporter, owner, id, at: (0, 0), told: None, stopper: None }
                .export(&export)
                .await
        }
        Err(error) => Err(error),
    };
    let (state, outcome, result, detail) = match done {
        Ok(summary) => {
            let text = serde_json::to_string(&summary)?;
            (State::Done, Outcome::Done, text, json!({ "job": id, "summary": summary }))
        }
        // Its new owner will say what came of it.
        Err(ExportError::Lost) => return Ok(()),
        Err(ExportError::Cancelled) => {
            (State::Cancelled, Outcome::Cancelled, String::new(), json!({ "job": id }))
        }
        Err(error) => {
            let text = chain(&error);
            tracing::error!(job = %id, error = %text, "an export failed");
            let detail = json!({ "job": id, "error": text });
            (State::Failed, Outcome::Failed, text, detail)
        }
    };
    if state != State::Done {
        discard(&exporter.path(id));
    }
    let now = exporter.clock.now();
    let mut tx = exporter.catalog.write().await?;
    if job::end(&mut tx, id, owner, (state, &result), now).await? {
        let act = Act::new("export.run", matter, &name).with(detail);
        record_in(&mut tx, now, &asked_by, &act, outcome).await?;
        exporter.catalog.commit(tx, "end an export").await?;
        // The list of a bundle stays beside it, and says what is in it (`purge`).
        if state != State::Done {
            let _ = fs::remove_file(list_of(&exporter.directory, id));
        }
    }
    Ok(())
}

struct Work<'a> {
    exporter: &'a Exporter,
    owner: &'a str,
    id: JobId,
    /// Sets that are done, of how many.
    at: (u64, u64),
    /// When progress was last written.
    told: Option<Instant>,
    /// Of the bundle, once it is begun.
    stopper: Option<Stopper>,
}

/// A job that is given up may have a thread that still writes.
impl Drop for Work<'_> {
    fn drop(&mut self) {
        if let Some(stopper) = &self.stopper {
            stopper.stop();
        }
    }
}

impl Work<'_> {
    async fn export(&mut self, export: &Export) -> Result<Summary, ExportError> {
        let exporter = self.exporter;
        let directory = &exporter.directory;
        fs::create_dir_all(directory)
            .map_err(|source| failed("create the directory", directory, source))?;
        let actor = person::actor(&exporter.catalog, &export.row.asked_by)
            .await
            .map_err(ExportError::Person)?;
        self.indexed(&export.request.scope).await?;
        // Of what came until now, all is in the log that is waited for.
        let leaves = leaf::count(&exporter.catalog).await?;
        let sets = self.freeze(&actor, &export.request).await?;
        self.at = (0, sets.len() as u64);
        self.tell(true).await?;
        let checkpoint = self.published(leaves).await?;
        let Request { format, name, .. } = &export.request;
        let mut writer = BundleWriter::create(&exporter.path(self.id), *format, name)?;
        self.stopper = Some(writer.stopper());
        let mut collector = Collector::new(exporter, checkpoint.clone());
        let mut counts = Counts::default();
        for set in &sets {
            self.tell(false).await?;
            let before = writer.exceptions();
            for group in collector.groups(*set).await? {
                if let Some(message) = collector.message(*set, &group).await? {
                    let one = One { set: *set, message, request: &export.request };
                    writer = one.add(self, writer, &mut collector, &mut counts).await?;
                }
            }
            for exception in collector.exceptions.drain(..) {
                writer.except(&exception)?;
            }
            counts.sets += u64::from(writer.exceptions() == before);
            self.at.0 += 1;
        }
        if let Scope::Hold(id) = &export.request.scope {
            for record in hold::unread(&exporter.catalog, *id).await? {
                let reason = "it is held, and no message in it could be read: see the record";
                collector.miss(None, Some(record), reason);
            }
        }
        for exception in collector.exceptions.drain(..) {
            writer.except(&exception)?;
        }
        self.tell(true).await?;
        counts.exceptions = writer.exceptions();
        counts.missing = writer.missing();
        let account = self.account(export, &counts, sets.len(), checkpoint.as_ref()).await?;
        self.close(writer, export, account, checkpoint, &counts).await
    }

    /// Waits until all that had come when the job began can be found, so that
    /// what is exported is everything and not what happened to be indexed.
    async fn indexed(&mut self, scope: &Scope) -> Result<(), ExportError> {
        if matches!(scope, Scope::Messages(_) | Scope::Attachment { .. }) {
            return Ok(());
        }
        let Exporter { catalog, search, is_followed, .. } = self.exporter;
        let last = delivery::last_seq(catalog).await?;
        let mut ticks = tokio::time::interval(PROGRESS);
        loop {
            let behind = (last.0 as u64).saturating_sub(search.index.cursor())
                + pending::unsettled(catalog, last).await?;
            if behind == 0 {
                break;
            }
            if !is_followed {
                return Err(ExportError::Behind(behind));
            }
            self.tell(false).await?;
            ticks.tick().await;
        }
        Ok(())
    }

    /// The sets to export: those of an earlier try, or what the scope gives now.
    async fn freeze(&self, actor: &Actor, request: &Request) -> Result<Vec<SetId>, ExportError> {
        let exporter = self.exporter;
        let path = list_of(&exporter.directory, self.id);
        if let Some(sets) = frozen::read(&path)? {
            return Ok(sets);
        }
        request::admit(actor, &exporter.queue, &mut request.clone()).await?;
        let sets = match &request.scope {
            Scope::Search(ask) => search::ids(actor, &exporter.search, ask).await?,
            Scope::Hold(id) => hold::all_sets(&exporter.catalog, *id).await?,
            Scope::Messages(sets) => sets.clone(),
            Scope::Attachment { set, .. } => vec![*set],
        };
        frozen::write(&path, sets)
    }

    /// Waits until the log is published up to `leaves`, or for as long as an
    /// export waits; the last checkpoint then.
    async fn published(&mut self, leaves: u64) -> Result<Option<Published>, ExportError> {
        let log = &self.exporter.log;
        let begun = Instant::now();
        let patience = self.exporter.patience;
        while !log.wait_for(leaves, PROGRESS.min(patience)).await && begun.elapsed() < patience {
            // Where another process publishes, it is the bucket that tells.
            log.refresh().await?;
            self.tell(false).await?;
        }
        Ok(log.published())
    }

    /// The newest checkpoint with a time stamp, and that the given one extends it. The
    /// messages are proved without: a stamp that cannot be had is no exception.
    async fn stamped(&self, checkpoint: Option<&Published>) -> Option<StampedCheckpoint> {
        let log = &self.exporter.log;
        let found = async {
            let Some(checkpoint) = checkpoint else { return Ok::<_, LogError>(None) };
            let stamped = stamps::newest(self.exporter.vault.bucket()).await?;
            let Some(stamped) = stamped.filter(|it| it.size <= checkpoint.size) else {
                return Ok(None);
            };
            let proof = log.prove_consistency(stamped.size, checkpoint.size).await?;
            let proof = proof.iter().map(|hash| format!("{hash}\n")).collect();
            Ok(Some(StampedCheckpoint { note: stamped.checkpoint, stamp: stamped.stamp, proof }))
        };
        found.await.unwrap_or_else(|error| {
            let error = chain(&error);
            tracing::warn!(error, "the bundle of an export has no time stamp");
            None
        })
    }

    /// Writes progress when it is time, and learns whether to go on.
    async fn tell(&mut self, is_due: bool) -> Result<(), ExportError> {
        if !is_due && self.told.is_some_and(|told| told.elapsed() < PROGRESS) {
            return Ok(());
        }
        self.told = Some(Instant::now());
        let now = self.exporter.catalog.now(&self.exporter.clock).await?;
        let lease = Lease::from(self.owner, now);
        match job::renew(&self.exporter.catalog, self.id, &lease, self.at).await? {
            Renewed::GoOn => Ok(()),
            Renewed::Cancel => Err(ExportError::Cancelled),
            Renewed::Lost => Err(ExportError::Lost),
        }
    }

    /// Writes away from the threads that serve sockets. A file of many gigabytes
    /// takes minutes: the lease is kept meanwhile, and a cancel is heard.
    async fn blocking<T: Send + 'static>(
        &mut self,
        write: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
    ) -> Result<T, ExportError> {
        let stopper = self.stopper.clone().unwrap_or_default();
        let trouble = async {
            loop {
                tokio::time::sleep(PROGRESS).await;
                if let Err(error) = self.tell(false).await {
                    return error;
                }
            }
        };
        attended(write, &stopper, trouble).await
    }

    /// What was exported, by whom, when, from what: JSON for people.
    async fn account(
        &self,
        export: &Export,
        counts: &Counts,
        asked: usize,
        checkpoint: Option<&Published>,
    ) -> Result<Vec<u8>, ExportError> {
        let Export { row, request, .. } = export;
        let catalog = &self.exporter.catalog;
        let matter = match row.matter_id {
            Some(id) => crate::catalog::matter::by_id(catalog, id).await?,
            None => None,
        };
        let reached = account::reached(catalog, request).await?;
        let account = json!({
            "program": format!("muniment {}", env!("CARGO_PKG_VERSION")),
            "archive_id": self.exporter.vault.archive(),
            "export": row.job_id,
            "name": request.name,
            "matter": matter.map(|it| json!({
                "id": it.matter_id, "name": it.name, "reference": it.reference, "zone": it.zone,
            })),
            "asked_by": row.asked_by,
            "asked_at": row.created_at.to_string(),
            "started_at": row.started_at.map(|at| at.to_string()),
            "made_at": self.exporter.clock.now().to_string(),
            "scope": request.scope,
            "hold": reached.hold,
            "custodians": reached.custodians,
            "format": request.format,
            "with_attachments": request.with_attachments,
            "log_size": checkpoint.map(|it| it.size),
            "counts": {
                "sets_in_scope": asked,
                "sets_without_exception": counts.sets,
                "messages": counts.messages,
                "attachments": counts.attachments,
                "bytes": counts.bytes,
                "exceptions": counts.exceptions,
                "messages_missing": counts.missing,
                "items_not_yet_published": counts.unproven,
            },
        });
        Ok(serde_json::to_vec_pretty(&account)?)
    }

    async fn close(
        &mut self,
        writer: BundleWriter,
        export: &Export,
        account: Vec<u8>,
        checkpoint: Option<Published>,
        counts: &Counts,
    ) -> Result<Summary, ExportError> {
        let signer = self.exporter.vault.log_signer();
        let head = Head {
            format: FORMAT.to_owned(),
            version: export.request.format.version(),
            origin: signer.verifier().name().to_owned(),
            archive_id: self.exporter.vault.archive(),
            made_at: self.exporter.clock.now().to_string(),
        };
        let stamped = self.stamped(checkpoint.as_ref()).await;
        let write = move || {
            let closing = Closing {
                head,
                account: &account,
                checkpoint: checkpoint.as_ref().map(|it| it.note.as_str()),
                stamped: stamped.as_ref(),
                readme: README,
            };
            Ok(writer.finish(&closing, &signer)?)
        };
        let finished = self.blocking(write).await?;
        Ok(Summary {
            size: finished.size,
            sha256: finished.sha256,
            messages: counts.messages,
            attachments: counts.attachments,
            exceptions: counts.exceptions,
            missing: counts.missing,
            unproven: counts.unproven,
        })
    }
}

/// Does `write` on a thread of its own. If `trouble` comes before its end, it is
/// stopped, and has ended when this returns, so that what it wrote can be removed.
async fn attended<T: Send + 'static>(
    write: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
    stopper: &Stopper,
    trouble: impl Future<Output = ExportError>,
) -> Result<T, ExportError> {
    let mut task = tokio::task::spawn_blocking(write);
    let error = tokio::select! {
        done = &mut task => return done.map_err(|_| ExportError::Stopped)?,
        error = trouble => error,
    };
    stopper.stop();
    let _ = task.await;
    Err(error)
}

#[derive(Default)]
struct Counts {
    sets: u64,
    messages: u64,
    attachments: u64,
    bytes: u64,
    exceptions: u64,
    missing: u64,
    unproven: u64,
}

impl Counts {
    fn item(&mut self, size: usize, proofs: &[Proof]) {
        self.bytes += size as u64;
        self.unproven += u64::from(proofs.iter().all(|proof| proof.inclusion.is_none()));
    }
}

/// One message on its way into the bundle.
struct One<'a> {
    set: SetId,
    message: Message,
    request: &'a Request,
}

impl One<'_> {
    async fn add(
        self,
        work: &mut Work<'_>,
        mut writer: BundleWriter,
        collector: &mut Collector<'_>,
        counts: &mut Counts,
    ) -> Result<BundleWriter, ExportError> {
        let set = self.set.0;
        let mut number = 1;
        if !matches!(self.request.scope, Scope::Attachment { .. }) {
            counts.messages += 1;
            counts.item(self.message.bytes.len(), &self.message.proofs);
            let Message { bytes, separator, recipients, proofs, .. } = &self.message;
            let (bytes, separator) = (bytes.clone(), separator.clone());
            let (recipients, proofs) = (recipients.clone(), proofs.clone());
            let write = move || {
                let recipients = &recipients;
                let outgoing = Outgoing { bytes: &bytes, separator: &separator, recipients };
                let number = writer.message(&outgoing, About { set, proofs })?;
                Ok((writer, number))
            };
            (writer, number) = work.blocking(write).await?;
        }
        for (ordinal, index) in (1..).zip(self.message.attachments()) {
            if !self.is_wanted(index) {
                continue;
            }
            let Some(attachment) = self.message.attachment(index).await else {
                let reason = format!("attachment {ordinal} is not what its record says");
                collector.except(self.set, Some(self.message.record()), &reason);
                continue;
            };
            counts.attachments += 1;
            counts.item(attachment.bytes.len(), std::slice::from_ref(&attachment.proof));
            let write = move || {
                let named = (attachment.name.as_str(), attachment.media_type.as_str());
                let about = About { set, proofs: vec![attachment.proof] };
                writer.attachment(&attachment.bytes, (number, ordinal), named, about)?;
                Ok(writer)
            };
            writer = work.blocking(write).await?;
            if matches!(self.request.scope, Scope::Attachment { .. }) {
                break;
            }
        }
        Ok(writer)
    }

    fn is_wanted(&self, index: usize) -> bool {
        match &self.request.scope {
            Scope::Attachment { sha256, .. } => self.message.sha256_of(index) == Some(*sha256),
            _ => self.request.with_attachments,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn cancel_is_heard_while_a_file_is_written() {
        let stopper = Stopper::default();
        let has_ended = Arc::new(AtomicBool::new(false));
        let (heard, ended) = (stopper.clone(), has_ended.clone());
        let write = move || -> Result<(), ExportError> {
            while heard.check().is_ok() {
                std::thread::yield_now();
            }
            ended.store(true, Ordering::Relaxed);
            Err(ExportError::Stopped)
        };
        let trouble = std::future::ready(ExportError::Cancelled);
        let done = attended(write, &stopper, trouble).await;
        assert!(matches!(done, Err(ExportError::Cancelled)));
        assert!(has_ended.load(Ordering::Relaxed), "nothing writes any more");
        let never = std::future::pending();
        let done = attended(|| Ok(7), &stopper, never).await;
        assert_eq!(done.unwrap(), 7);
    }
}
