//! The conformance suite on the reference backend.

use std::process::ExitCode;

use ticket_conformance::{Case, Fixture, Suite};
use ticket_core::Capability;
use ticket_memory::MemoryBackend;

fn main() -> ExitCode {
    Suite::new("memory", |_: Case| async { Ok(Fixture::new(MemoryBackend::new())) })
        .without(Capability::SharedStorage, "its data is in one process's memory")
        .without(Capability::SchemaVersions, "it has no schema")
        .without(Capability::ApplicationTransactions, "there is no database around it")
        .main()
}
