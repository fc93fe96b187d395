//! Events of any type, nested and concurrent (8 and 9).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use ticket_audit::{BufferHandler, Event, EventTracker, FallbackEvent, LlmEvent, SimilarityEvent};
use ticket_core::{Traits, Value};

use crate::support::{LONG, Log, flush, llm, tracker};

#[test]
fn g08_a_handler_that_does_not_know_an_event_still_has_its_name_and_attributes() {
    #[derive(Clone, Debug)]
    struct Query(u64);
    impl Event for Query {
        fn name(&self) -> &str {
            "query"
        }

        fn attributes(&self) -> Traits {
            Traits::from([("rows".into(), self.0.into())])
        }
    }

    let buffer = BufferHandler::new();
    let tracker = tracker(buffer.clone());
    let request = tracker.begin("q");
    let mut query = request.event(Query(0));
    query.0 = 3;
    query.finish();
    let mut model = request.event(LlmEvent::new("iql", "prompt"));
    model.set_tokens(1, 2);
    model.finish();
    let mut similar = request.event(SimilarityEvent::new("cities", "sql", "Berln"));
    similar.output = Some("Berlin".into());
    similar.finish();
    request.event(FallbackEvent::new("people", "documents", "no view fits")).finish();
    request.done();
    flush(&tracker);

    let request = buffer.requests().remove(0);
    let seen: BTreeMap<_, _> = request
        .events
        .iter()
        .map(|event| event.end.as_ref().unwrap())
        .map(|end| (end.event.name(), end.event.traits()))
        .collect();
    let traits = |traits: &[(&str, Value)]| -> Traits {
        traits.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
    };
    let expected = BTreeMap::from([
        (
            "fallback",
            traits(&[
                ("from", "people".into()),
                ("reason", "no view fits".into()),
                ("to", "documents".into()),
            ]),
        ),
        (
            "llm",
            traits(&[
                ("completion_tokens", 2.into()),
                ("input", "prompt".into()),
                ("kind", "iql".into()),
                ("prompt_tokens", 1.into()),
                ("total_tokens", 3.into()),
            ]),
        ),
        ("query", traits(&[("rows", 3.into())])),
        (
            "similarity",
            traits(&[
                ("fetcher", "sql".into()),
                ("input", "Berln".into()),
                ("output", "Berlin".into()),
                ("store", "cities".into()),
            ]),
        ),
    ]);
    assert_eq!(seen, expected);
    assert!(request.events[0].start.event.downcast_ref::<Query>().is_some());
    assert!(request.events[0].start.event.downcast_ref::<LlmEvent>().is_none());
}

fn many_tasks(runtime: &tokio::runtime::Runtime) {
    const REQUESTS: usize = 50;
    const EVENTS: usize = 8;
    let buffer = BufferHandler::new();
    let tracker = tracker(buffer.clone());
    runtime.block_on(async {
        let ask = |number: usize| {
            let tracker = tracker.clone();
            async move {
                let request = tracker.begin(format!("{number}"));
                let outer = request.event(llm(&format!("{number}")));
                let tasks: Vec<_> = (0..EVENTS)
                    .map(|event| {
                        let mut span = outer.event(llm(&format!("{number}.{event}")));
                        tokio::spawn(async move {
                            tokio::task::yield_now().await;
                            span.response = Some(span.prompt.clone());
                            span.finish();
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                outer.finish();
                request.done();
            }
        };
        let tasks: Vec<_> = (0..REQUESTS).map(|number| tokio::spawn(ask(number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        tracker.flush(LONG).await.unwrap();
    });
    let requests = buffer.requests();
    assert_eq!(requests.len(), REQUESTS);
    for request in requests {
        let number = &request.start.user_request;
        assert_eq!(request.events.len(), 1 + EVENTS);
        let outer = request.events[0].start.id;
        for (index, event) in request.events.iter().enumerate() {
            let end = event.end.as_ref().unwrap();
            let event_of =
                |event: &Arc<dyn Event>| event.downcast_ref::<LlmEvent>().unwrap().clone();
            let (started, ended) = (event_of(&event.start.event), event_of(&end.event));
            assert_eq!((started.prompt, end.id), (ended.prompt.clone(), event.start.id));
            assert_eq!(ended.prompt.split('.').next(), Some(number.as_str()));
            assert_eq!(event.start.parent, (index > 0).then_some(outer));
            assert_eq!(ended.response, (index > 0).then_some(ended.prompt));
        }
    }
}

#[test]
fn g09_nested_and_concurrent_events_keep_apart_on_both_runtimes() {
    let build = |mut builder: tokio::runtime::Builder| builder.enable_all().build().unwrap();
    many_tasks(&build(tokio::runtime::Builder::new_current_thread()));
    many_tasks(&build(tokio::runtime::Builder::new_multi_thread()));
}

/// Two threads start and end events of one request at the same time. Were their steps queued in different orders for
/// two handlers, each handler would wait for the other.
#[test]
fn g09_threads_that_share_a_request_do_not_make_handlers_wait_for_each_other() {
    let log = Log::new("a");
    let tracker = EventTracker::builder()
        .with_handler(log.clone())
        .with_handler(log.named("b"))
        .build()
        .unwrap();
    let request = tracker.begin("q");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    request.event(llm("one")).finish();
                }
            });
        }
    });
    request.done();
    flush(&tracker);
    assert_eq!(log.take().len(), 2 * (2 + 2 * 2_000));
}
