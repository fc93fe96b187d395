//! The names of a store's collections.

/// Adds the prefix to the names of collections.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(crate) fn of(&self, collection: &str) -> String {
        format!("{}{collection}", self.prefix)
    }
}
