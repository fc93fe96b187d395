//! The OpenAPI document.

use axum::response::Response;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaFormat, Type};
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
const FAILURES: [(&str, &str); 8] = [
    ("400", "A parameter or an id is wrong: the detail says what to write instead."),
    ("401", "The client has to say who it is."),
    ("403", "The client may not see or change this."),
    ("413", "The body is too large."),
    ("429", "Too many wrong secrets were sent."),
    ("500", "The store failed."),
    ("501", "The store cannot do this."),
    ("503", "The store does not answer in time."),
];

/// The failure of an address with an id.
const NOT_FOUND: (&str, &str) =
    ("404", "There is no such ticket or occurrence; it may have been deleted or merged.");

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let parameters = operation.parameters.iter_mut().flatten();
                parameters.for_each(|parameter| {
                    if let RefOr::T(parameter) = parameter {
                        describe(parameter);
                    }
                });
                add_failures(operation, path.contains('{'));
            }
        }
        let schemas = document.components.iter_mut().flat_map(|all| all.schemas.values_mut());
        for schema in schemas {
            if let RefOr::T(Schema::OneOf(kinds)) = schema {
                kinds.items.iter_mut().for_each(close);
            }
        }
    }
}

/// Says that one of several kinds of objects has no other fields, which the macro says of a single kind only.
fn close(kind: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = kind {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

/// Says what the ids in paths look like, and that no parameter is empty.
fn describe(parameter: &mut Parameter) {
    if parameter.parameter_in != ParameterIn::Path {
        if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
            let is_text = schema.schema_type == Type::String.into();
            schema.min_length = (is_text && schema.enum_values.is_none()).then_some(1);
        }
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
    for (status, description) in FAILURES.into_iter().chain(not_found) {
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
