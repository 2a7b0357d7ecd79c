//! What an administrator cannot do alone: let somebody read mail, or sign in as one who
//! does. They ask, and somebody from legal agrees and is given the one-time password, so
//! that no administrator ever has one with which mail can be read. The operator, who has
//! the archive's keys, needs nobody.

use serde_json::json;

use super::audit::{Act, Outcome, record_in};
use super::person::{self, Change, New};
use super::{Access, AccessError, Actor, Refused, Role, password};
use crate::base::ids::UserId;
use crate::catalog::person::{self as people, PersonRow};
use crate::catalog::person_ask::{self as rows, AskRow};
use crate::catalog::{WriteTransaction, session};

/// What is asked for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That they sign in for the first time.
    Create,
    /// That they sign in again.
    Enable,
    /// The right to search and read outside matters.
    ArchiveWide,
    /// Another password.
    Reset,
}

impl Wish {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Enable => "enable",
            Self::ArchiveWide => "archive-wide",
            Self::Reset => "reset",
        }
    }

    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Create, Self::Enable, Self::ArchiveWide, Self::Reset]
            .into_iter()
            .find(|wish| wish.as_str() == text)
    }
}

/// What is asked for; to those who can ask or agree, and to auditors.
pub async fn list(actor: &Actor, access: &Access) -> Result<Vec<AskRow>, AccessError> {
    match actor.role {
        Role::Administrator | Role::Legal | Role::Auditor => Ok(rows::list(&access.catalog).await?),
        Role::Reviewer | Role::Records => Ok(Vec::new()),
    }
}

/// Adds a person. With the password for the first sign-in; without one where somebody
/// from legal has to agree first.
pub async fn create(
    actor: &Actor,
    access: &Access,
    new: New,
) -> Result<(PersonRow, Option<String>), AccessError> {
    actor.require_administrator()?;
    if !is_needed(actor, new.role) {
        let (row, one_time) = person::create(actor, access, new).await?;
        return Ok((row, Some(one_time)));
    }
    let mut tx = access.catalog.write().await?;
    require_anyone(&mut tx, UserId(0)).await?;
    // No password fits until somebody has agreed.
    let hash = access.passwords.hash(&password::one_time()?).await?;
    let id = person::insert(actor, access, &mut tx, &new, &hash, true).await?;
    ask_in(actor, access, &mut tx, (id, new.name.trim()), Wish::Create).await?;
    access.catalog.commit(tx, "ask for a person").await?;
    Ok((person::find(access, id).await?, None))
}

/// Changes rights: what takes them at once, what gives them when somebody agrees.
pub async fn change(
    actor: &Actor,
    access: &Access,
    id: UserId,
    change: Change,
) -> Result<PersonRow, AccessError> {
    actor.require_administrator()?;
    let row = person::find(access, id).await?;
    let wishes = wishes(&row, change);
    let role = Role::from_row(&row.role)?;
    let [wish, ..] = wishes[..] else {
        return person::change(actor, access, id, change).await;
    };
    if !is_needed(actor, role) {
        return person::change(actor, access, id, change).await;
    }
    if change.is_disabled.is_some() && change.is_archive_wide.is_some() {
        let text = "ask for one right at a time: somebody from legal agrees to each";
        return Err(Refused::Invalid(text.to_owned()).into());
    }
    ask(actor, access, &row, wish).await?;
    person::find(access, id).await
}

/// A new one-time password; none yet where somebody from legal has to agree.
pub async fn reset(
    actor: &Actor,
    access: &Access,
    id: UserId,
) -> Result<(PersonRow, Option<String>), AccessError> {
    actor.require_administrator()?;
    let row = person::find(access, id).await?;
    if is_needed(actor, Role::from_row(&row.role)?) {
        ask(actor, access, &row, Wish::Reset).await?;
        return Ok((row, None));
    }
    let one_time = person::reset(actor, access, id).await?;
    Ok((person::find(access, id).await?, Some(one_time)))
}

/// Agrees to what is asked for a person: it is so from now on. With the one-time
/// password that goes with it, for who agreed to hand over.
pub async fn grant(
    actor: &Actor,
    access: &Access,
    id: UserId,
) -> Result<(PersonRow, Option<String>), AccessError> {
    actor.require_legal()?;
    let (asked, wish) = asked(access, id).await?;
    if asked.asked_by == actor.user_id || id == actor.user_id {
        return Err(Refused::Conflict("somebody else from legal must agree to this".into()).into());
    }
    let row = person::find(access, id).await?;
    let one_time = match wish {
        Wish::Create | Wish::Reset => Some(password::one_time()?),
        Wish::Enable | Wish::ArchiveWide => None,
    };
    let hash = match &one_time {
        Some(one_time) => Some(access.passwords.hash(one_time).await?),
        None => None,
    };
    let mut tx = access.catalog.write().await?;
    if !rows::remove(&mut tx, id, wish.as_str()).await? {
        return Err(Refused::Hidden("request").into());
    }
    if let Some(hash) = &hash {
        people::set_password(&mut tx, id, hash, true).await?;
        session::remove_all(&mut tx, id).await?;
    }
    let is_disabled = row.is_disabled && !matches!(wish, Wish::Create | Wish::Enable);
    let is_archive_wide = row.is_archive_wide || wish == Wish::ArchiveWide;
    people::set_rights(&mut tx, id, is_disabled, is_archive_wide).await?;
    decided(actor, access, &mut tx, (&row, wish), "person.grant").await?;
    access.catalog.commit(tx, "agree to what is asked for a person").await?;
    Ok((person::find(access, id).await?, one_time))
}

/// Refuses what is asked for a person, or takes it back.
pub async fn deny(actor: &Actor, access: &Access, id: UserId) -> Result<PersonRow, AccessError> {
    if actor.role != Role::Administrator {
        actor.require_legal()?;
    }
    let (_, wish) = asked(access, id).await?;
    let row = person::find(access, id).await?;
    let mut tx = access.catalog.write().await?;
    if !rows::remove(&mut tx, id, wish.as_str()).await? {
        return Err(Refused::Hidden("request").into());
    }
    decided(actor, access, &mut tx, (&row, wish), "person.deny").await?;
    access.catalog.commit(tx, "refuse what is asked for a person").await?;
    person::find(access, id).await
}

/// Whether what lets people of this role in takes somebody from legal as well.
pub(super) fn is_needed(actor: &Actor, role: Role) -> bool {
    role.reads_mail() && !actor.is_operator()
}

/// The rights in a change that the person has not yet.
pub(super) fn wishes(row: &PersonRow, change: Change) -> Vec<Wish> {
    let is_enabled = row.is_disabled && change.is_disabled == Some(false);
    let is_widened = !row.is_archive_wide && change.is_archive_wide == Some(true);
    let wishes = [(is_enabled, Wish::Enable), (is_widened, Wish::ArchiveWide)];
    wishes.into_iter().filter(|(is_wished, _)| *is_wished).map(|(_, wish)| wish).collect()
}

async fn asked(access: &Access, id: UserId) -> Result<(AskRow, Wish), AccessError> {
    let found = rows::list(&access.catalog).await?.into_iter().find(|ask| ask.user_id == id);
    let found = found.and_then(|ask| Wish::from_row(&ask.what).map(|wish| (ask, wish)));
    Ok(found.ok_or(Refused::Hidden("request"))?)
}

async fn ask(
    actor: &Actor,
    access: &Access,
    row: &PersonRow,
    wish: Wish,
) -> Result<(), AccessError> {
    let mut tx = access.catalog.write().await?;
    require_anyone(&mut tx, row.user_id).await?;
    ask_in(actor, access, &mut tx, (row.user_id, &row.name), wish).await?;
    Ok(access.catalog.commit(tx, "ask for a person").await?)
}

async fn ask_in(
    actor: &Actor,
    access: &Access,
    tx: &mut WriteTransaction,
    (id, name): (UserId, &str),
    wish: Wish,
) -> Result<(), AccessError> {
    let now = access.clock.now();
    if !rows::insert(tx, id, wish.as_str(), (now, actor.user_id)).await? {
        let text = "something is asked for this person already; somebody from legal decides first";
        return Err(Refused::Conflict(text.to_owned()).into());
    }
    let act = Act::new("person.ask", None, name.to_lowercase())
        .with(json!({ "person": id, "what": wish.as_str() }));
    record_in(tx, now, &actor.name, &act, Outcome::Done).await?;
    Ok(())
}

async fn decided(
    actor: &Actor,
    access: &Access,
    tx: &mut WriteTransaction,
    (row, wish): (&PersonRow, Wish),
    action: &'static str,
) -> Result<(), AccessError> {
    let act = Act::new(action, None, &row.name)
        .with(json!({ "person": row.user_id, "what": wish.as_str() }));
    record_in(tx, access.clock.now(), &actor.name, &act, Outcome::Done).await?;
    Ok(())
}

/// Somebody must be there who could agree, and nobody does for themselves.
async fn require_anyone(tx: &mut WriteTransaction, of: UserId) -> Result<(), AccessError> {
    if people::others_enabled(tx, of, Role::Legal.as_str()).await? > 0 {
        return Ok(());
    }
    let text = "nobody from legal is there to agree: on the server, `muniment user add NAME --role \
                legal` adds one, and `muniment user reset NAME` gives one another password";
    Err(Refused::Conflict(text.to_owned()).into())
}
