//! The OpenAPI document.

use axum::response::Response;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Server};
use utoipa::{Modify, OpenApi};

use super::{answer, check_names, events, tickets};
use crate::failure::Failure;
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
        tickets::traits,
        tickets::applications,
        tickets::releases,
        events::list,
        events::types,
        events::traits,
        events::values,
        events::counts,
        crate::pages::health::json,
        get
    ),
    components(schemas(crate::problem::Problem)),
    modifiers(&Common)
)]
struct Document;

/// Adds what all addresses have in common.
struct Common;

/// The failures of every address.
const FAILURES: [(&str, &str); 7] = [
    ("400", "A parameter or an id is wrong: the detail says what to write instead."),
    ("401", "The client has to say who it is."),
    ("403", "The client may not see or change this."),
    ("429", "Too many wrong secrets were sent."),
    ("500", "The store failed."),
    ("501", "The store cannot do this."),
    ("503", "The store does not answer in time."),
];

/// The failure of an address with an id.
const NOT_FOUND: (&str, &str) =
    ("404", "There is no such ticket or occurrence; it may have been deleted or merged.");

/// The failure of an address that reads a body.
const TOO_LARGE: (&str, &str) = ("413", "The body is too large.");

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let parameters = operation.parameters.iter_mut().flatten();
                parameters.for_each(|parameter| {
                    if let RefOr::T(parameter) = parameter {
                        describe_id(parameter);
                    }
                });
                add_failures(operation, path.contains('{'));
            }
        }
    }
}

/// Says what the ids in paths look like.
fn describe_id(parameter: &mut Parameter) {
    if parameter.parameter_in != ParameterIn::Path {
        return;
    }
    let text = ObjectBuilder::new().schema_type(Type::String);
    let text = if parameter.name == "occurrence" {
        text.format(Some(SchemaFormat::Custom("uuid".to_owned())))
    } else {
        text.pattern(Some("^[0-9a-fA-F]{32}$"))
    };
    parameter.schema = Some(text.build().into());
}

fn add_failures(operation: &mut Operation, has_id: bool) {
    let not_found = has_id.then_some(NOT_FOUND);
    let too_large = operation.request_body.as_ref().map(|_| TOO_LARGE);
    for (status, description) in FAILURES.into_iter().chain(not_found).chain(too_large) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", content)
            .build();
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    }
}

/// Returns the document, without the address of the server.
fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Returns this document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)))]
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    check_names(&visit.params, &[])?;
    let mut document = document();
    document.servers = Some(vec![Server::new(visit.link("/api/v1"))]);
    Ok(answer(&document))
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
