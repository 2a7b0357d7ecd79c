//! People: who can sign in, and with which rights. Administrators decide; the
//! last of them cannot be disabled.

use serde_json::json;

use super::audit::{Act, Outcome, record_in};
use super::{Access, AccessError, Actor, Refused, Role, password, second};
use crate::base::ids::UserId;
use crate::base::limits;
use crate::catalog::person::{self as rows, NewPerson, PersonRow};
use crate::catalog::session;
use crate::catalog::{Catalog, WriteTransaction};

#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub display_name: String,
    pub role: Role,
    pub is_archive_wide: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    pub is_disabled: Option<bool>,
    pub is_archive_wide: Option<bool>,
}

/// Administrators and auditors see everyone; legal staff see those whom they could make
/// members of a matter or for whom something is asked, records managers those who could be their second person, reviewers
/// themselves.
pub async fn list(actor: &Actor, access: &Access) -> Result<Vec<PersonRow>, AccessError> {
    let mut people = rows::list(&access.catalog).await?;
    let asked = second::list(actor, access).await?;
    let is_shown = |person: &PersonRow, role: Role| match actor.role {
        Role::Administrator | Role::Auditor => true,
        Role::Legal => {
            let is_asked = asked.iter().any(|ask| ask.user_id == person.user_id);
            role.reads_mail() && !person.is_disabled || is_asked
        }
        Role::Records => role == Role::Records && !person.is_disabled,
        Role::Reviewer => person.user_id == actor.user_id,
    };
    let roles: Vec<Role> =
        people.iter().map(|person| Role::from_row(&person.role)).collect::<Result<_, _>>()?;
    let mut roles = roles.into_iter();
    people.retain(|person| roles.next().is_some_and(|role| is_shown(person, role)));
    Ok(people)
}

/// Adds a person, and gives the password that works until the person's first
/// sign-in.
pub async fn create(
    actor: &Actor,
    access: &Access,
    new: New,
) -> Result<(PersonRow, String), AccessError> {
    actor.require_administrator()?;
    require_alone(actor, new.role)?;
    let one_time = password::one_time()?;
    let hash = access.passwords.hash(&one_time).await?;
    let mut tx = access.catalog.write().await?;
    let id = insert(actor, access, &mut tx, &new, &hash, false).await?;
    access.catalog.commit(tx, "add a person").await?;
    Ok((find(access, id).await?, one_time))
}

/// Puts down a new person, who can sign in at once or not yet.
pub(super) async fn insert(
    actor: &Actor,
    access: &Access,
    tx: &mut WriteTransaction,
    new: &New,
    hash: &str,
    is_disabled: bool,
) -> Result<UserId, AccessError> {
    let name = check_name(&new.name)?;
    let display_name = new.display_name.trim();
    if display_name.is_empty() || display_name.len() > limits::NAME_BYTES_MAX {
        return Err(Refused::Invalid("give the person's name, as people say it".into()).into());
    }
    check_wide(new.role, new.is_archive_wide)?;
    let now = access.clock.now();
    let row = NewPerson {
        name: &name,
        display_name,
        password_hash: hash,
        role: new.role.as_str(),
        is_archive_wide: new.is_archive_wide,
        created_at: now,
    };
    let id = rows::insert(tx, &row)
        .await?
        .ok_or_else(|| Refused::Conflict(format!("there is a person named {name} already")))?;
    if is_disabled {
        rows::set_rights(tx, id, true, new.is_archive_wide).await?;
    }
    let act = Act::new("person.create", None, &name).with(json!({
        "role": new.role.as_str(),
        "is_archive_wide": new.is_archive_wide,
        "is_disabled": is_disabled,
    }));
    record_in(tx, now, &actor.name, &act, Outcome::Done).await?;
    Ok(id)
}

pub async fn change(
    actor: &Actor,
    access: &Access,
    id: UserId,
    change: Change,
) -> Result<PersonRow, AccessError> {
    actor.require_administrator()?;
    let person = find(access, id).await?;
    let is_disabled = change.is_disabled.unwrap_or(person.is_disabled);
    let is_archive_wide = change.is_archive_wide.unwrap_or(person.is_archive_wide);
    let role = Role::from_row(&person.role)?;
    if !second::wishes(&person, change).is_empty() {
        require_alone(actor, role)?;
    }
    check_wide(role, is_archive_wide)?;
    let now = access.clock.now();
    let mut tx = access.catalog.write().await?;
    if is_disabled && role == Role::Administrator {
        let others = rows::others_enabled(&mut tx, id, &person.role).await?;
        if others == 0 || id == actor.user_id {
            return Err(Refused::Conflict(
                "another administrator must do this, and one must remain".into(),
            )
            .into());
        }
    }
    rows::set_rights(&mut tx, id, is_disabled, is_archive_wide).await?;
    if is_disabled {
        session::remove_all(&mut tx, id).await?;
    }
    let act = Act::new("person.change", None, &person.name)
        .with(json!({ "is_disabled": is_disabled, "is_archive_wide": is_archive_wide }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    access.catalog.commit(tx, "change a person").await?;
    find(access, id).await
}

/// Gives a person a new one-time password and ends all sessions.
pub async fn reset(actor: &Actor, access: &Access, id: UserId) -> Result<String, AccessError> {
    actor.require_administrator()?;
    let person = find(access, id).await?;
    require_alone(actor, Role::from_row(&person.role)?)?;
    let one_time = password::one_time()?;
    let hash = access.passwords.hash(&one_time).await?;
    let mut tx = access.catalog.write().await?;
    rows::set_password(&mut tx, id, &hash, true).await?;
    session::remove_all(&mut tx, id).await?;
    let act = Act::new("person.reset", None, &person.name);
    record_in(&mut tx, access.clock.now(), &actor.name, &act, Outcome::Done).await?;
    access.catalog.commit(tx, "reset a password").await?;
    Ok(one_time)
}

/// Sets a password that need not be changed: the demonstration's, which is kept
/// beside its archive.
pub async fn set_password(
    actor: &Actor,
    access: &Access,
    name: &str,
    password: &str,
) -> Result<(), AccessError> {
    actor.require_administrator()?;
    let person = named(access, name).await?;
    require_alone(actor, Role::from_row(&person.role)?)?;
    password::check_chosen(&person.name, password)?;
    let hash = access.passwords.hash(password).await?;
    let mut tx = access.catalog.write().await?;
    rows::set_password(&mut tx, person.user_id, &hash, false).await?;
    session::remove_all(&mut tx, person.user_id).await?;
    let act = Act::new("person.reset", None, &person.name);
    record_in(&mut tx, access.clock.now(), &actor.name, &act, Outcome::Done).await?;
    Ok(access.catalog.commit(tx, "set a password").await?)
}

/// Whether `password` signs the person in. Nothing is counted or written.
pub async fn has_password(
    actor: &Actor,
    access: &Access,
    name: &str,
    password: &str,
) -> Result<bool, AccessError> {
    actor.require_administrator()?;
    let person = rows::by_name(&access.catalog, name).await?;
    let person = person.filter(|person| !person.is_disabled);
    let hash = person.as_ref().map(|person| person.password_hash.as_str());
    access.passwords.verify(password, hash).await
}

/// The person who signs in with `name`, in any case.
pub async fn named(access: &Access, name: &str) -> Result<PersonRow, AccessError> {
    let person = rows::by_name(&access.catalog, &name.trim().to_lowercase()).await?;
    Ok(person.ok_or(Refused::Hidden("person"))?)
}

pub(super) async fn find(access: &Access, id: UserId) -> Result<PersonRow, AccessError> {
    Ok(rows::by_id(&access.catalog, id).await?.ok_or(Refused::Hidden("person"))?)
}

fn require_alone(actor: &Actor, role: Role) -> Result<(), Refused> {
    match second::is_needed(actor, role) {
        true => Err(Refused::Forbidden("somebody from legal has to agree to this")),
        false => Ok(()),
    }
}

fn check_wide(role: Role, is_archive_wide: bool) -> Result<(), Refused> {
    if is_archive_wide && !role.may_be_archive_wide() {
        let text = format!("the archive-wide right is for legal and auditors, not for {role}");
        return Err(Refused::Invalid(text));
    }
    Ok(())
}

/// Sign-in names are written in lower case, and safe in any log or header.
fn check_name(name: &str) -> Result<String, Refused> {
    let name = name.trim().to_lowercase();
    let is_named = !name.is_empty()
        && name.len() <= limits::PERSON_NAME_BYTES_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+@".contains(&b));
    if !is_named {
        return Err(Refused::Invalid(format!(
            "a sign-in name has 1 to {} letters, digits and . _ - + @",
            limits::PERSON_NAME_BYTES_MAX
        )));
    }
    // Names under which the archive itself writes in the audit.
    if ["system", "operator", "nobody"].contains(&name.as_str()) {
        return Err(Refused::Invalid(format!("{name} is the archive's own name")));
    }
    Ok(name)
}

/// Who acts when work goes on that a person asked for earlier: with the rights
/// that the person has now.
pub async fn actor(catalog: &Catalog, name: &str) -> Result<Actor, AccessError> {
    let person = rows::by_name(catalog, name).await?.filter(|person| !person.is_disabled);
    let person = person.ok_or(Refused::Hidden("person"))?;
    let role = Role::from_row(&person.role)?;
    Ok(Actor {
        user_id: person.user_id,
        role,
        name: person.name,
        is_archive_wide: person.is_archive_wide && role.may_be_archive_wide(),
    })
}
