//! A message set as every list shows it.

use std::ops::Range;

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
    /// What was found in the subject: from and to, in UTF-16 code units.
    subject_marks: Vec<[usize; 2]>,
    snippet: Snippet,
    attachments: u64,
    size: u64,
    is_held: bool,
    /// At least one delivery passed its source's checks.
    is_proven: bool,
    deliveries: u64,
    /// Of those, how many did not.
    unproven: u64,
}

#[derive(Clone, Default, Serialize, ToSchema)]
pub struct Snippet {
    text: String,
    /// What was found: from and to, in UTF-16 code units.
    marks: Vec<[usize; 2]>,
}

/// Places in a text, as they are counted in a browser.
fn in_utf16(text: &str, marks: Vec<Range<usize>>) -> Vec<[usize; 2]> {
    let places = marks.into_iter().map(|mark| Span::new(mark.start, mark.end).utf16_in(text));
    places.map(|(start, end)| [start, end]).collect()
}

impl Hit {
    pub fn new(row: HitRow, found: index::Snippet) -> Self {
        let snippet = Snippet { marks: in_utf16(&found.text, found.marks), text: found.text };
        Self {
            id: row.set.0,
            received_at: row.received_at.to_string(),
            sent_at: row.sent_at.map(|at| at.to_string()),
            from: row.from,
            to: row.to,
            to_count: row.to_count,
            subject_marks: in_utf16(&row.subject, found.in_subject),
            subject: row.subject,
            snippet,
            attachments: row.attachments,
            size: row.size_bytes,
            is_held: row.is_held,
            is_proven: row.is_proven,
            deliveries: row.deliveries,
            unproven: row.unproven,
        }
    }
}

impl From<HitRow> for Hit {
    fn from(row: HitRow) -> Self {
        Self::new(row, index::Snippet::default())
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
