//! Whether one item is what the log says that a delivery carried.

use crate::export::manifest::{Item, Proof};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::leaf::Leaf;
use crate::ledger::tree;

/// How far one proof leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Proven,
    /// The opening holds, but the leaf is in no published log yet.
    Unpublished,
}

/// Follows one proof from the item's bytes, by their hash, to the checkpoint.
pub(super) fn check(
    item: &Item,
    proof: &Proof,
    checkpoint: Option<&Checkpoint>,
) -> Result<Outcome, String> {
    let bytes = hex::decode(&proof.leaf).map_err(|_| "its leaf is not hex".to_owned())?;
    let leaf = Leaf::decode(&bytes).map_err(|error| error.to_string())?;
    let Leaf::Delivery { record, received_at, commitments, commitment_root, .. } = leaf else {
        return Err("its leaf is not that of a delivery".to_owned());
    };
    let named = proof.record_id;
    if record != named {
        return Err(format!("its leaf is of record {record}, not of {named}"));
    }
    // What is recorded besides is not in the leaf.
    let told = proof.recorded.get("received_at").and_then(|told| told.as_str());
    if let Some(told) = told.filter(|told| *told != received_at.to_string()) {
        return Err(format!(
            "record {named} is said to be received at {told}, and its leaf says {received_at}"
        ));
    }
    let opening = &proof.opening;
    if opening.count != commitments {
        return Err(format!("the leaf of record {named} has {commitments} commitments"));
    }
    if opening.role != item.role.code() {
        return Err(format!("its opening in record {named} is that of something else"));
    }
    if !opening.verify(&item.sha256, item.size, &commitment_root) {
        return Err(format!("record {named} did not commit to it: the opening does not hold"));
    }
    let Some(inclusion) = &proof.inclusion else { return Ok(Outcome::Unpublished) };
    let Some(Checkpoint { size, root, .. }) = checkpoint else {
        return Err("the bundle has no checkpoint to prove it by".to_owned());
    };
    let hash = tree::hash_leaf(&bytes);
    if !tree::verify_inclusion(*size, inclusion.position, &hash, &inclusion.path, root) {
        return Err(format!(
            "the leaf of record {named} is not at position {} of the log of the checkpoint",
            inclusion.position
        ));
    }
    Ok(Outcome::Proven)
}
