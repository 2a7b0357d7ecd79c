//! A message set as every list shows it.

use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::base::clock::Timestamp;
use crate::base::ids::SetId;
use crate::catalog::hit::HitRow;
use crate::catalog::hold::Place;
use crate::index;
use crate::query::error::Span;

#[derive(Clone, Serialize, ToSchema)]
pub struct Hit {
    /// The message set.
    id: i64,
    received_at: String,
    sent_at: Option<String>,
    from: String,
    /// The first few recipients, blind ones included.
    to: Vec<String>,
    to_count: u64,
    subject: String,
    snippet: Snippet,
    attachments: u64,
    size: u64,
    is_held: bool,
    /// At least one delivery passed its source's checks.
    is_proven: bool,
    deliveries: u64,
}

#[derive(Clone, Default, Serialize, ToSchema)]
pub struct Snippet {
    text: String,
    /// What was found: from and to, in UTF-16 code units.
    marks: Vec<[usize; 2]>,
}

impl From<index::Snippet> for Snippet {
    fn from(snippet: index::Snippet) -> Self {
        let text = snippet.text;
        let place = |span: Span| span.utf16_in(&text);
        let marks = snippet.marks.into_iter().map(|mark| place(Span::new(mark.start, mark.end)));
        let marks = marks.map(|(start, end)| [start, end]).collect();
        Self { text, marks }
    }
}

impl Hit {
    pub fn new(row: HitRow, snippet: Snippet) -> Self {
        Self {
            id: row.set.0,
            received_at: row.received_at.to_string(),
            sent_at: row.sent_at.map(|at| at.to_string()),
            from: row.from,
            to: row.to,
            to_count: row.to_count,
            subject: row.subject,
            snippet,
            attachments: row.attachments,
            size: row.size_bytes,
            is_held: row.is_held,
            is_proven: row.is_proven,
            deliveries: row.deliveries,
        }
    }
}

impl From<HitRow> for Hit {
    fn from(row: HitRow) -> Self {
        Self::new(row, Snippet::default())
    }
}

/// A place in a list as the text that `cursor` takes.
pub fn cursor_text(place: Place) -> String {
    format!("{}.{}", place.at.0, place.set.0)
}

pub fn cursor(text: Option<&str>) -> Result<Option<Place>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    text.split_once('.')
        .and_then(|(at, set)| {
            Some(Place { at: Timestamp(at.parse().ok()?), set: SetId(set.parse().ok()?) })
        })
        .map(Some)
        .ok_or_else(|| ApiError::invalid("cursor: use the `next` of the page before"))
}
