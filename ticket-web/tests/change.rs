//! Changes by form.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use axum::http::StatusCode;
use ticket_core::{BackendBase as _, HistoryEvent, HistoryQuery, Status, StatusKind, TicketFilter};

use support::{Client, HOUR, error, id_of, open, record, stores};

async fn three(store: &std::sync::Arc<dyn ticket_core::Store>) -> Vec<ticket_core::TicketId> {
    let messages = ["one", "two", "three"];
    record(store, messages.map(|message| error(message, HOUR).with_release("1.4.0"))).await;
    let mut ids = Vec::new();
    for message in messages {
        ids.push(id_of(store, message).await);
    }
    ids
}

#[tokio::test]
async fn a_selection_is_solved_muted_and_reopened_and_the_filter_stays() {
    for (name, store, _folder) in stores().await {
        let ids = three(&store).await;
        let client = open(&store);
        let form = format!("action=solve&id={}&id={}&back=%2F%3Fsearch%3Dt", ids[0], ids[1]);
        let answer = client.post("/tickets/change", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.body);
        let location = answer.header("location").to_owned();
        assert_eq!(location, "/?search=t&done=solve&n=2", "{name}");
        assert!(client.get(&location).await.body.contains("2 tickets solved."), "{name}");
        let kinds = async || {
            let mut kinds = Vec::new();
            for id in &ids {
                kinds.push(store.get_ticket(*id).await.unwrap().unwrap().status.kind());
            }
            kinds
        };
        assert_eq!(
            kinds().await,
            [StatusKind::Solved, StatusKind::Solved, StatusKind::Open],
            "{name}"
        );
        client.post("/tickets/change", &format!("action=mute&for=1h&id={}", ids[2])).await;
        client.post("/tickets/change", &format!("action=reopen&id={}", ids[0])).await;
        assert_eq!(
            kinds().await,
            [StatusKind::Open, StatusKind::Solved, StatusKind::Muted],
            "{name}"
        );
        let form = format!("action=solve&solved_in=release&release=1.5.0&id={}", ids[0]);
        client.post("/tickets/change", &form).await;
        let status = store.get_ticket(ids[0]).await.unwrap().unwrap().status;
        let Status::Solved { release: Some(release), .. } = status else { panic!("{status:?}") };
        assert_eq!(release.release(), "1.5.0");
    }
}

/// Returns the fields of the form of a page.
fn fields(html: &str) -> String {
    let mut fields = Vec::new();
    let form = html.split("<form method=\"post\" action=\"/tickets/change\">").nth(1).unwrap();
    for input in form.split("</form>").next().unwrap().split("<input").skip(1) {
        let input = input.split('>').next().unwrap();
        let value = |name: &str| {
            input
                .split(&format!("{name}=\""))
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default()
        };
        if value("type") == "hidden" || input.contains(" checked") {
            fields.push(format!("{}={}", value("name"), value("value").replace('/', "%2F")));
        }
    }
    fields.join("&")
}

#[tokio::test]
async fn deleting_and_changing_all_that_match_need_a_confirmation() {
    for (name, store, _folder) in stores().await {
        let ids = three(&store).await;
        let client = open(&store);
        let count = async || store.count_tickets(&TicketFilter::new()).await.unwrap();
        let asked =
            client.post("/tickets/change", &format!("action=delete&id={}&back=/", ids[0])).await;
        assert_eq!(asked.status, StatusCode::OK, "{name}");
        assert!(asked.body.contains("Delete 1 ticket?") && count().await == 3, "{name}");
        let answer = client.post("/tickets/change", &fields(&asked.body)).await;
        assert_eq!(answer.header("location"), "/?done=delete&n=1", "{name}");
        assert_eq!(count().await, 2, "{name}");

        let asked = client
            .post("/tickets/change", "action=solve&all=true&filter=search%3Dt&back=%2F")
            .await;
        assert!(asked.body.contains("Solve 2 tickets?"), "{name}: {}", asked.body);
        // What comes in the meantime is not changed.
        record(&store, [error("later", HOUR)]).await;
        client.post("/tickets/change", &fields(&asked.body)).await;
        let solved = TicketFilter::new().with_status(StatusKind::Solved);
        assert_eq!(store.count_tickets(&solved).await.unwrap(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_selection_is_merged_into_the_chosen_ticket_and_the_merge_can_be_ended() {
    for (name, store, _folder) in stores().await {
        let ids = three(&store).await;
        let client = open(&store);
        let form = format!("action=merge&id={}&id={}&back=/", ids[0], ids[1]);
        let asked = client.post("/tickets/change", &form).await;
        assert!(asked.body.contains("Merge 2 tickets?"), "{name}");
        let without = form.clone() + "&confirmed=true";
        let answer = client.post("/tickets/change", &without).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        let answer = client.post("/tickets/change", &format!("{without}&into={}", ids[1])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.body);
        assert!(store.get_ticket(ids[0]).await.unwrap().is_none(), "{name}");
        assert_eq!(store.get_ticket(ids[1]).await.unwrap().unwrap().occurrence_count, 2, "{name}");

        let page = client.get(&format!("/tickets/{}", ids[1])).await;
        assert!(page.body.contains("End the merge"), "{name}");
        // Another ticket's merge is none of this one's business.
        client.post(&format!("/tickets/{}/unmerge", ids[2]), &format!("from={}", ids[0])).await;
        let form = format!("from={}", ids[0]);
        client.post(&format!("/tickets/{}/unmerge", ids[1]), &form).await;
        record(&store, [error("one", HOUR)]).await;
        assert!(store.get_ticket(ids[0]).await.unwrap().is_some(), "{name}");
        let page = client.get(&format!("/tickets/{}", ids[1])).await;
        assert!(!page.body.contains("End the merge"), "{name}");
    }
}

#[tokio::test]
async fn a_note_is_kept_with_the_name_of_its_author() {
    for (name, store, _folder) in stores().await {
        let ids = three(&store).await;
        let grant = ticket_web::Grant::all().with_name("ada");
        let access = ticket_web::Access::decided_by(move |_| grant.clone());
        let client = Client(ticket_web::router(store.clone(), access));
        let answer =
            client.post(&format!("/tickets/{}/notes", ids[0]), "text=seen+at+%3Cnight%3E").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}");
        let history = store.get_history(ids[0], &HistoryQuery::new()).await.unwrap().items;
        assert_eq!(history[0].by.as_deref(), Some("ada"));
        assert_eq!(history[0].event, HistoryEvent::Note("seen at <night>".to_owned()));
        let page = client.get(&format!("/tickets/{}", ids[0])).await;
        assert!(page.body.contains("seen at &#60;night&#62;"), "{name}");
        let answer = client.post(&format!("/tickets/{}/notes", ids[0]), "text=++").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_with_what_to_do_instead() {
    for (name, store, _folder) in stores().await {
        let ids = three(&store).await;
        let client = open(&store);
        for (form, part) in [
            ("action=solve".to_owned(), "Select at least one ticket."),
            (format!("action=explode&id={}", ids[0]), "solve, reopen, mute, merge, delete"),
            (format!("action=merge&id={}", ids[0]), "at least two"),
            (format!("action=mute&for=long&id={}", ids[0]), "such as 24h"),
            (format!("action=solve&solved_in=release&id={}", ids[0]), "write the release"),
            ("action=solve&id=xyz".to_owned(), "hexadecimal"),
        ] {
            let answer = client.post("/tickets/change", &form).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {form}");
            assert!(answer.body.contains(part), "{name}: {form}: {}", answer.body);
        }
        let answer = client
            .post("/tickets/change", &format!("action=solve&note={}", "x".repeat(300_000)))
            .await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
    }
}
