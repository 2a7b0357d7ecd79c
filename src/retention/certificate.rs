//! The certificate of a disposition: one page that says what was destroyed, by which
//! rule, by whom, what holds kept, and by which entry of the log it can be checked.

use crate::catalog::disposition::DispositionRow;

use super::{Figures, Outcomes, RetentionError};

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
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Certificate of disposition</title><style>\
         body{font:15px/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem;\
         color:#16191d;background:#fff}h1{font-size:1.5rem}th{text-align:left;vertical-align:top;\
         padding:.3rem 1.5rem .3rem 0;font-weight:600;white-space:nowrap}td{padding:.3rem 0}\
         pre{white-space:pre-wrap;word-break:break-all;font-size:12px;background:#f4f5f7;\
         padding:1rem;border-radius:6px}</style></head><body><h1>Certificate of disposition</h1>\
         <table>",
    );
    for (name, value) in lines {
        page += &format!("<tr><th>{name}</th><td>{}</td></tr>", escaped(&value));
    }
    page += "</table>";
    if !outcomes.kept.is_empty() {
        page += "<h2>Records kept</h2><pre>";
        for record in &outcomes.kept {
            page += &format!("{record}\n");
        }
        page += "</pre>";
    }
    page += "<h2>In the log</h2>";
    page += &match logged {
        None => "<p>The end of this disposition is not in the published log yet. Load this page \
                 again in a moment.</p>"
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
    page += "<p>This page does not say that no copy of the master key, of a backup or of an export \
             is kept elsewhere.</p></body></html>\n";
    Ok(page)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
