//! A search whose page number in the address is not a number.

use std::error::Error;

use tracing::error;

use crate::failure::Failure;

pub(crate) fn page(order: u32) -> Result<u32, Failure> {
    let page = format!("{order}x");
    page.parse().map_err(|error| {
        let failure = Failure::new(format!("no such page: {page:?}"), error);
        error!(error = &failure as &dyn Error, page, "{failure}");
        failure
    })
}
