//! What the catalog is made of, against what the steps of its schema make: a trigger
//! changes rows by itself, and a table, a view or a column that nobody knows holds what
//! nobody looks at.

use super::finding::{STRUCTURE_CHANGED, STRUCTURE_EXTRA, STRUCTURE_MISSING, note};
use super::{ScrubError, Work};
use crate::catalog::structure::{self, Structure};
use crate::ingest::rebuild::Progress;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn structure(&mut self) -> Result<(), ScrubError> {
        let found = structure::found(&self.on.catalog).await?;
        let expected = match structure::expected(&self.on.catalog).await {
            Ok(expected) => expected,
            Err(error) => {
                let why = crate::base::chain::chain(&error);
                self.note(note::STRUCTURE_NOT_COMPARED, "the catalog's schema", why);
                return Ok(());
            }
        };
        for (kind, object, what) in differences(&expected, &found) {
            self.fault(kind, object, what, &[]);
        }
        Ok(())
    }
}

/// Of a table that differs, its columns are named where they do.
fn differences(expected: &Structure, found: &Structure) -> Vec<(&'static str, String, String)> {
    let of_table = |object: &str| {
        let column = object.strip_prefix("column ")?;
        column.split_once('.').map(|(table, _)| format!("table {table}"))
    };
    let lacks = |these: &Structure, those: &Structure| -> Vec<String> {
        let is_named = |object: &&String| {
            !those.contains_key(*object)
                // With its table, all of it is.
                && of_table(object).is_none_or(|table| those.contains_key(&table))
        };
        these.keys().filter(is_named).cloned().collect()
    };
    let missing = lacks(expected, found);
    let extra = lacks(found, expected);
    let is_other = |object: &&String| found.get(*object).is_some_and(|it| *it != expected[*object]);
    let changed: Vec<&String> = expected.keys().filter(is_other).collect();
    let by_columns: Vec<String> = missing
        .iter()
        .chain(&extra)
        .chain(changed.iter().copied())
        .filter_map(|object| of_table(object))
        .collect();
    let changed: Vec<String> =
        changed.into_iter().filter(|object| !by_columns.contains(object)).cloned().collect();
    let is = |kind, what: &'static str| move |object| (kind, object, what.to_owned());
    let missing = missing.into_iter().map(is(STRUCTURE_MISSING, "the catalog's schema has it"));
    let extra = extra.into_iter().map(is(
        STRUCTURE_EXTRA,
        "the catalog's schema does not have it: somebody made it, and it may do or hide anything",
    ));
    let changed =
        changed.into_iter().map(is(STRUCTURE_CHANGED, "the catalog's schema has it otherwise"));
    missing.chain(extra).chain(changed).collect()
}
