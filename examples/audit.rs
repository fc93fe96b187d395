//! A collection of views that answers questions in natural language, and four handlers that follow every question.
//!
//! The language model is a script, so that the program needs none. It chooses a view, the view looks up a name that the
//! question misspells, and the model writes a filter. One question fits no view, and another one finds the model overloaded.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::error::Error;
use std::fmt;
use std::time::Duration;

use futures::executor::block_on;
use ticket_audit::{
    BoxError, ConsoleHandler, EventEnd, EventHandler, EventStart, EventStoreHandler, EventTracker,
    FallbackEvent, LlmEvent, RequestEnd, RequestStart, SimilarityEvent, TicketHandler, async_trait,
};
use ticket_core::{Comparison, EventFilter, EventQuery, EventStore, Level, Operator};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_sqlite::SqliteBackend;

const QUESTIONS: [&str; 4] = [
    "Who works in Berln?",
    "How many people are on leave?",
    "What is the meaning of life?",
    "Who is paid best?",
];

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let store = SqliteBackend::from_uri(&url)?;
    let tickets =
        BackgroundHandler::builder(HandlerOptions::new("people")).backend(store.clone())?;
    let options = HandlerOptions::new("people").with_level(Level::Info);
    let events =
        BackgroundHandler::builder(options).with_budget(u32::MAX).backend(store.clone())?;

    let tracker = EventTracker::builder()
        .with_handler(ConsoleHandler::new())
        .with_handler(TicketHandler::new(tickets.clone()))
        .with_handler(EventStoreHandler::new(events.clone())?)
        .with_handler(TokenBudget { limit: 60 })
        .build()?;
    let people = Collection { name: "people", tracker: tracker.clone() };
    for question in QUESTIONS {
        match block_on(people.ask(question)) {
            Ok(answer) => println!("{question} {answer}"),
            Err(error) => println!("{question} No answer: {error}."),
        }
    }

    let wait = Duration::from_secs(10);
    tracker.blocking_flush(wait)?;
    tickets.blocking_flush(wait)?;
    events.blocking_flush(wait)?;
    let slow = Comparison::number("duration_ms", Operator::Gt, 15)?;
    let filter = EventFilter::new().with_event_type("llm").with_comparison(slow);
    for event in block_on(store.get_events(&EventQuery::new().with_filter(filter)))?.items {
        let traits = &event.record.traits;
        println!("the model took {} ms for: {}", traits["duration_ms"], traits["input"]);
    }
    for handler in tracker.stats().handlers {
        println!("{}: {} calls, {} failed", handler.handler, handler.calls, handler.failures());
    }
    Ok(())
}

/// A custom handler: it fails for each request that uses too many tokens, which disturbs nobody else.
struct TokenBudget {
    limit: u64,
}

#[async_trait]
impl EventHandler for TokenBudget {
    type RequestContext = u64;
    type EventContext = ();

    async fn request_start(&self, _: &RequestStart) -> Result<u64, BoxError> {
        Ok(0)
    }

    async fn event_start(&self, _: &EventStart, _: &mut u64) -> Result<(), BoxError> {
        Ok(())
    }

    async fn event_end(&self, end: &EventEnd, used: &mut u64, (): ()) -> Result<(), BoxError> {
        let llm = end.event.downcast_ref::<LlmEvent>();
        *used += llm.and_then(|llm| llm.total_tokens).unwrap_or(0);
        Ok(())
    }

    async fn request_end(&self, _: &RequestEnd, used: u64) -> Result<(), BoxError> {
        if used > self.limit { Err(format!("{used} tokens in one request").into()) } else { Ok(()) }
    }
}

/// Views of a database that can be asked in natural language.
struct Collection {
    name: &'static str,
    tracker: EventTracker,
}

impl Collection {
    /// Answers a question. The future is the request: what it starts with the same tracker belongs to it.
    async fn ask(&self, question: &str) -> Result<String, AskError> {
        let start = RequestStart::new(question).with_attribute("collection", self.name);
        let answer = async {
            let view = match self.select_view(question)? {
                Some(view) => view,
                None => return Ok(self.fall_back()),
            };
            let answer = self.query(view, question)?;
            if let Some(request) = self.tracker.current() {
                request.set_output(answer.as_str());
            }
            Ok(answer)
        };
        self.tracker.run(start, answer).await
    }

    fn select_view(&self, question: &str) -> Result<Option<&'static str>, AskError> {
        let prompt = format!("Which view answers the question: {question}");
        let view = self.complete("view_selection", &prompt)?;
        Ok(["employees", "absences"].into_iter().find(|known| *known == view))
    }

    fn query(&self, view: &str, question: &str) -> Result<String, AskError> {
        if view == "employees" {
            let mut similar =
                self.tracker.event(SimilarityEvent::new("cities", "employees.city", "Berln"));
            similar.output = Some("Berlin".into());
            similar.finish();
        }
        self.complete("iql", &format!("Write a filter on {view} for the question: {question}"))
    }

    fn fall_back(&self) -> String {
        let reason = "no view answers the question";
        self.tracker.event(FallbackEvent::new(self.name, "documents", reason)).finish();
        "See the documents.".to_owned()
    }

    /// Calls the model. If it fails, `?` drops nothing unnoticed: the event says why.
    fn complete(&self, kind: &str, prompt: &str) -> Result<String, AskError> {
        let mut llm = self.tracker.event(LlmEvent::new(kind, prompt));
        match script(prompt) {
            Ok((answer, tokens)) => {
                llm.response = Some(answer.into());
                llm.set_tokens(tokens, 5);
                llm.finish();
                Ok(answer.to_owned())
            }
            Err(error) => {
                llm.fail(&error);
                Err(error)
            }
        }
    }
}

/// The language model: its answer, and how many tokens the prompt has.
fn script(prompt: &str) -> Result<(&'static str, u64), AskError> {
    let answer = match prompt {
        _ if prompt.contains("best") => return Err(AskError),
        _ if prompt.contains("meaning of life") => ("none of them", 21),
        _ if prompt.starts_with("Which") && prompt.contains("leave") => ("absences", 17),
        _ if prompt.starts_with("Which") => ("employees", 16),
        _ if prompt.contains("leave") => ("count(status = 'leave')", 23),
        _ => {
            std::thread::sleep(Duration::from_millis(20));
            ("filter(city = 'Berlin')", 40)
        }
    };
    Ok(answer)
}

/// The model is overloaded.
#[derive(Debug)]
struct AskError;

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model is overloaded")
    }
}

impl Error for AskError {}
