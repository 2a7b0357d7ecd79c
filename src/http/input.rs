//! Reading requests: bodies, parameters and paths whose refusals are told as
//! every other error of the API.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, JsonRejection};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Context;
use super::error::ApiError;
use super::misread;
use crate::base::limits;
use crate::base::number::grouped;

/// A JSON body. Its content type must say so, which a form of another site
/// cannot make a browser do.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Context> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Context) -> Result<Self, ApiError> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(refused) => Err(body_refused(&refused)),
        }
    }
}

fn body_refused(refused: &JsonRejection) -> ApiError {
    match refused {
        JsonRejection::MissingJsonContentType(_) => {
            ApiError::invalid("the body must be JSON, and content-type: application/json say so")
        }
        JsonRejection::JsonSyntaxError(error) => {
            ApiError::invalid(misread::syntax(&error.body_text()))
        }
        JsonRejection::JsonDataError(error) => {
            ApiError::invalid(misread::fields(&error.body_text()))
        }
        JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(
            FailedToBufferBody::LengthLimitError(_),
        )) => ApiError::too_large(format!(
            "the body is longer than {} bytes, the most that is read",
            grouped(limits::HTTP_BODY_BYTES_MAX as u64)
        )),
        _ => ApiError::invalid("the body did not arrive whole; send it again"),
    }
}

/// How many rows a page is to have.
pub fn rows(asked: Option<usize>, usual: usize) -> Result<usize, ApiError> {
    match asked.unwrap_or(usual) {
        rows @ 1..=limits::PAGE_ROWS_MAX => Ok(rows),
        _ => Err(ApiError::invalid(format!("limit: write 1 to {}", limits::PAGE_ROWS_MAX))),
    }
}

/// Parameters after the question mark.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Context> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Context) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(error) => Err(ApiError::invalid(misread::fields(&error.body_text()))),
        }
    }
}

/// The ids in the path; what is no id is no such thing.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Context> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Context) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(ids)) => Ok(Self(ids)),
            Err(_) => Err(ApiError::not_found("thing")),
        }
    }
}

/// The address of the browser: the connection's, or, where that is a configured
/// proxy's, the last one in X-Forwarded-For that is not.
pub struct Peer(pub IpAddr);

impl FromRequestParts<Context> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Context) -> Result<Self, ApiError> {
        let connected = ConnectInfo::<SocketAddr>::from_request_parts(parts, state)
            .await
            .map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(address)| address.ip());
        let is_proxy = |address: &IpAddr| {
            state.config.http.proxies.iter().any(|network| network.contains(address))
        };
        if !is_proxy(&connected) {
            return Ok(Self(connected));
        }
        let forwarded = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|text| text.trim().parse().ok())
            .collect::<Vec<IpAddr>>();
        let origin = forwarded.into_iter().rev().find(|address| !is_proxy(address));
        Ok(Self(origin.unwrap_or(connected)))
    }
}
