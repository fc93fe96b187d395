//! The names of a store's tables.

/// Inserts the schema and the prefix of the tables into statements.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    schema: String,
    prefix: String,
}

impl Names {
    pub(crate) fn new(schema: &str, prefix: &str) -> Self {
        Self { schema: schema.to_owned(), prefix: prefix.to_owned() }
    }

    /// Returns the statement with the quoted schema in place of each `{s}`, and the prefix in place of each `{p}`.
    ///
    /// Neither can break out of a statement: [`PostgresConfig`](crate::PostgresConfig) accepts letters, digits and `_`
    /// alone.
    pub(crate) fn sql(&self, template: &str) -> String {
        template.replace("{s}", &format!("\"{}\"", self.schema)).replace("{p}", &self.prefix)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns the name that this store's advisory locks are derived from.
    pub(crate) fn store(&self) -> String {
        format!("ticketing {} {}", self.schema, self.prefix)
    }
}
