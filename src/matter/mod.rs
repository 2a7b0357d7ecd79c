//! Matters: who works in one, on whose mail. What a matter lets its members
//! see is decided here: messages in which one of its custodians takes part.

pub mod custodian;
pub mod password;

use serde_json::json;

use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, Refused, Role};
use crate::base::clock::Clock;
use crate::base::ids::{MatterId, SetId, UserId};
use crate::base::limits;
use crate::catalog::matter::{self as rows, MatterRow};
use crate::catalog::{Catalog, CatalogError, person};

#[derive(Debug, thiserror::Error)]
pub enum MatterError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A matter as its members see it.
#[derive(Clone, Debug)]
pub struct Matter {
    pub row: MatterRow,
    pub members: Vec<(UserId, String)>,
}

#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub reference: String,
    pub zone: String,
}

#[derive(Clone, Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub reference: Option<String>,
    pub zone: Option<String>,
    pub is_closed: Option<bool>,
    pub members: Option<Vec<UserId>>,
}

/// How far an actor sees: all mail, or that of a matter's custodians.
#[derive(Clone, Debug)]
pub enum Reach {
    /// Who looks sees no more of matters than those of which they are a member.
    Archive(UserId),
    Matter(Scope),
}

#[derive(Clone, Debug)]
pub struct Scope {
    pub matter: MatterId,
    /// Dates in queries are read in it.
    pub zone: jiff::tz::TimeZone,
    /// Of all custodians, in lower case. Empty: nothing is seen.
    pub addresses: Vec<String>,
}

/// The gate of everything inside a matter: members who read mail. To everyone else who
/// reads mail the matter does not exist, whatever they may read outside one.
pub async fn open(
    actor: &Actor,
    catalog: &Catalog,
    id: MatterId,
) -> Result<MatterRow, MatterError> {
    actor.require_reader()?;
    let row = rows::by_id(catalog, id).await?.ok_or(Refused::Hidden("matter"))?;
    if !rows::is_member(catalog, id, actor.user_id).await? {
        return Err(Refused::Hidden("matter").into());
    }
    Ok(row)
}

/// As [`open`], for who leads the matter, whether it is closed or not.
pub async fn open_to_lead(
    actor: &Actor,
    catalog: &Catalog,
    id: MatterId,
) -> Result<MatterRow, MatterError> {
    actor.require_legal()?;
    open(actor, catalog, id).await
}

/// As [`open_to_lead`], for what changes the matter: a closed one stays as it is.
pub async fn open_to_change(
    actor: &Actor,
    catalog: &Catalog,
    id: MatterId,
) -> Result<MatterRow, MatterError> {
    let row = open_to_lead(actor, catalog, id).await?;
    if row.is_closed {
        return Err(Refused::Conflict("the matter is closed; open it again first".into()).into());
    }
    Ok(row)
}

/// How far the actor sees in `matter`, or without one.
pub async fn reach(
    actor: &Actor,
    catalog: &Catalog,
    matter: Option<MatterId>,
) -> Result<Reach, MatterError> {
    actor.require_reader()?;
    let Some(id) = matter else {
        if actor.is_archive_wide {
            return Ok(Reach::Archive(actor.user_id));
        }
        return Err(Refused::Forbidden(
            "name a matter: looking outside one needs the archive-wide right",
        )
        .into());
    };
    let row = open(actor, catalog, id).await?;
    let addresses = rows::addresses(catalog, id).await?;
    Ok(Reach::Matter(Scope { matter: id, zone: zone(&row.zone)?, addresses }))
}

/// Whether the message set is within reach.
pub async fn sees(catalog: &Catalog, reach: &Reach, set: SetId) -> Result<bool, CatalogError> {
    match reach {
        Reach::Archive(_) => Ok(true),
        Reach::Matter(scope) => rows::has_set(catalog, scope.matter, set).await,
    }
}

pub async fn list(actor: &Actor, catalog: &Catalog) -> Result<Vec<Matter>, MatterError> {
    actor.require_reader()?;
    let matters = rows::list(catalog, actor.user_id).await?;
    let members = rows::members(catalog).await?;
    Ok(matters.into_iter().map(|row| with_members(row, &members)).collect())
}

pub async fn get(actor: &Actor, catalog: &Catalog, id: MatterId) -> Result<Matter, MatterError> {
    let row = open(actor, catalog, id).await?;
    Ok(with_members(row, &rows::members(catalog).await?))
}

/// Opens a matter; who opens it is its first member.
pub async fn create(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    new: New,
) -> Result<Matter, MatterError> {
    actor.require_legal()?;
    let name = check_name(&new.name, "matter")?;
    let reference = check_reference(&new.reference)?;
    zone(&new.zone)?;
    let now = clock.now();
    let mut tx = catalog.write().await?;
    let id = rows::insert(&mut tx, &name, &reference, &new.zone, now, actor.user_id).await?;
    rows::set_members(&mut tx, id, &[actor.user_id]).await?;
    let act = Act::new("matter.create", Some(id), &name)
        .with(json!({ "reference": reference, "zone": new.zone }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    catalog.commit(tx, "open a matter").await?;
    get(actor, catalog, id).await
}

pub async fn change(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    id: MatterId,
    change: Change,
) -> Result<Matter, MatterError> {
    let mut row = open_to_lead(actor, catalog, id).await?;
    if row.is_closed && change.is_closed != Some(false) {
        return Err(Refused::Conflict("the matter is closed; open it again first".into()).into());
    }
    if let Some(name) = &change.name {
        row.name = check_name(name, "matter")?;
    }
    if let Some(reference) = &change.reference {
        row.reference = check_reference(reference)?;
    }
    if let Some(name) = change.zone {
        zone(&name)?;
        row.zone = name;
    }
    if let Some(members) = &change.members {
        check_members(catalog, members).await?;
    }
    row.is_closed = change.is_closed.unwrap_or(row.is_closed);

    let mut tx = catalog.write().await?;
    if row.is_closed && rows::holds_in_force(&mut tx, id).await? > 0 {
        return Err(Refused::Conflict(
            "holds of this matter are in force; release them before it is closed".into(),
        )
        .into());
    }
    rows::update(&mut tx, &row).await?;
    if let Some(members) = &change.members {
        rows::set_members(&mut tx, id, members).await?;
    }
    let act = Act::new("matter.change", Some(id), &row.name).with(json!({
        "name": row.name,
        "reference": row.reference,
        "zone": row.zone,
        "is_closed": row.is_closed,
        "members": change.members,
    }));
    record_in(&mut tx, clock.now(), &actor.name, &act, Outcome::Done).await?;
    catalog.commit(tx, "change a matter").await?;
    let row = rows::by_id(catalog, id).await?.ok_or(Refused::Hidden("matter"))?;
    Ok(with_members(row, &rows::members(catalog).await?))
}

/// The time zone of an IANA name.
pub fn zone(name: &str) -> Result<jiff::tz::TimeZone, Refused> {
    jiff::tz::TimeZone::get(name).map_err(|_| {
        Refused::Invalid(format!(
            "{name:?} is no time zone; use a name like Europe/Berlin, America/New_York or UTC"
        ))
    })
}

/// A name that people gave to something of theirs.
pub(crate) fn check_name(name: &str, of: &str) -> Result<String, Refused> {
    let name = name.trim();
    let is_fit = !name.is_empty()
        && name.len() <= limits::NAME_BYTES_MAX
        && !name.chars().any(char::is_control);
    if is_fit {
        Ok(name.to_owned())
    } else {
        Err(Refused::Invalid(format!(
            "name the {of} in 1 to {} characters on one line",
            limits::NAME_BYTES_MAX
        )))
    }
}

fn check_reference(reference: &str) -> Result<String, Refused> {
    if reference.trim().is_empty() {
        return Ok(String::new());
    }
    check_name(reference, "reference")
}

/// Members are people who read mail and can sign in, and one of them leads.
async fn check_members(catalog: &Catalog, members: &[UserId]) -> Result<(), MatterError> {
    let people = person::list(catalog).await?;
    let mut has_lead = false;
    for member in members {
        let found = people.iter().find(|it| it.user_id == *member && !it.is_disabled);
        let role = found.map(|person| Role::from_row(&person.role)).transpose()?;
        has_lead |= role == Some(Role::Legal);
        if !role.is_some_and(Role::reads_mail) {
            return Err(Refused::Invalid(format!(
                "person {member} cannot be a member: members are legal staff, reviewers and \
                 auditors who can sign in"
            ))
            .into());
        }
    }
    if !has_lead {
        return Err(Refused::Invalid("a matter has at least one member from legal".into()).into());
    }
    Ok(())
}

fn with_members(row: MatterRow, members: &[(MatterId, UserId, String)]) -> Matter {
    let members = members
        .iter()
        .filter(|(matter, ..)| *matter == row.matter_id)
        .map(|(_, user, name)| (*user, name.clone()))
        .collect();
    Matter { row, members }
}
