//! Orders whose files are missing, and a supplier's list that arrives truncated.

use std::error::Error;
use std::fs;

use tracing::{error, info};

use crate::failure::Failure;

pub(crate) fn show(order: u32) -> Result<(), Failure> {
    let path = format!("orders/{order}.json");
    info!(path, "reading the order");
    let Err(error) = fs::read(&path) else { return Ok(()) };
    let failure = Failure::new(
        format!("cannot show order {order}"),
        Failure::new(format!("cannot read {path}"), error),
    );
    error!(error = &failure as &dyn Error, order, "{failure}");
    Err(failure)
}

pub(crate) fn import(order: u32) -> Result<(), Failure> {
    let list = format!(r#"{{"order": {order}, "items": ["lamp", "desk", "chair"]}}"#);
    // Truncate the list at a different position each time.
    let received = &list[..list.len() - 3 - order as usize % 7];
    info!(bytes = received.len(), "parsing the supplier's list");
    let parsed = serde_json::from_str::<serde_json::Value>(received);
    let Err(error) = parsed else { return Ok(()) };
    let failure = Failure::new("cannot import the supplier's list", error);
    error!(error = &failure as &dyn Error, order, "{failure}");
    Err(failure)
}
