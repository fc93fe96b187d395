//! Faults of setting up, of errors, capabilities and transactions: rules 24 to 27.

use futures::FutureExt;
use ticket_core::{Capabilities, Capability, Error, ErrorKind, EventStore, Result};

use crate::database::{OLDER, VERSION};
use crate::wrong::{Hooks, RIGHT, Wrong};
use crate::{Mutant, SECRET};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 24. Setting up
    Mutant {
        fault: "starts anew at each setup",
        found_by: &["rule_24_setting_up_again_is_harmless"],
        hooks: Hooks {
            setup: |it| {
                forget(it)?;
                it.place.set_up()
            },
            ..RIGHT
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
            setup: |it| match it.place.version() {
                None => it.place.change_version_without_lock(),
                Some(_) => it.place.set_up(),
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "has a store of its own for each handle",
        found_by: &["rule_24_records_outlive_the_handle"],
        hooks: Hooks { one_for_each_handle: true, ..RIGHT },
    },
    Mutant {
        fault: "migrates by starting anew",
        found_by: &["rule_24_an_older_schema_is_migrated_and_keeps_its_data"],
        hooks: Hooks {
            setup: |it| {
                if it.place.version() == Some(OLDER) {
                    forget(it)?;
                }
                it.place.set_up()
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "migrates without a lock",
        found_by: &[
            "rule_24_eight_handles_migrate_an_older_schema_at_once",
            "rule_24_eight_processes_migrate_an_older_schema_at_once",
        ],
        hooks: Hooks {
            setup: |it| match it.place.version() {
                Some(OLDER) => it.place.change_version_without_lock(),
                _ => it.place.set_up(),
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "works with a newer schema",
        found_by: &["rule_24_a_newer_schema_is_rejected_and_stays_untouched"],
        hooks: Hooks {
            setup: |it| match it.place.version() {
                Some(newer) if newer > VERSION => Ok(()),
                _ => it.place.set_up(),
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "refuses a newer schema and makes it an older one",
        found_by: &["rule_24_a_newer_schema_is_rejected_and_stays_untouched"],
        hooks: Hooks {
            setup: |it| {
                let refused = it.place.set_up();
                if refused.is_err() {
                    it.place.set_version(VERSION)?;
                }
                refused
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "creates its schema although it should not",
        found_by: &[
            "rule_24_without_autocreate_an_empty_store_is_rejected",
            "rule_24_without_autocreate_an_older_schema_is_rejected",
        ],
        hooks: Hooks {
            setup: |it| {
                let mut place = it.place.clone();
                place.autocreate = true;
                place.set_up()
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes a missing schema for a passing trouble",
        found_by: &["rule_24_without_autocreate_an_empty_store_is_rejected"],
        hooks: Hooks {
            setup: |it| {
                it.place.set_up().map_err(|error| match error.kind() {
                    ErrorKind::Config => Error::new(ErrorKind::Unavailable, "wrong", "no table"),
                    _ => error,
                })
            },
            ..RIGHT
        },
    },
    // 25. Errors
    Mutant {
        fault: "has errors without a text",
        found_by: &["rule_25_an_error_says_what_is_wrong_and_where"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                (RIGHT.count_occurrences)(it, query)
                    .map_err(|error| Error::new(error.kind(), "wrong", ""))
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "is unusable after an error",
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
            ..RIGHT
        },
    },
    Mutant {
        fault: "shows its password in Debug",
        found_by: &["rule_25_no_secret_is_shown"],
        hooks: Hooks { debug: |_, f| write!(f, "Wrong {{ password: {SECRET:?} }}"), ..RIGHT },
    },
    Mutant {
        fault: "shows its password in an error",
        found_by: &["rule_25_no_secret_is_shown"],
        hooks: Hooks {
            setup: |it| {
                it.place.set_up().map_err(|error| {
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
            ..RIGHT
        },
    },
    // 26. Capabilities
    Mutant {
        fault: "lacks something that the suite was not told",
        found_by: &["rule_26_capabilities_match_the_declaration"],
        hooks: Hooks {
            capabilities: Capabilities::all().without(Capability::SchemaVersions),
            ..RIGHT
        },
    },
    Mutant {
        fault: "cannot do what it says it can",
        found_by: &["rule_26_a_missing_capability_is_unsupported"],
        hooks: Hooks {
            event_types: |_, _| Err(Error::unsupported("wrong", "event_types")),
            ..RIGHT
        },
    },
    Mutant {
        fault: "answers a call that it says it lacks",
        found_by: &["rule_26_a_missing_capability_is_unsupported"],
        hooks: Hooks { capabilities: Capabilities::all().without(Capability::Events), ..RIGHT },
    },
    // 27. Transactions
    Mutant {
        fault: "commits the application's transaction",
        found_by: &["rule_27_recording_does_not_commit_the_applications_transaction"],
        hooks: Hooks {
            record: |it, batch| {
                it.place.database().end(true);
                it.record(batch)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "is undone with the application's transaction",
        found_by: &["rule_27_recording_does_not_commit_the_applications_transaction"],
        hooks: Hooks {
            record: |it, batch| {
                let recorded = it.record(batch)?;
                let store = it.clone();
                it.place.database().undo.push(Box::new(move || forget(&store).unwrap()));
                Ok(recorded)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "rolls the application's transaction back",
        found_by: &["rule_27_recording_does_not_roll_back_the_applications_transaction"],
        hooks: Hooks {
            record: |it, batch| {
                it.place.database().end(false);
                it.record(batch)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "ends the application's transaction by solving",
        found_by: &["rule_27_reading_and_solving_leave_the_applications_transaction_open"],
        hooks: Hooks {
            set_status: |it, id, change| {
                it.place.database().end(true);
                it.set_status(id, change)
            },
            ..RIGHT
        },
    },
];

fn forget(it: &Wrong) -> Result<()> {
    it.right(|right| right.clear().now_or_never())
}
