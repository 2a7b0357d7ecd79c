//! The certificate of a disposition or an erasure: one page that says what was
//! destroyed, by which rule, by whom, what holds kept, and by which entry of the log
//! it can be checked.

use super::erasure::Gone;
use super::{Figures, Outcomes, RetentionError};
use crate::base::ids::RecordId;
use crate::catalog::disposition::DispositionRow;
use crate::catalog::erasure::ErasureRow;

/// Where the log has it.
pub struct Logged {
    pub position: u64,
    /// The leaf, hex.
    pub leaf: String,
    /// The inclusion proof under `checkpoint`, from the leaf up.
    pub path: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// HTML that needs nothing else, for a disposition that is done.
pub fn html(
    archive: &str,
    key: &str,
    row: &DispositionRow,
    logged: Option<&Logged>,
) -> Result<String, RetentionError> {
    let figures: Figures = serde_json::from_str(&row.figures)?;
    let outcomes: Outcomes = serde_json::from_str(row.result.as_deref().unwrap_or("{}"))?;
    let or = |text: Option<String>| text.unwrap_or_default();
    let lines = [
        ("Archive", archive.to_owned()),
        ("Class", row.class.clone()),
        ("Month of receipt", row.epoch.clone()),
        ("Could be destroyed since", row.due_at.to_string()),
        ("Proposed", format!("{}, by {}", row.proposed_at, row.proposer)),
        (
            "Approved",
            format!(
                "{}, by {}",
                or(row.decided_at.map(|at| at.to_string())),
                or(row.decider.clone())
            ),
        ),
        ("Reason given", or(row.reason.clone())),
        (
            "Shown when it was proposed",
            format!(
                "{} records in {} segments, {} bytes received, {} held",
                figures.deliveries, figures.segments, figures.bytes_received, figures.held
            ),
        ),
        ("Ended", or(row.ended_at.map(|at| at.to_string()))),
        (
            "Destroyed",
            format!(
                "{} records; {} segments of {} bytes left the vault, and the month's key with them",
                outcomes.destroyed, outcomes.segments_destroyed, outcomes.bytes_destroyed
            ),
        ),
        ("Kept, because holds cover them", format!("{} records", outcomes.kept.len())),
    ];
    let mut kept = String::new();
    if !outcomes.kept.is_empty() {
        kept = listed("Records kept", outcomes.kept.iter());
    }
    let note = "This page does not say that no copy of the master key, of a backup or of an export \
                is kept elsewhere. Exports on the archive's server that held any of these records \
                were deleted with them.";
    Ok(page("Certificate of disposition", &lines, &kept, (key, logged), note))
}

/// Of an erasure that is done.
pub fn of_erasure(
    archive: &str,
    key: &str,
    row: &ErasureRow,
    logged: Option<&Logged>,
) -> Result<String, RetentionError> {
    let gone: Gone = serde_json::from_str(row.result.as_deref().unwrap_or("{}"))?;
    let or = |text: Option<String>| text.unwrap_or_default();
    let decided = or(row.decided_at.map(|at| at.to_string()));
    let lines = [
        ("Archive", archive.to_owned()),
        ("Ground", row.ground.clone()),
        ("Proposed", format!("{}, by {}", row.proposed_at, row.proposer)),
        ("Approved", format!("{decided}, by {}", or(row.decider.clone()))),
        ("Reason given", or(row.reason.clone())),
        ("Ended", or(row.ended_at.map(|at| at.to_string()))),
        (
            "Erased",
            format!(
                "one message in all its deliveries: {} records of {} bytes; their keys left the \
                 vault, and what is left of them cannot be read",
                gone.records.len(),
                gone.bytes
            ),
        ),
    ];
    let erased = listed("Records erased", gone.records.iter());
    let note = "The sealed bytes of the records stay in the vault until the date of their class, \
                without a key. Who kept a copy of their key pages from before, and has the master \
                key, could still open them; this page does not say that nobody has, nor that no \
                export was kept elsewhere. Exports on the archive's server that held the message \
                were deleted with it.";
    Ok(page("Certificate of erasure", &lines, &erased, (key, logged), note))
}

fn listed<'a>(title: &str, records: impl Iterator<Item = &'a RecordId>) -> String {
    let mut text = format!("<h2>{title}</h2><pre>");
    for record in records {
        text += &format!("{record}\n");
    }
    text + "</pre>"
}

fn page(
    title: &str,
    lines: &[(&str, String)],
    records: &str,
    (key, logged): (&str, Option<&Logged>),
    note: &str,
) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>{title}</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem;\
         color:#16191d;background:#fff}}h1{{font-size:1.5rem}}th{{text-align:left;vertical-align:top;\
         padding:.3rem 1.5rem .3rem 0;font-weight:600;white-space:nowrap}}td{{padding:.3rem 0}}\
         pre{{white-space:pre-wrap;word-break:break-all;font-size:12px;background:#f4f5f7;\
         padding:1rem;border-radius:6px}}</style></head><body><main><h1>{title}</h1><table>"
    );
    for (name, value) in lines {
        page += &format!("<tr><th>{name}</th><td>{}</td></tr>", escaped(value));
    }
    page += "</table>";
    page += records;
    page += "<h2>In the log</h2>";
    page += &match logged {
        None => "<p>The end of it is not in the published log yet. Load this page again in a \
                 moment.</p>"
            .to_owned(),
        Some(logged) => format!(
            "<p>Entry {} of the archive's log states it. The entries of the destroyed records stay \
             in the log: they show that the records existed, and nothing of what they said. Whoever \
             has the checkpoint, or a later one, can check it with the log's public key (RFC 6962; \
             c2sp.org/tlog-checkpoint).</p><pre>entry: {}\npath:\n{}\n\n{}\nkey: {}</pre>",
            logged.position,
            logged.leaf,
            logged.path.join("\n"),
            escaped(&logged.checkpoint),
            escaped(key),
        ),
    };
    page += &format!("<p>{note}</p></main></body></html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
