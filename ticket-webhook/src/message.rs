//! The text and the JSON of a message.

use serde_json::{Value, json};
use ticket_core::{OccurrenceId, SmolStr, TicketId, Timestamp};
use ticket_handler::{TicketEvent, TicketNews};

/// How many characters of each text of a record are sent.
const TEXT: usize = 300;

/// The format that a receiver accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Slack,
}

/// What is to be reported of a ticket: the parts of its events that a message needs.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) ticket_id: TicketId,
    pub(crate) news: Vec<TicketNews>,
    occurrence_count: u64,
    app_id: String,
    level: &'static str,
    channel: String,
    message: String,
    error_type: Option<String>,
    location: Option<String>,
    occurrence_id: OccurrenceId,
    time: Timestamp,
    release: Option<String>,
    environment: Option<String>,
    host: Option<String>,
}

impl Message {
    pub(crate) fn new(event: &TicketEvent) -> Self {
        let record = &event.record;
        let optional = |text: &Option<SmolStr>| text.as_deref().map(cut);
        Self {
            ticket_id: event.ticket_id,
            news: vec![event.news],
            occurrence_count: event.occurrence_count,
            app_id: cut(&record.app_id),
            level: record.level.as_str(),
            channel: cut(&record.channel),
            message: cut(&record.message),
            error_type: record.error_type().map(cut),
            location: record.location.file.as_deref().map(|file| match record.location.line {
                Some(line) => format!("{}:{line}", cut(file)),
                None => cut(file),
            }),
            occurrence_id: record.id,
            time: record.time,
            release: optional(&record.release),
            environment: optional(&record.environment),
            host: optional(&record.host),
        }
    }

    /// Adds a later event of the same ticket.
    pub(crate) fn add(&mut self, event: &TicketEvent) {
        let mut news = std::mem::take(&mut self.news);
        news.push(event.news);
        *self = Self { news, ..Self::new(event) };
    }

    fn text(&self) -> String {
        let what: Vec<String> = self
            .news
            .iter()
            .map(|news| match news {
                TicketNews::Created => "New".to_owned(),
                TicketNews::Reopened => "Back after it was solved".to_owned(),
                TicketNews::Reached(count) => format!("{count} records"),
                // A kind that a later version of the handler has added.
                _ => "Changed".to_owned(),
            })
            .collect();
        let mut details = vec![self.level.to_owned(), self.channel.clone()];
        details.extend(self.location.clone());
        details.extend(self.release.as_ref().map(|release| format!("release {release}")));
        details.extend(self.environment.clone());
        details.push(match self.occurrence_count {
            1 => "1 record".to_owned(),
            count => format!("{count} records"),
        });
        details.push(format!("ticket {}", self.ticket_id));
        format!("{} in {}: {}\n{}", what.join(", "), self.app_id, self.message, details.join(" · "))
    }
}

/// Returns the first [`TEXT`] characters of a text, on one line.
fn cut(text: &str) -> String {
    let mut chars = text.chars();
    let line: String = chars
        .by_ref()
        .take(TEXT)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if chars.next().is_some() { line + "…" } else { line }
}

/// The content of one request: a message, or the notice that the hourly limit is reached.
pub(crate) struct Payload<'a> {
    text: String,
    events: Value,
    message: Option<&'a Message>,
}

impl<'a> Payload<'a> {
    pub(crate) fn of_ticket(message: &'a Message) -> Self {
        let events = message.news.iter().map(|news| match news {
            TicketNews::Created => json!({ "kind": "created" }),
            TicketNews::Reopened => json!({ "kind": "reopened" }),
            TicketNews::Reached(count) => json!({ "kind": "reached", "count": count }),
            _ => json!({ "kind": "changed" }),
        });
        Self { text: message.text(), events: events.collect(), message: Some(message) }
    }

    pub(crate) fn of_limit(per_hour: u32, until: Timestamp) -> Self {
        let until = until.to_string();
        let until = until.get(..16).unwrap_or(&until).replace('T', " ");
        let text = format!(
            "The limit of {per_hour} messages an hour is reached: further changes of tickets are not reported \
             here until {until} UTC. The list of tickets has them."
        );
        let events = json!([{ "kind": "limit", "count": per_hour }]);
        Self { text, events, message: None }
    }

    pub(crate) fn body(&self, form: Form) -> Vec<u8> {
        let value = match form {
            Form::Slack => json!({ "text": harmless(&self.text) }),
            Form::Json => {
                let mut value = json!({
                    "version": 1,
                    "sent_at": Timestamp::now(),
                    "text": self.text,
                    "events": self.events,
                });
                if let Some(message) = self.message {
                    value["ticket"] = json!({
                        "id": message.ticket_id,
                        "app_id": message.app_id,
                        "level": message.level,
                        "channel": message.channel,
                        "message": message.message,
                        "error_type": message.error_type,
                        "location": message.location,
                        "occurrence_count": message.occurrence_count,
                    });
                    value["occurrence"] = json!({
                        "id": message.occurrence_id,
                        "time": message.time,
                        "release": message.release,
                        "environment": message.environment,
                        "host": message.host,
                    });
                }
                value
            }
        };
        value.to_string().into_bytes()
    }
}

/// Escapes a text so that it mentions nobody and contains no link in any chat that accepts this format.
fn harmless(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // A zero-width space: some chats notify everybody on `@channel`.
    text.replace('@', "@\u{200b}")
}

#[cfg(test)]
mod tests {
    use ticket_core::{Level, Record};

    use super::*;

    fn event(news: TicketNews, message: &str) -> TicketEvent {
        let mut record = Record::new(Level::Error, "shop::checkout", message)
            .with_time(Timestamp::from_micros(1_772_366_400_000_000))
            .with_release("1.4.0");
        record.app_id = "shop".into();
        record.location.file = Some("src/a.rs".into());
        record.location.line = Some(42);
        TicketEvent::new(news, TicketId::MIN, 12, record)
    }

    fn parsed(payload: &Payload<'_>, form: Form) -> Value {
        serde_json::from_slice(&payload.body(form)).unwrap()
    }

    #[test]
    fn the_json_form_has_every_field() {
        let mut message = Message::new(&event(TicketNews::Created, "payment refused"));
        message.add(&event(TicketNews::Reached(10), "payment refused again"));
        let value = parsed(&Payload::of_ticket(&message), Form::Json);
        assert_eq!(value["version"], 1);
        let kinds = json!([{ "kind": "created" }, { "kind": "reached", "count": 10 }]);
        assert_eq!(value["events"], kinds);
        let ticket = &value["ticket"];
        assert_eq!(ticket["id"], TicketId::MIN.to_string());
        assert_eq!(ticket["message"], "payment refused again");
        assert_eq!((&ticket["app_id"], &ticket["level"]), (&json!("shop"), &json!("error")));
        assert_eq!(ticket["location"], "src/a.rs:42");
        assert_eq!(ticket["occurrence_count"], 12);
        assert_eq!(value["occurrence"]["time"], "2026-03-01T12:00:00.000000Z");
        assert_eq!(value["occurrence"]["release"], "1.4.0");
        assert!(value["sent_at"].is_string());
    }

    #[test]
    fn the_slack_form_is_a_short_text_that_mentions_nobody() {
        let hostile = "<!channel> & @here <https://a.example|click>\n\u{1b}[31m".to_owned();
        let message = Message::new(&event(TicketNews::Reopened, &(hostile + &"x".repeat(9_000))));
        let value = parsed(&Payload::of_ticket(&message), Form::Slack);
        assert_eq!(value.as_object().unwrap().len(), 1);
        let text = value["text"].as_str().unwrap();
        assert!(text.starts_with(
            "Back after it was solved in shop: &lt;!channel&gt; &amp; @\u{200b}here &lt;https://"
        ));
        assert!(text.ends_with(&format!(
            "…\nerror · shop::checkout · src/a.rs:42 · release 1.4.0 · 12 records · ticket {}",
            TicketId::MIN
        )));
        assert!(text.chars().count() < 700 && !text.contains(['<', '>', '\u{1b}']));
    }

    #[test]
    fn the_limit_is_announced_without_a_ticket() {
        let payload = Payload::of_limit(60, Timestamp::from_micros(1_772_366_400_000_000));
        let value = parsed(&payload, Form::Json);
        assert_eq!(value["events"], json!([{ "kind": "limit", "count": 60 }]));
        assert!(value.get("ticket").is_none());
        let text = value["text"].as_str().unwrap();
        assert!(
            text.contains("60 messages an hour") && text.contains("until 2026-03-01 12:00 UTC")
        );
    }
}
