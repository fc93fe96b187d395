//! A ticket and an occurrence with all kinds of fields, for tests.

use ticket_core::backend::NewOccurrence;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{
    Fix, HistoryEntry, HistoryEvent, Level, Location, Occurrence, Record, Status, Ticket, TicketId,
    Timestamp, Value,
};
use ticket_grouping::Grouping;

pub(crate) fn record() -> Record {
    let time: Timestamp = "2026-11-21T10:47:20.5Z".parse().unwrap();
    let mut record = Record::new(Level::Error, "shop::checkout", "payment refused")
        .with_time(time)
        .with_key("1")
        .with_location(Location::new().with_file("src/pay.rs").with_line(42))
        .with_trait("user_id", 17)
        .with_trait("ratio", 0.5)
        .with_trait("ok", false)
        .with_trait("path", "/api")
        .with_trait("due", Value::Time(time))
        .with_app_id("shop")
        .with_release("1.4.0")
        .with_environment("production")
        .with_external_id("order-17")
        .with_payload(serde_json::json!({ "order": 17, "items": ["tea"] }));
    record.error = vec![ErrorCause::new(Some("PaymentError".into()), "refused")];
    record.backtrace = vec![Frame::new("shop::pay")];
    let mut request = Request::default();
    request.method = Some("POST".into());
    request.status = Some(500);
    record.request = Some(request);
    record.breadcrumbs = vec![Breadcrumb::new(time, Level::Info, "shop", "card read")];
    record.spans = vec![Span::new("checkout")];
    record
}

pub(crate) fn occurrence() -> Occurrence {
    let record = record();
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint).into_occurrence()
}

pub(crate) fn history() -> [HistoryEntry; 5] {
    let entry = |number, by: Option<&str>, event| HistoryEntry {
        number,
        time: record().time,
        by: by.map(str::to_owned),
        event,
    };
    let release = Some(Fix::In("1.4.0".to_owned()));
    let solved = Status::Solved { at: record().time, release };
    [
        entry(5, Some("ada"), HistoryEvent::Merged(TicketId::MIN)),
        entry(4, None, HistoryEvent::Recurred),
        entry(3, Some("ada"), HistoryEvent::Status(solved)),
        entry(2, Some("brian"), HistoryEvent::Note("line 1\nline 2".to_owned())),
        entry(1, None, HistoryEvent::Status(Status::Muted { until: None })),
    ]
}

pub(crate) fn ticket(status: Status) -> Ticket {
    let record = record();
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    Ticket {
        id: fingerprint.id(),
        app_id: record.app_id.to_string(),
        level: record.level,
        channel: record.channel.to_string(),
        message: record.message.to_string(),
        location: record.location.clone(),
        error_type: Some("PaymentError".into()),
        status,
        first_occurrence_time: record.time,
        last_occurrence_time: record.time,
        occurrence_count: 3,
        reopened_count: 1,
        first_release: Some("1.3.0".into()),
        last_release: Some("1.4.0".into()),
        ingredients: fingerprint.ingredients().clone(),
    }
}
