//! A message's content on its way to ingest, and what its sender is answered.
//!
//! Content is handed on as it comes and never held here. After a refusal the
//! rest is read past: an SMTP client hears an answer only after the last byte.

use super::pace::Pace;
use super::reply::Reply;
use super::session::too_large;
use crate::ingest::incoming::Incoming;
use crate::ingest::{Ingest, IngestError};
use crate::mail::transaction::Transaction;

pub(super) struct Body {
    /// None once it was refused; dropping it discards what ingest held of it.
    incoming: Option<Incoming>,
    refusal: Option<Reply>,
    size: u64,
    size_bytes_max: u64,
    /// Of all its chunks together.
    pub(super) pace: Pace,
}

impl Body {
    /// Asks ingest for room; a refusal comes before the sender is told to go on.
    pub(super) fn open(
        ingest: &Ingest,
        transaction: Transaction,
        size_bytes_max: u64,
        pace: Pace,
    ) -> Result<Self, Reply> {
        let incoming = ingest.begin(transaction).map_err(|error| refuse(&error))?;
        Ok(Self { incoming: Some(incoming), refusal: None, size: 0, size_bytes_max, pace })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.size_bytes_max && self.refusal.is_none() {
            count("too_large");
            self.give_up(too_large());
        }
        if let Some(incoming) = &mut self.incoming
            && let Err(error) = incoming.write(bytes).await
        {
            self.give_up(refuse(&error));
        }
    }

    fn give_up(&mut self, reply: Reply) {
        self.incoming = None;
        self.refusal = Some(reply);
    }

    pub(super) fn refusal(&self) -> Option<&Reply> {
        self.refusal.as_ref()
    }

    /// Whether so much came after a refusal that reading on makes no sense.
    pub(super) fn is_flood(&self) -> bool {
        self.refusal.is_some() && self.size > self.size_bytes_max.saturating_mul(2)
    }

    /// Waits until the delivery is durable, or not.
    ///
    /// A crash before the answer is sent leaves a kept delivery that its sender
    /// sends again: it is then kept twice, and never lost.
    pub(super) async fn finish(self) -> Reply {
        let Some(incoming) = self.incoming else {
            return self.refusal.unwrap_or_else(unavailable);
        };
        match incoming.finish().await {
            Ok(receipt) => {
                count("kept");
                metrics::counter!("muniment_smtp_received_bytes_total").increment(self.size);
                Reply::new(250, "2.0.0", format!("{} {} kept", receipt.record, receipt.leaf))
            }
            Err(error) => refuse(&error),
        }
    }
}

fn refuse(error: &IngestError) -> Reply {
    match error {
        IngestError::Full => {
            count("full");
            Reply::new(451, "4.3.1", "The archive is busy, send again later")
        }
        IngestError::TooLarge(_) => {
            count("too_large");
            too_large()
        }
        IngestError::Unavailable(_) => {
            count("unavailable");
            tracing::error!(%error, "a delivery could not be kept; its sender was answered 451");
            unavailable()
        }
    }
}

fn unavailable() -> Reply {
    Reply::new(451, "4.3.1", "The archive cannot keep mail now, send again later")
}

fn count(outcome: &'static str) {
    metrics::counter!("muniment_smtp_deliveries_total", "outcome" => outcome).increment(1);
}
