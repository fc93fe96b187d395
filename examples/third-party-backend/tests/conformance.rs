//! Runs the conformance suite on redb files.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use redb::{ConcurrencyMode, Database, TableDefinition};
use ticket_conformance::{BoxError, Case, Fixture, Outage, Schema, Suite};
use ticket_core::Capability;
use ticket_core::backend::async_trait;
use ticket_redb::RedbBackend;

const META: TableDefinition<'_, &str, i64> = TableDefinition::new("meta");

type Id = &'static [u8; 16];
type Event = (Option<&'static str>, i64, Id, Id);
const EVENTS: TableDefinition<'_, Event, ()> = TableDefinition::new("events");

/// Changes the tables of a file as programs of other versions would.
struct Versions(PathBuf);

impl Versions {
    fn set(&self, version: i64) -> Result<(), BoxError> {
        let mut builder = Database::builder();
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
        let transaction = builder.open(&self.0)?.begin_write()?;
        if version == 1 {
            transaction
                .open_table(EVENTS)?
                .retain(|(external_id, ..), ()| external_id.is_none())?;
        }
        transaction.open_table(META)?.insert("version", version)?;
        Ok(transaction.commit()?)
    }
}

#[async_trait]
impl Schema for Versions {
    async fn make_older(&mut self) -> Result<(), BoxError> {
        self.set(1)
    }

    async fn make_newer(&mut self) -> Result<(), BoxError> {
        self.set(3)
    }

    async fn undo_newer(&mut self) -> Result<(), BoxError> {
        self.set(2)
    }
}

/// Another program that does not finish what it writes.
struct OtherWriter(PathBuf, Option<File>);

#[async_trait]
impl Outage for OtherWriter {
    async fn begin(&mut self) -> Result<(), BoxError> {
        let file = File::create(&self.0)?;
        file.lock()?;
        self.1 = Some(file);
        Ok(())
    }

    async fn end(&mut self) -> Result<(), BoxError> {
        self.1 = None;
        Ok(())
    }
}

fn main() -> ExitCode {
    Suite::new("redb", |case: Case| async move {
        let path = case.directory().join(case.namespace());
        // Long, because many cases run on a machine that may be busy.
        let options = format!("timeout=10s&autocreate={}", case.autocreate());
        let store = RedbBackend::from_uri(&format!("redb:{}?{options}", path.display()))?;
        let lock = case.directory().join(format!("{}-lock", case.namespace()));
        Ok(Fixture::new(store)
            .with_outage(OtherWriter(lock, None), Duration::from_secs(30))
            .with_schema(Versions(path)))
    })
    .without(Capability::ApplicationTransactions, "a redb file has one writer at a time")
    .without(Capability::ProcessReports, "this example keeps no reports")
    .main()
}
