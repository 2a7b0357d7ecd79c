//! That the log extends a checkpoint that was kept outside: nothing up to it was
//! changed, inserted or removed since.

use super::finding::{Finding, HISTORY_DIFFERS};
use crate::ingest::log::{Log, LogError};
use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::tree;

/// What came of comparing with a kept checkpoint.
#[derive(Clone, Debug)]
pub struct Since {
    pub size: u64,
    /// None where the log extends it.
    pub fault: Option<Finding>,
}

/// # Errors
/// The inner one where the file is no checkpoint that this archive's log signed.
pub async fn since(log: &Log, note: &[u8]) -> Result<Result<Since, CheckpointError>, LogError> {
    let kept = match Checkpoint::open(note, log.verifier()) {
        Ok(kept) => kept,
        Err(error) => return Ok(Err(error)),
    };
    let size = kept.size;
    let fault = |detail: String| Finding {
        kind: HISTORY_DIFFERS.to_owned(),
        object: format!("the kept checkpoint of size {size}"),
        detail,
        records: Vec::new(),
        touched: 0,
    };
    let holds = Since { size, fault: None };
    let differs = |detail| Ok(Ok(Since { size, fault: Some(fault(detail)) }));
    if size == 0 {
        return Ok(Ok(holds));
    }
    let Some(published) = log.published().filter(|published| published.size >= size) else {
        let now = log.size();
        return differs(format!("the log has {now} entries now: it was cut, or replaced"));
    };
    let is_extended = match published.size == size {
        true => published.root == kept.root,
        false => match log.prove_consistency(size, published.size).await {
            Ok(proof) => {
                tree::verify_consistency(size, &kept.root, published.size, &published.root, &proof)
            }
            Err(error) if error.is_corruption() => {
                return differs(format!("the log cannot show that it extends it: {error}"));
            }
            Err(error) => return Err(error),
        },
    };
    match is_extended {
        true => Ok(Ok(holds)),
        false => differs(format!(
            "the log of {} entries does not extend it: it is another history",
            published.size
        )),
    }
}
