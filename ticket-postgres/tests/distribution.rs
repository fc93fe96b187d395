//! The printed statements that distribute the tables cover every table.

use ticket_postgres::{Distribution, PostgresConfig};

#[test]
fn every_table_is_distributed_or_is_a_reference_table() {
    let config = PostgresConfig::new(tokio_postgres::Config::new());
    let sql = config.distributed_schema_sql(Distribution::CitusByTicket);
    let tables = sql.matches("CREATE TABLE").count();
    let partitions = sql.matches("PARTITION OF").count() + sql.matches("ATTACH PARTITION").count();
    let distributed = sql.matches("create_distributed_table").count()
        + sql.matches("create_reference_table").count();
    assert_eq!(tables - partitions, distributed, "{sql}");
}
