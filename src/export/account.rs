//! What an export reached for, in words: whoever has the bundle alone cannot look up
//! the number of a hold or of a custodian. What bounded it is named, and nobody else
//! of the matter is.

use serde_json::{Value, json};

use super::ExportError;
use super::request::{Request, Scope};
use crate::base::ids::CustodianId;
use crate::catalog::hold::{self, HoldRow};
use crate::catalog::{Catalog, matter};

/// The hold that was exported, if it was one, and the custodians whose mail it was.
#[derive(Debug)]
pub(super) struct Reached {
    pub hold: Value,
    pub custodians: Vec<Value>,
}

/// As it stands now.
pub(super) async fn reached(catalog: &Catalog, request: &Request) -> Result<Reached, ExportError> {
    let nothing = Reached { hold: Value::Null, custodians: Vec::new() };
    let Some(matter) = request.matter_id else { return Ok(nothing) };
    let hold = match &request.scope {
        Scope::Hold(id) => {
            let holds = hold::list(catalog, matter).await?;
            holds.into_iter().find(|hold| hold.hold_id == *id)
        }
        _ => None,
    };
    let bounds = |id: CustodianId| match &request.scope {
        Scope::Search(ask) => ask.custodian_id.is_none_or(|asked| asked == id),
        Scope::Hold(_) => hold.as_ref().is_some_and(|hold| hold.extent.custodians.contains(&id)),
        Scope::Messages(_) | Scope::Attachment { .. } => false,
    };
    let custodians = matter::custodians(catalog, matter).await?.into_iter();
    let custodians = custodians
        .filter(|custodian| bounds(custodian.custodian_id))
        .map(|it| json!({ "id": it.custodian_id, "name": it.name, "addresses": it.addresses }));
    Ok(Reached {
        custodians: custodians.collect(),
        hold: hold.as_ref().map_or(Value::Null, in_words),
    })
}

fn in_words(hold: &HoldRow) -> Value {
    json!({
        "id": hold.hold_id,
        "name": hold.name,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at.to_string(),
        "released_at": hold.released_at.map(|at| at.to_string()),
        "date_kind": hold.extent.date_kind,
        "from": hold.extent.from_at.map(|at| at.to_string()),
        "before": hold.extent.until_at.map(|at| at.to_string()),
        "is_ongoing": hold.extent.is_ongoing,
    })
}
