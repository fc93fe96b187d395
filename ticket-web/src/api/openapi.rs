//! The OpenAPI document.

use axum::response::Response;
use utoipa::OpenApi;
use utoipa::openapi::Server;

use super::{answer, events, tickets};
use crate::visit::Visit;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Error tickets",
        description = "Tickets, their occurrences and events. Lists are paged by cursors. A request that cannot be \
                       answered gets an `application/problem+json` that says what to write instead."
    ),
    paths(
        tickets::list,
        tickets::count,
        tickets::get,
        tickets::delete,
        tickets::set_status,
        tickets::note,
        tickets::merge,
        tickets::unmerge,
        tickets::history,
        tickets::occurrences,
        tickets::occurrence,
        tickets::counts,
        tickets::applications,
        tickets::releases,
        events::list,
        events::types,
        events::traits,
        events::values,
        events::counts,
        crate::pages::health::json,
        get
    )
)]
struct Document;

/// Returns the document, without the address of the server.
fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Returns this document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)))]
pub(crate) async fn get(visit: Visit) -> Response {
    let mut document = document();
    document.servers = Some(vec![Server::new(visit.link("/api/v1"))]);
    answer(&document)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes;

    #[test]
    fn the_document_describes_every_route_of_the_api_and_no_other() {
        let document = serde_json::to_value(document()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let routes = routes::all();
        let routes = routes.iter().filter_map(|route| {
            let path = route.path.strip_prefix("/api/v1")?;
            Some(format!("{} {path}", route.method))
        });
        assert_eq!(described, routes.collect());
    }
}
