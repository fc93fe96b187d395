//! The `dead-letter.jsonl` of a spool: records that a store once refused.

use ticket_core::{Level, Record};
use ticket_direct::HandlerOptions;
use ticket_grouping::Grouping;
use ticket_handler::spool::DeadLetter;

use crate::place::Place;

#[test]
fn dead_letters_are_recorded_once_with_their_own_ids_and_at_any_level() {
    let options = HandlerOptions::new("shop")
        .with_level(Level::Trace)
        .with_salt("pepper")
        .with_grouping(Grouping::custom(|record| record.channel.clone()));
    let record = Record::new(Level::Info, "db", "what the store refused").with_trait("code", 17);
    let occurrence = options.prepare(record).unwrap().with_repeats(40);
    let letter = serde_json::to_string(&DeadLetter::new(&occurrence, "too large")).unwrap();

    let place = Place::new();
    place.write("dead-letter.jsonl", format!("{letter}\n"));
    assert_eq!(place.counts(&["dead-letter.jsonl"]), (1, 0));
    assert_eq!(place.counts(&["--again", "dead-letter.jsonl"]), (0, 1));
    assert_eq!(place.tickets(), [("what the store refused".to_owned(), 40)]);
    let stored = &place.occurrences()[0];
    assert_eq!(stored["id"], occurrence.record().id.to_string());

    let damaged = letter.replace("\"info\"", "\"loud\"");
    let summary = place.ingest(&["dead-letter.jsonl"]);
    assert_eq!(summary["malformed"], 0);
    place.write("damaged.jsonl", format!("{letter}\n{damaged}\n"));
    let summary = place.ingest(&["damaged.jsonl"]);
    assert_eq!((&summary["malformed"], &summary["already_known"]), (&1.into(), &1.into()));
}
