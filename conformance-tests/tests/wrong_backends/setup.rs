//! Faults in setup, errors, capabilities and transactions: rules 24 to 27.

use futures::FutureExt;
use ticket_core::{Capabilities, Capability, Error, ErrorKind, EventStore, Result};

use crate::database::{OLDER, VERSION};
use crate::wrong::{CORRECT, Hooks, Wrong};
use crate::{Mutant, SECRET};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 24. Setup
    Mutant {
        fault: "starts from scratch at each setup",
        found_by: &["rule_24_setting_up_again_is_harmless"],
        hooks: Hooks {
            setup: |it| {
                forget(it)?;
                it.storage.set_up()
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "creates a schema without a lock",
        found_by: &[
            "rule_24_eight_tasks_set_up_one_handle_at_once",
            "rule_24_eight_handles_set_up_an_empty_store_at_once",
            "rule_24_eight_processes_set_up_an_empty_store_at_once",
        ],
        hooks: Hooks {
            setup: |it| match it.storage.version() {
                None => it.storage.change_version_without_lock(),
                Some(_) => it.storage.set_up(),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "gives each handle a store of its own",
        found_by: &["rule_24_records_outlive_the_handle"],
        hooks: Hooks { one_for_each_handle: true, ..CORRECT },
    },
    Mutant {
        fault: "migrates by starting from scratch",
        found_by: &["rule_24_an_older_schema_is_migrated_and_keeps_its_data"],
        hooks: Hooks {
            setup: |it| {
                if it.storage.version() == Some(OLDER) {
                    forget(it)?;
                }
                it.storage.set_up()
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "migrates without a lock",
        found_by: &[
            "rule_24_eight_handles_migrate_an_older_schema_at_once",
            "rule_24_eight_processes_migrate_an_older_schema_at_once",
        ],
        hooks: Hooks {
            setup: |it| match it.storage.version() {
                Some(OLDER) => it.storage.change_version_without_lock(),
                _ => it.storage.set_up(),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "accepts a newer schema",
        found_by: &["rule_24_a_newer_schema_is_rejected_and_stays_untouched"],
        hooks: Hooks {
            setup: |it| match it.storage.version() {
                Some(newer) if newer > VERSION => Ok(()),
                _ => it.storage.set_up(),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "rejects a newer schema and turns it into an older one",
        found_by: &["rule_24_a_newer_schema_is_rejected_and_stays_untouched"],
        hooks: Hooks {
            setup: |it| {
                let refused = it.storage.set_up();
                if refused.is_err() {
                    it.storage.set_version(VERSION)?;
                }
                refused
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "creates its schema without permission",
        found_by: &[
            "rule_24_without_autocreate_an_empty_store_is_rejected",
            "rule_24_without_autocreate_an_older_schema_is_rejected",
        ],
        hooks: Hooks {
            setup: |it| {
                let mut storage = it.storage.clone();
                storage.autocreate = true;
                storage.set_up()
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reports a missing schema as unavailable",
        found_by: &["rule_24_without_autocreate_an_empty_store_is_rejected"],
        hooks: Hooks {
            setup: |it| {
                it.storage.set_up().map_err(|error| match error.kind() {
                    ErrorKind::Config => Error::new(ErrorKind::Unavailable, "wrong", "no table"),
                    _ => error,
                })
            },
            ..CORRECT
        },
    },
    // 25. Errors
    Mutant {
        fault: "returns errors without a message",
        found_by: &["rule_25_an_error_says_what_is_wrong_and_where"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                (CORRECT.count_occurrences)(it, query)
                    .map_err(|error| Error::new(error.kind(), "wrong", ""))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "fails after an earlier error",
        found_by: &["rule_25_a_failed_call_leaves_the_handle_usable"],
        hooks: Hooks {
            get_tickets: |it, query| {
                let page = it.tickets(query);
                it.notes().flag |= page.is_err();
                page
            },
            record: |it, batch| match it.notes().flag {
                true => Err(Error::new(ErrorKind::Unavailable, "wrong", "the handle is broken")),
                false => it.record(batch),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "shows its password in `Debug`",
        found_by: &["rule_25_no_secret_is_shown"],
        hooks: Hooks { debug: |_, f| write!(f, "Wrong {{ password: {SECRET:?} }}"), ..CORRECT },
    },
    Mutant {
        fault: "shows its password in an error",
        found_by: &["rule_25_no_secret_is_shown"],
        hooks: Hooks {
            setup: |it| {
                it.storage.set_up().map_err(|error| {
                    let source = format!("cannot connect to db://user:{SECRET}@host");
                    Error::new(error.kind(), "wrong", "no connection").with_source(source)
                })
            },
            get_tickets: |it, query| {
                it.tickets(query).map_err(|error| {
                    let source = format!("cannot ask db://user:{SECRET}@host");
                    Error::new(error.kind(), "wrong", "no answer").with_source(source)
                })
            },
            ..CORRECT
        },
    },
    // 26. Capabilities
    Mutant {
        fault: "lacks an undeclared capability",
        found_by: &["rule_26_capabilities_match_the_declaration"],
        hooks: Hooks {
            capabilities: Capabilities::all().without(Capability::SchemaVersions),
            ..CORRECT
        },
    },
    Mutant {
        fault: "fails a call that it declares to support",
        found_by: &["rule_26_a_missing_capability_is_unsupported"],
        hooks: Hooks {
            event_types: |_, _| Err(Error::unsupported("wrong", "event_types")),
            ..CORRECT
        },
    },
    Mutant {
        fault: "answers a call that it declares unsupported",
        found_by: &["rule_26_a_missing_capability_is_unsupported"],
        hooks: Hooks { capabilities: Capabilities::all().without(Capability::Events), ..CORRECT },
    },
    // 27. Transactions
    Mutant {
        fault: "commits the application's transaction",
        found_by: &["rule_27_recording_does_not_commit_the_applications_transaction"],
        hooks: Hooks {
            record: |it, batch| {
                it.storage.database().end(true);
                it.record(batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "is rolled back with the application's transaction",
        found_by: &["rule_27_recording_does_not_commit_the_applications_transaction"],
        hooks: Hooks {
            record: |it, batch| {
                let recorded = it.record(batch)?;
                let store = it.clone();
                it.storage.database().undo.push(Box::new(move || forget(&store).unwrap()));
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "rolls back the application's transaction",
        found_by: &["rule_27_recording_does_not_roll_back_the_applications_transaction"],
        hooks: Hooks {
            record: |it, batch| {
                it.storage.database().end(false);
                it.record(batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ends the application's transaction by solving",
        found_by: &["rule_27_reading_and_solving_leave_the_applications_transaction_open"],
        hooks: Hooks {
            set_status: |it, id, change| {
                it.storage.database().end(true);
                it.set_status(id, change)
            },
            ..CORRECT
        },
    },
];

fn forget(it: &Wrong) -> Result<()> {
    it.correct(|correct| correct.clear().now_or_never())
}
