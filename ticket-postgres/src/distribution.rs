//! The statements that distribute the tables over several servers.

use crate::config::PostgresConfig;
use crate::names::Names;
use crate::schema::{DATA_TABLES, OTHER_TABLES};

/// The ways in which
/// [`PostgresConfig::distributed_schema_sql`](crate::PostgresConfig::distributed_schema_sql)
/// distributes the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distribution {
    /// Citus, with the rows of all tables distributed by ticket id, so that one server has all rows
    /// of a ticket. Recording locks tickets of several servers in one statement, which Citus does
    /// not support: this is for moving data and for reading it by ticket.
    CitusByTicket,
    /// Citus 12 or newer, with each schema on one server. Give each application a schema of its
    /// own; Citus does not distribute `public`. No statement needs rows of two servers.
    CitusBySchema,
}

impl Distribution {
    /// Returns the statements that follow those of the schema.
    pub(crate) fn to_sql(self, names: &Names) -> String {
        match self {
            Self::CitusByTicket => by_ticket(names),
            Self::CitusBySchema if names.schema() == PostgresConfig::DEFAULT_SCHEMA => {
                "\n-- Citus does not distribute `public`: print this once more with ?schema=NAME in the URI.\n"
                    .to_owned()
            }
            Self::CitusBySchema => names.sql(
                "\n-- The whole schema lives on one server.\n\
                 SELECT citus_schema_distribute('{s}');\n",
            ),
        }
    }
}

fn by_ticket(names: &Names) -> String {
    let mut sql = String::from(
        "\n-- Rows are stored with their ticket; partitions follow their table.\n\
         -- Recording does not work on tables that are distributed this way: see docs/operations.md.\n",
    );
    for table in DATA_TABLES {
        let (column, colocation) = match table {
            "tickets" => ("id", String::new()),
            // These are sums over many tickets, so they are distributed by application.
            "app_counts" => ("app_id", ", colocate_with => 'none'".to_owned()),
            _ => ("ticket_id", names.sql(", colocate_with => '{s}.\"{p}tickets\"'")),
        };
        sql.push_str(&names.sql(&format!(
            "SELECT create_distributed_table('{{s}}.\"{{p}}{table}\"', '{column}'{colocation});\n"
        )));
    }
    sql.push_str(
        "-- Each server has its own copy of the read positions, the reports, the leases and the versions.\n",
    );
    for table in OTHER_TABLES {
        sql.push_str(
            &names.sql(&format!("SELECT create_reference_table('{{s}}.\"{{p}}{table}\"');\n")),
        );
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_distributed_by_its_ticket() {
        let sql = Distribution::CitusByTicket.to_sql(&Names::new("public", "t_"));
        assert!(
            sql.contains(r#"create_distributed_table('"public"."t_tickets"', 'id');"#),
            "{sql}"
        );
        let sums = r#"('"public"."t_app_counts"', 'app_id', colocate_with => 'none');"#;
        assert!(sql.contains(sums), "{sql}");
        let others = |table: &&&str| !["tickets", "app_counts"].contains(table);
        for table in DATA_TABLES.iter().filter(others) {
            let call = format!(r#"('"public"."t_{table}"', 'ticket_id', colocate_with => "#);
            assert!(sql.contains(&call), "{sql}");
        }
        assert_eq!(sql.matches("create_distributed_table").count(), DATA_TABLES.len());
    }

    #[test]
    fn a_schema_is_distributed_as_a_whole_and_public_is_not() {
        let sql = |schema| Distribution::CitusBySchema.to_sql(&Names::new(schema, "t_"));
        assert!(sql("shop").contains(r#"SELECT citus_schema_distribute('"shop"');"#));
        assert!(sql("public").lines().all(|line| line.is_empty() || line.starts_with("--")));
    }

    #[test]
    fn unique_keys_begin_with_what_rows_are_distributed_by() {
        let schema = crate::schema::to_sql(&Names::new("public", "t_"));
        let keys: Vec<&str> = schema.lines().filter(|line| line.contains("PRIMARY KEY")).collect();
        let by_ticket = |line: &&&str| {
            let line = line.trim();
            line.starts_with("id uuid PRIMARY KEY") || line.starts_with("PRIMARY KEY (ticket_id, ")
        };
        // The remaining keys are the version's number, the lease's name, the source that was read and the
        // process that reports, in tables that every server has, and the sums of an application.
        assert_eq!(keys.iter().filter(by_ticket).count(), keys.len() - 5, "{keys:?}");
        assert_eq!(keys.len(), 10);
        assert!(!schema.contains("UNIQUE"));
    }
}
