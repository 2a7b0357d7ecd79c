//! `/people`: who can sign in, and with which rights.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body};
use crate::access::Role;
use crate::access::person::{self, Change, New};
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
pub struct Created {
    person: Person,
    /// Shown this once.
    one_time_password: String,
}

#[derive(Serialize, ToSchema)]
pub struct Reset {
    /// Shown this once.
    one_time_password: String,
}

fn person(row: PersonRow) -> Result<Person, ApiError> {
    Ok(Person {
        id: row.user_id.0,
        name: row.name,
        display_name: row.display_name,
        role: Role::from_row(&row.role)?.into(),
        is_archive_wide: row.is_archive_wide,
        must_change: row.must_change,
        is_disabled: row.is_disabled,
        created_at: row.created_at.to_string(),
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
    let people = rows.into_iter().map(person).collect::<Result<_, _>>()?;
    Ok(Json(People { people }))
}

/// Add a person.
#[utoipa::path(post, path = "/people", tag = "people", request_body = NewPersonRequest,
    responses((status = 200, body = Created)))]
pub async fn create(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<NewPersonRequest>,
) -> Result<Json<Created>, ApiError> {
    let new = New {
        name: body.name,
        display_name: body.display_name,
        role: body.role.into(),
        is_archive_wide: body.is_archive_wide,
    };
    let (row, one_time_password) = person::create(&actor, &context.access, new).await?;
    Ok(Json(Created { person: person(row)?, one_time_password }))
}

/// Change a person's rights.
#[utoipa::path(patch, path = "/people/{id}", tag = "people", params(("id" = i64, Path)),
    request_body = PersonRequest, responses((status = 200, body = Person)))]
pub async fn change(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<PersonRequest>,
) -> Result<Json<Person>, ApiError> {
    let change = Change { is_disabled: body.is_disabled, is_archive_wide: body.is_archive_wide };
    let row = person::change(&actor, &context.access, UserId(id), change).await?;
    Ok(Json(person(row)?))
}

/// Give a person a new one-time password.
#[utoipa::path(post, path = "/people/{id}/reset", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = Reset)))]
pub async fn reset(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Reset>, ApiError> {
    let one_time_password = person::reset(&actor, &context.access, UserId(id)).await?;
    Ok(Json(Reset { one_time_password }))
}
