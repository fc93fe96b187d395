//! Faults in values: rules 21 to 23.

use ticket_core::{Error, ErrorKind, Level, Status, Timestamp, Value};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 21. Texts
    Mutant {
        fault: "trims texts",
        found_by: &["rule_21_any_text_survives_in_every_field"],
        hooks: Hooks {
            occurrence: |_, one| {
                let user = one.record.request.as_mut().and_then(|request| request.user.as_mut());
                if let Some(user) = user {
                    *user = user.trim().into();
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns NUL",
        found_by: &["rule_21_nul_is_replaced_in_every_field"],
        hooks: Hooks {
            ticket: |_, ticket| ticket.message = ticket.message.replace('␀', "\0"),
            ..CORRECT
        },
    },
    Mutant {
        fault: "replaces dots in the names of traits",
        found_by: &["rule_21_any_text_is_a_trait_name"],
        hooks: Hooks {
            occurrence: |_, one| {
                let traits = std::mem::take(&mut one.record.traits).into_iter();
                one.record.traits =
                    traits.map(|(name, value)| (name.replace('.', "_").into(), value)).collect();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps 500 traits",
        found_by: &["rule_21_a_thousand_traits_are_kept"],
        hooks: Hooks {
            occurrence: |_, one| {
                let traits = std::mem::take(&mut one.record.traits).into_iter();
                one.record.traits = traits.take(500).collect();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "treats an empty text as missing",
        found_by: &["rule_21_missing_fields_stay_missing"],
        hooks: Hooks {
            occurrence: |_, one| {
                one.record.host = one.record.host.take().filter(|host| !host.is_empty());
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "stores notices as infos",
        found_by: &["rule_21_every_level_survives"],
        hooks: Hooks {
            ticket: |_, ticket| {
                if ticket.level == Level::Notice {
                    ticket.level = Level::Info;
                }
            },
            ..CORRECT
        },
    },
    // 22. Limits
    Mutant {
        fault: "drops records with a long message",
        found_by: &["rule_22_overlong_texts_are_cut_with_a_mark"],
        hooks: Hooks {
            incoming: |_, new| (new.record().message.len() < 4_000).then(|| new.clone()),
            ..CORRECT
        },
    },
    Mutant {
        fault: "cuts a long message again, to 4,000 characters",
        found_by: &["rule_22_overlong_texts_are_cut_with_a_mark"],
        hooks: Hooks {
            ticket: |_, ticket| ticket.message = ticket.message.chars().take(4_000).collect(),
            ..CORRECT
        },
    },
    Mutant {
        fault: "rejects a large record",
        found_by: &["rule_22_an_oversized_record_is_shrunk_and_recorded"],
        hooks: Hooks {
            record: |it, batch| {
                let size = |record| serde_json::to_string(record).unwrap().len();
                if batch.iter().any(|new| size(new.record()) > 64 << 10) {
                    return Err(Error::new(ErrorKind::Rejected, "wrong", "too large"));
                }
                it.record(batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "cuts channels to 100 characters",
        found_by: &["rule_22_the_longest_texts_can_be_searched_and_sorted"],
        hooks: Hooks {
            filter: |_, filter| {
                let cut = |text: &String| text.chars().take(100).collect::<String>();
                filter.channel = filter.channel.as_ref().map(cut);
            },
            ..CORRECT
        },
    },
    // 23. Ranges
    Mutant {
        fault: "stores integers as floats",
        found_by: &["rule_23_the_full_range_of_integers_survives"],
        hooks: Hooks {
            occurrence: |_, one| {
                for value in one.record.traits.values_mut() {
                    if let Value::Int(number) = value {
                        #[allow(clippy::cast_possible_truncation, reason = "that is the fault")]
                        let rounded = *number as f64 as i64;
                        *number = rounded;
                    }
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "stores floats with 15 digits",
        found_by: &["rule_23_floats_survive_bit_for_bit"],
        hooks: Hooks {
            occurrence: |_, one| {
                for value in one.record.traits.values_mut() {
                    if let Value::Float(number) = value {
                        *number = format!("{number:.14e}").parse().unwrap();
                    }
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets the sign of zero",
        found_by: &["rule_23_floats_survive_bit_for_bit"],
        hooks: Hooks {
            occurrence: |_, one| {
                for value in one.record.traits.values_mut() {
                    if let Value::Float(number) = value {
                        *number += 0.0;
                    }
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "stores times to the millisecond",
        found_by: &[
            "rule_23_times_from_year_1_to_9999_survive_to_the_microsecond",
            "rule_23_records_of_any_time_are_kept_and_sorted",
            "rule_23_statuses_of_any_time_are_kept",
        ],
        hooks: Hooks {
            ticket: |_, ticket| {
                if let Status::Solved { at, .. } = &mut ticket.status {
                    *at = to_millis(*at);
                }
            },
            occurrence: |_, one| {
                one.record.time = to_millis(one.record.time);
                for value in one.record.traits.values_mut() {
                    if let Value::Time(time) = value {
                        *time = to_millis(*time);
                    }
                }
            },
            ..CORRECT
        },
    },
];

fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros().div_euclid(1_000) * 1_000)
}
