//! `/people`: who can sign in, and with which rights.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body};
use crate::access::person::{self, Change, New};
use crate::access::{Actor, Role, second};
use crate::base::ids::UserId;
use crate::catalog::person::PersonRow;

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
pub enum RoleName {
    Administrator,
    Legal,
    Reviewer,
    Records,
    Auditor,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Administrator => Self::Administrator,
            Role::Legal => Self::Legal,
            Role::Reviewer => Self::Reviewer,
            Role::Records => Self::Records,
            Role::Auditor => Self::Auditor,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Administrator => Self::Administrator,
            RoleName::Legal => Self::Legal,
            RoleName::Reviewer => Self::Reviewer,
            RoleName::Records => Self::Records,
            RoleName::Auditor => Self::Auditor,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Person {
    id: i64,
    name: String,
    display_name: String,
    role: RoleName,
    is_archive_wide: bool,
    /// Has not signed in with a password of their own yet.
    must_change: bool,
    is_disabled: bool,
    created_at: String,
    /// What waits for somebody from legal to agree.
    asked: Option<Asked>,
}

#[derive(Clone, Serialize, ToSchema)]
pub struct Asked {
    what: Wish,
    by: String,
    at: String,
}

/// `create` and `enable`: that they can sign in; `archive-wide`: that right; `reset`:
/// another password.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    Create,
    Enable,
    ArchiveWide,
    Reset,
}

#[derive(Serialize, ToSchema)]
pub struct People {
    people: Vec<Person>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPersonRequest {
    name: String,
    display_name: String,
    role: RoleName,
    #[serde(default)]
    is_archive_wide: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    is_disabled: Option<bool>,
    is_archive_wide: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct WithPassword {
    person: Person,
    /// Shown this once; none where somebody from legal has to agree first, or where no
    /// other password comes of it.
    one_time_password: Option<String>,
}

type Asks = HashMap<UserId, Asked>;

async fn asks(context: &Context, actor: &Actor) -> Result<Asks, ApiError> {
    let found = second::list(actor, &context.access).await?.into_iter().filter_map(|ask| {
        let what = match second::Wish::from_row(&ask.what)? {
            second::Wish::Create => Wish::Create,
            second::Wish::Enable => Wish::Enable,
            second::Wish::ArchiveWide => Wish::ArchiveWide,
            second::Wish::Reset => Wish::Reset,
        };
        let at = ask.asked_at.to_string();
        Some((ask.user_id, Asked { what, by: ask.asked_by_name, at }))
    });
    Ok(found.collect())
}

async fn shown(context: &Context, actor: &Actor, row: PersonRow) -> Result<Person, ApiError> {
    person(row, &asks(context, actor).await?)
}

fn person(row: PersonRow, asks: &Asks) -> Result<Person, ApiError> {
    Ok(Person {
        id: row.user_id.0,
        name: row.name,
        display_name: row.display_name,
        role: Role::from_row(&row.role)?.into(),
        is_archive_wide: row.is_archive_wide,
        must_change: row.must_change,
        is_disabled: row.is_disabled,
        created_at: row.created_at.to_string(),
        asked: asks.get(&row.user_id).cloned(),
    })
}

/// Everyone, to an administrator or an auditor; those who could be members of a matter,
/// to legal staff.
#[utoipa::path(get, path = "/people", tag = "people", responses((status = 200, body = People)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<People>, ApiError> {
    let rows = person::list(&actor, &context.access).await?;
    let asks = asks(&context, &actor).await?;
    let people = rows.into_iter().map(|row| person(row, &asks)).collect::<Result<_, _>>()?;
    Ok(Json(People { people }))
}

/// Add a person. One who reads mail can sign in when somebody from legal has agreed.
#[utoipa::path(post, path = "/people", tag = "people", request_body = NewPersonRequest,
    responses((status = 200, body = WithPassword)))]
pub async fn create(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<NewPersonRequest>,
) -> Result<Json<WithPassword>, ApiError> {
    let new = New {
        name: body.name,
        display_name: body.display_name,
        role: body.role.into(),
        is_archive_wide: body.is_archive_wide,
    };
    let (row, one_time_password) = second::create(&actor, &context.access, new).await?;
    Ok(Json(WithPassword { person: shown(&context, &actor, row).await?, one_time_password }))
}

/// Change a person's rights. What lets somebody read mail is so when somebody from legal
/// has agreed.
#[utoipa::path(patch, path = "/people/{id}", tag = "people", params(("id" = i64, Path)),
    request_body = PersonRequest, responses((status = 200, body = Person)))]
pub async fn change(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<PersonRequest>,
) -> Result<Json<Person>, ApiError> {
    let change = Change { is_disabled: body.is_disabled, is_archive_wide: body.is_archive_wide };
    let row = second::change(&actor, &context.access, UserId(id), change).await?;
    Ok(Json(shown(&context, &actor, row).await?))
}

/// Give a person a new one-time password; of one who reads mail, when somebody from legal
/// has agreed.
#[utoipa::path(post, path = "/people/{id}/reset", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = WithPassword)))]
pub async fn reset(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<WithPassword>, ApiError> {
    let (row, one_time_password) = second::reset(&actor, &context.access, UserId(id)).await?;
    Ok(Json(WithPassword { person: shown(&context, &actor, row).await?, one_time_password }))
}

/// Agree to what is asked for a person, as somebody from legal.
#[utoipa::path(post, path = "/people/{id}/grant", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = WithPassword)))]
pub async fn grant(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<WithPassword>, ApiError> {
    let (row, one_time_password) = second::grant(&actor, &context.access, UserId(id)).await?;
    Ok(Json(WithPassword { person: shown(&context, &actor, row).await?, one_time_password }))
}

/// Refuse what is asked for a person, or take it back.
#[utoipa::path(post, path = "/people/{id}/deny", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = Person)))]
pub async fn deny(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Person>, ApiError> {
    let row = second::deny(&actor, &context.access, UserId(id)).await?;
    Ok(Json(shown(&context, &actor, row).await?))
}
