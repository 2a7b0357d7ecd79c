//! Errors as the API tells them. The status is chosen here and nowhere else; a
//! thing that is hidden from the reader is a 404.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{AccessError, Refused};
use crate::base::chain::chain;
use crate::catalog::CatalogError;
use crate::export::ExportError;
use crate::hold::HoldError;
use crate::index::IndexError;
use crate::ingest::log::LogError;
use crate::matter::MatterError;
use crate::retention::RetentionError;
use crate::review::ReviewError;
use crate::search::SearchError;

/// What every answer but a good one has as its body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorInfo,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorInfo {
    /// For programs: `not_signed_in`, `invalid`, `query`, …
    pub code: String,
    /// For people: what happened, to what, and what to do.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// For a query: the whole of it as it would be understood, where that is one act away.
    pub rewrite: Option<String>,
    /// For a query: where in it, in UTF-16 code units.
    pub span: Option<[usize; 2]>,
}

#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    info: Box<ErrorInfo>,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        let info = Box::new(ErrorInfo { code, message, hint: None, rewrite: None, span: None });
        Self { status, info, retry_after_seconds: None }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this route has no such method",
        )
    }

    pub fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_signed_in", "sign in first")
    }

    /// What it tells, to stand beside what went well.
    pub fn into_info(self) -> ErrorInfo {
        *self.info
    }

    pub fn is_not_signed_in(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub fn must_change() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "must_change",
            "this password was for one sign-in: choose your own first",
        )
    }

    pub fn forged() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "the request lacks this session's x-muniment-csrf; load the page again",
        )
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// A fault of ours: told to the log with its chain, to the reader without.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = chain(error);
        tracing::error!(error = chain, "request failed: {chain}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the archive could not do this; nothing was changed. Its log says why",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody { error: *self.info })).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", message),
            Refused::Hidden(_) => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            Refused::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", message),
            Refused::Invalid(_) => Self::invalid(message),
        }
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        let mut answer = Self::internal(&error);
        if error.is_disk_full() {
            answer.status = StatusCode::SERVICE_UNAVAILABLE;
            answer.info.code = "disk_full".to_owned();
            answer.info.message =
                "the server's disk is full; nothing was changed. Its administrator must make room"
                    .to_owned();
        }
        answer
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::SignedOut => Self::not_signed_in(),
            AccessError::WrongCredentials => {
                Self::new(StatusCode::UNAUTHORIZED, "wrong_credentials", error.to_string())
            }
            AccessError::Throttled { seconds } => {
                let mut answer =
                    Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", error.to_string());
                answer.retry_after_seconds = Some(seconds);
                answer
            }
            AccessError::Refused(refused) => refused.into(),
            AccessError::Catalog(error) => error.into(),
            AccessError::Password(_) => Self::internal(&error),
        }
    }
}

impl From<MatterError> for ApiError {
    fn from(error: MatterError) -> Self {
        match error {
            MatterError::Refused(refused) => refused.into(),
            MatterError::Catalog(error) => error.into(),
        }
    }
}

impl From<RetentionError> for ApiError {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::Refused(refused) => refused.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        Self::internal(&error)
    }
}

impl From<HoldError> for ApiError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Refused(refused) => refused.into(),
            HoldError::Catalog(error) => error.into(),
        }
    }
}

impl ApiError {
    /// What a search over `text` failed with.
    pub fn of_search(error: SearchError, text: &str) -> Self {
        match error {
            SearchError::Query(error) => {
                let mut answer =
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, "query", error.message.clone());
                let (start, end) = error.span.utf16_in(text);
                answer.info.span = Some([start, end]);
                answer.info.hint = error.hint;
                answer.info.rewrite = error.rewrite;
                answer
            }
            // The engine will not answer it in part.
            SearchError::Index(IndexError::Refused { message, hint }) => {
                let mut answer = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "query", message);
                answer.info.hint = Some(hint);
                answer
            }
            SearchError::Matter(error) => error.into(),
            SearchError::Catalog(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Refused(refused) => refused.into(),
            ExportError::Catalog(error) => error.into(),
            ExportError::Search(error) => Self::of_search(error, ""),
            error => Self::internal(&error),
        }
    }
}

impl From<ReviewError> for ApiError {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::Refused(refused) => refused.into(),
            ReviewError::Catalog(error) => error.into(),
            error if error.is_damage() => {
                let mut answer = Self::internal(&error);
                answer.info.code = "damaged".to_owned();
                answer.info.message =
                    "the sealed record of this message is damaged or gone; keep the \
                                       bucket as it is and tell the administrator"
                        .to_owned();
                answer
            }
            error => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_the_index_refuses_is_not_a_fault_of_ours() {
        let refused =
            IndexError::Refused { message: "too many words".into(), hint: "write more".into() };
        let error = ApiError::of_search(refused.into(), "a*");
        assert_eq!(error.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(error.info.hint.as_deref(), Some("write more"));
    }
}
