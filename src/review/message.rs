//! A message as its reader sees it.

use std::collections::HashMap;

use serde_json::json;

use super::{Desk, ReviewError, Wanted};
use crate::access::{Actor, Refused};
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, HoldId, MatterId};
use crate::base::limits;
use crate::catalog::CatalogError;
use crate::catalog::delivery;
use crate::catalog::hit::{self, HitRow};
use crate::catalog::hold::in_force_on;
use crate::catalog::review::{self as rows, AttachmentRow, Carried, GapRow, ParticipantRow};
use crate::extract::{self, Field, Parsed};
use crate::index::doc::Role;
use crate::mail::address;
use crate::mail::delivery::{Defect, Envelope, Via};
use crate::mail::transaction::Transaction;

pub struct Message {
    pub hit: HitRow,
    /// None where it has no Message-ID.
    pub edrm_mih: Option<String>,
    pub headers: Vec<Field>,
    pub text: String,
    pub has_html: bool,
    pub attachments: Vec<AttachmentRow>,
    pub participants: Vec<Participant>,
    pub deliveries: Vec<Delivery>,
    /// In force, in matters that the reader sees.
    pub holds: Vec<(HoldId, String, MatterId)>,
    pub gaps: Vec<GapRow>,
    /// The one of them that is shown.
    pub version: Digest,
    /// The set's messages, the first one first: copies that travelled differently.
    pub versions: Vec<Version>,
}

pub struct Version {
    pub sha256: Digest,
    pub size_bytes: u64,
    /// That carry it, oldest first.
    pub deliveries: Vec<DeliverySeq>,
}

pub struct Participant {
    pub row: ParticipantRow,
    /// From an envelope: the list that was expanded, or who forwarded.
    pub via: Option<(Via, String)>,
}

pub struct Delivery {
    pub row: delivery::Delivery,
    pub transaction: Transaction,
    /// In plain words.
    pub defects: Vec<String>,
}

impl Desk {
    pub async fn message(&self, actor: &Actor, wanted: Wanted) -> Result<Message, ReviewError> {
        let read = self.read_message(actor, wanted).await;
        self.met(actor, wanted, None, read).await
    }

    async fn read_message(&self, actor: &Actor, wanted: Wanted) -> Result<Message, ReviewError> {
        self.admit(actor, wanted).await?;
        let set = wanted.set;
        let hit = hit::load(&self.catalog, &[set]).await?.pop();
        let hit = hit.ok_or(Refused::Hidden("message"))?;
        let carried = rows::carried(&self.catalog, set).await?;
        let (deliveries, vias) = self.deliveries(&carried).await?;
        let participants =
            rows::participants(&self.catalog, set, limits::PARTICIPANTS_SHOWN_MAX).await?;
        let participants = participants.into_iter().flat_map(|row| in_ways(row, &vias));
        let mut gaps = rows::gaps(&self.catalog, set).await?;

        let opened = self.open(wanted, None).await?;
        let found = match self.read(&opened, wanted.version.is_some()).await? {
            Ok(found) => found,
            Err(failure) => {
                let reason = failure.reason.as_str().to_owned();
                if !gaps.iter().any(|gap| gap.ordinal.is_none() && gap.reason == reason) {
                    gaps.push(GapRow { ordinal: None, reason, detail: failure.detail });
                }
                Parsed::default()
            }
        };
        let attachments = match wanted.version {
            None => rows::attachments(&self.catalog, set).await?,
            Some(_) => super::bytes::of_message(&found),
        };

        let holds: Vec<HoldId> =
            in_force_on(&self.catalog, &[set]).await?.into_iter().map(|(hold, _)| hold).collect();
        let message = Message {
            hit,
            edrm_mih: found.edrm_mih(),
            headers: found.headers.iter().map(shown).collect(),
            text: found.text,
            has_html: found.has_html,
            attachments,
            participants: participants.collect(),
            deliveries,
            holds: rows::holds(&self.catalog, &holds, actor.user_id).await?,
            gaps,
            version: opened.carried.sha256,
            versions: versions(&carried),
        };
        let act =
            wanted.act("message.view").with(json!({ "set": set, "sha256": opened.carried.sha256 }));
        self.record(actor, &act).await?;
        Ok(message)
    }

    async fn deliveries(&self, carried: &[Carried]) -> Result<(Vec<Delivery>, Vias), ReviewError> {
        let mut seqs: Vec<DeliverySeq> = carried.iter().map(|carried| carried.seq).collect();
        seqs.dedup();
        seqs.truncate(limits::DELIVERIES_SHOWN_MAX);
        let mut vias = Vias::new();
        let mut deliveries = Vec::new();
        for row in delivery::with_seqs(&self.catalog, &seqs).await? {
            let damaged = |what: &str| {
                ReviewError::Catalog(CatalogError::Corrupt(format!(
                    "the {what} of delivery {}",
                    row.seq
                )))
            };
            let transaction =
                serde_json::from_str(&row.transaction).map_err(|_| damaged("transaction"))?;
            let defects: Vec<Defect> =
                serde_json::from_str(&row.defects).map_err(|_| damaged("defects"))?;
            if let Some(envelope) = &row.envelope {
                let envelope: Envelope =
                    serde_json::from_str(envelope).map_err(|_| damaged("envelope"))?;
                note_vias(&mut vias, row.seq, &envelope);
            }
            let defects = defects.iter().map(|defect| defect.to_string()).collect();
            deliveries.push(Delivery { row, transaction, defects });
        }
        Ok((deliveries, vias))
    }
}

/// The ways in which an address came to be a recipient of a kind, by delivery;
/// none for one that was named itself.
type Vias = HashMap<(DeliverySeq, &'static str, String), Vec<Option<(Via, String)>>>;

fn note_vias(vias: &mut Vias, seq: DeliverySeq, envelope: &Envelope) {
    for recipient in &envelope.recipients {
        let via = recipient.via.as_ref().map(|(via, of)| (*via, address::key(of)));
        let key = (seq, Role::from(recipient.kind).as_str(), address::key(&recipient.address));
        let ways = vias.entry(key).or_default();
        if !ways.contains(&via) {
            ways.push(via);
        }
    }
}

/// Someone may have got a message through two lists: each way is told.
fn in_ways(row: ParticipantRow, vias: &Vias) -> Vec<Participant> {
    let kinds = [Role::To, Role::Cc, Role::Bcc, Role::Recipient].map(Role::as_str);
    let kind = kinds.into_iter().find(|kind| *kind == row.role && row.source == "envelope");
    let ways = kind.and_then(|kind| vias.get(&(row.seq, kind, row.address.clone())));
    match ways {
        None => vec![Participant { row, via: None }],
        Some(ways) => {
            ways.iter().map(|via| Participant { row: row.clone(), via: via.clone() }).collect()
        }
    }
}

/// Its source has the rest.
fn shown(field: &Field) -> Field {
    let value = extract::shortened(&field.value, limits::HEADER_SHOWN_BYTES_MAX);
    Field { name: field.name.clone(), value }
}

fn versions(carried: &[Carried]) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    let mut places: HashMap<Digest, usize> = HashMap::new();
    for carried in carried {
        let place = *places.entry(carried.sha256).or_insert(versions.len());
        if place == versions.len() {
            let (sha256, size_bytes) = (carried.sha256, carried.size_bytes);
            versions.push(Version { sha256, size_bytes, deliveries: Vec::new() });
        }
        versions[place].deliveries.push(carried.seq);
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::delivery::{Kind, Recipient};

    #[test]
    fn every_way_to_a_recipient_is_told() {
        let recipient = |kind, address: &str, via: Option<(Via, &str)>| Recipient {
            kind,
            address: address.into(),
            via: via.map(|(via, of)| (via, of.into())),
        };
        let envelope = Envelope {
            recipients: vec![
                recipient(Kind::To, "Ann@x.test", Some((Via::Expanded, "Staff@x.test"))),
                recipient(Kind::To, "ann@x.test", Some((Via::Expanded, "board@x.test"))),
                recipient(Kind::To, "ann@x.test", None),
                recipient(Kind::Cc, "/O=X/CN=Ann", Some((Via::Forwarded, "EX:/O=X/CN=Bob"))),
            ],
            ..Envelope::default()
        };
        let mut vias = Vias::new();
        note_vias(&mut vias, DeliverySeq(3), &envelope);
        let told = |address: &str, role: &str, source: &str, seq| {
            let (address, name) = (address.to_owned(), String::new());
            let (role, source, seq) = (role.to_owned(), source.to_owned(), DeliverySeq(seq));
            let row = ParticipantRow { address, name, role, source, seq, is_proven: true };
            let ways = in_ways(row, &vias).into_iter();
            ways.map(|it| it.via.map(|(_, of)| of).unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(told("ann@x.test", "to", "envelope", 3), ["staff@x.test", "board@x.test", ""]);
        assert_eq!(told("/o=x/cn=ann", "cc", "envelope", 3), ["/o=x/cn=bob"]);
        for (role, source, seq) in
            [("cc", "envelope", 3), ("to", "header", 3), ("to", "envelope", 4)]
        {
            assert_eq!(told("ann@x.test", role, source, seq), [""]);
        }
        assert_eq!(told("staff@x.test", "expanded", "envelope", 3), [""]);
    }
}
