//! `/session`: signing in and out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::{self, AnySession};
use super::input::{Body, Peer};
use super::people::RoleName;
use crate::access::session::{Session, SignedIn};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    name: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    current: String,
    new: String,
}

/// The person who is signed in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    name: String,
    display_name: String,
    role: RoleName,
    is_archive_wide: bool,
    /// Signed in with a one-time password: nothing else works until it is changed.
    must_change: bool,
    /// To be sent as `x-muniment-csrf` with everything but GET.
    csrf: String,
}

fn me(session: Session) -> Me {
    Me {
        name: session.actor.name,
        display_name: session.display_name,
        role: session.actor.role.into(),
        is_archive_wide: session.actor.is_archive_wide,
        must_change: session.must_change,
        csrf: session.csrf,
    }
}

fn begun(context: &Context, signed_in: SignedIn) -> Result<Response, ApiError> {
    let cookie = guard::cookie(Some(&signed_in.token), context.config.http.secure_cookies)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(me(signed_in.session))).into_response())
}

/// Sign in.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignInRequest,
    responses((status = 200, body = Me)))]
pub async fn sign_in(
    State(context): State<Context>,
    Peer(peer): Peer,
    headers: HeaderMap,
    Body(body): Body<SignInRequest>,
) -> Result<Response, ApiError> {
    guard::require_same_site(&headers)?;
    let signed_in = context.access.sign_in(&body.name, &body.password, peer).await?;
    begun(&context, signed_in)
}

/// Who is signed in; null if nobody is.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, body = Option<Me>)))]
pub async fn show(session: Result<AnySession, ApiError>) -> Result<Json<Option<Me>>, ApiError> {
    match session {
        Ok(AnySession(session)) => Ok(Json(Some(me(session)))),
        Err(error) if error.is_not_signed_in() => Ok(Json(None)),
        Err(error) => Err(error),
    }
}

/// Sign out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
pub async fn sign_out(
    State(context): State<Context>,
    AnySession(session): AnySession,
) -> Result<Response, ApiError> {
    context.access.sign_out(&session).await?;
    let cookie = guard::cookie(None, context.config.http.secure_cookies)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Choose a new password. Every other session of the person ends; the answer
/// begins a new one, with a new csrf.
#[utoipa::path(post, path = "/session/password", tag = "session",
    request_body = PasswordRequest, responses((status = 200, body = Me)))]
pub async fn change_password(
    State(context): State<Context>,
    AnySession(session): AnySession,
    Peer(peer): Peer,
    Body(body): Body<PasswordRequest>,
) -> Result<Response, ApiError> {
    let signed_in =
        context.access.change_password(&session, &body.current, &body.new, peer).await?;
    begun(&context, signed_in)
}
