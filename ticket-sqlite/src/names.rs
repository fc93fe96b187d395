//! The names of a store's tables.

/// Inserts the prefix of the tables into statements.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Returns the statement with the prefix in place of each `{p}`.
    pub(crate) fn sql(&self, template: &str) -> String {
        template.replace("{p}", &self.prefix)
    }
}
