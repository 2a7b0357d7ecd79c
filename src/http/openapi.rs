//! The routes of the API, and the document that describes them. The snapshot in
//! `web/openapi.json` is what the web app's client is made from.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, ResponseBuilder, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ErrorBody;
use super::{
    Context, audit, classes, custodians, dispositions, erasures, exports, facets, gaps, holds, log,
    matters, messages, near, passwords, people, report, retries, search, session, status, thread,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Muniment", description = "The API of a compliance archive for email."),
    servers((url = "/api/v1")),
    components(schemas(ErrorBody))
)]
struct Described;

/// Every route of the API, below `/api/v1`.
pub fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(describe))
        .routes(routes!(session::show, session::sign_in, session::sign_out))
        .routes(routes!(session::change_password))
        .routes(routes!(status::show))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::stamp))
        .routes(routes!(people::list, people::create))
        .routes(routes!(people::change))
        .routes(routes!(people::reset))
        .routes(routes!(people::grant))
        .routes(routes!(people::deny))
        .routes(routes!(matters::list, matters::create))
        .routes(routes!(matters::show, matters::change))
        .routes(routes!(custodians::list, custodians::add))
        .routes(routes!(custodians::change, custodians::remove))
        .routes(routes!(classes::list))
        .routes(routes!(classes::test))
        .routes(routes!(passwords::list, passwords::add))
        .routes(routes!(passwords::remove))
        .routes(routes!(dispositions::epochs))
        .routes(routes!(dispositions::list, dispositions::propose))
        .routes(routes!(dispositions::show))
        .routes(routes!(dispositions::approve))
        .routes(routes!(dispositions::refuse))
        .routes(routes!(dispositions::resume))
        .routes(routes!(dispositions::certificate))
        .routes(routes!(erasures::list, erasures::propose))
        .routes(routes!(erasures::show))
        .routes(routes!(erasures::approve))
        .routes(routes!(erasures::refuse))
        .routes(routes!(erasures::resume))
        .routes(routes!(erasures::certificate))
        .routes(routes!(holds::list, holds::place))
        .routes(routes!(holds::preview))
        .routes(routes!(holds::show))
        .routes(routes!(holds::items))
        .routes(routes!(holds::release))
        .routes(routes!(search::run))
        .routes(routes!(search::complete))
        .routes(routes!(facets::count))
        .routes(routes!(report::count_terms))
        .routes(routes!(report::download_terms))
        .routes(routes!(messages::show))
        .routes(routes!(messages::html))
        .routes(routes!(messages::source))
        .routes(routes!(messages::download))
        .routes(routes!(messages::delivery))
        .routes(routes!(messages::attachment))
        .routes(routes!(messages::proof))
        .routes(routes!(thread::show))
        .routes(routes!(near::show))
        .routes(routes!(exports::ask, exports::list))
        .routes(routes!(exports::show))
        .routes(routes!(exports::cancel))
        .routes(routes!(exports::download))
        .routes(routes!(gaps::list))
        .routes(routes!(retries::download))
        .routes(routes!(retries::ask, retries::list))
        .routes(routes!(retries::cancel))
        .routes(routes!(audit::list))
}

/// The document: what the routes say of themselves, and what holds for all.
pub fn document() -> Document {
    let mut document = router().into_openapi();
    if let Some(components) = &mut document.components {
        for (name, schema) in &mut components.schemas {
            // Answers have all their fields, null or not; requests may leave out.
            if let RefOr::T(Schema::Object(object)) = schema
                && !name.ends_with("Request")
            {
                object.required = object.properties.keys().cloned().collect();
            }
        }
    }
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete, &mut item.put];
        for operation in operations.into_iter().flatten() {
            describe_operation(operation);
        }
    }
    document
}

fn describe_operation(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
    if let Some(name) = &mut operation.operation_id {
        *name = format!("{tag}_{name}");
    }
    let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    let refused = ResponseBuilder::new()
        .description("What went wrong, to what, and what to do.")
        .content("application/json", body)
        .build();
    for codes in ["4XX", "5XX"] {
        operation.responses.responses.insert(codes.to_owned(), RefOr::T(refused.clone()));
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "openapi",
    responses((status = 200, content_type = "application/json")))]
async fn describe() -> Json<Document> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set to make the snapshot again instead of comparing with it.
    const REFRESH: &str = "MUNIMENT_REFRESH_OPENAPI";

    #[test]
    fn operations_have_names_of_their_own() {
        let document = document();
        let mut names: Vec<_> = document
            .paths
            .paths
            .values()
            .flat_map(|item| [&item.get, &item.post, &item.patch, &item.delete])
            .flatten()
            .filter_map(|operation| operation.operation_id.clone())
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn the_snapshot_is_the_document() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/web/openapi.json");
        let now = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os(REFRESH).is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == now,
            "web/openapi.json is not what the routes say; run \
             `{REFRESH}=1 cargo nextest run the_snapshot_is_the_document`, then make the web \
             client again"
        );
    }
}
