//! Rule 12: text search.

use ticket_core::record::{ErrorCause, Request};
use ticket_core::{Location, TicketFilter};

use super::filters::{HOSTILE, assert_finds, put_each};
use crate::context::Context;
use crate::support::{APP, occurrence, put, record};

pub(super) async fn rule_12_searches_message_and_location_ignoring_case(cx: Context) {
    let store = cx.store().await;
    put_each(&store, &["upper", "umlaut", "place", "plain"], |i, mut record| {
        record.message = ["Connection REFUSED", "Ärger mit ÉTÉ", "nothing", "nothing"][i].into();
        record.location = Location::new();
        if i == 2 {
            record.location = Location::new()
                .with_file("src/Checkout.rs")
                .with_line(4_711)
                .with_module("Shop::Cart")
                .with_function("Pay_All");
        }
        record
    })
    .await;
    let search = |text| TicketFilter::new().with_search(text);
    assert_finds(&store, search("refused"), &["upper"]).await;
    assert_finds(&store, search("connection Ref"), &["upper"]).await;
    assert_finds(&store, search("äRGER"), &["umlaut"]).await;
    assert_finds(&store, search("été"), &["umlaut"]).await;
    for part in ["checkout.RS", "SHOP::cart", "pay_all", "src/"] {
        assert_finds(&store, search(part), &["place"]).await;
    }
    assert_finds(&store, search("NOTHING"), &["place", "plain"]).await;
    assert_finds(&store, search(""), &["upper", "umlaut", "place", "plain"]).await;
    for nothing in
        ["refused connection", "nothingsrc", "nothing src", "rsshop", "4711", "shop::cart "]
    {
        assert_finds(&store, search(nothing), &[]).await;
    }
    // The channel and the other fields are not searched.
    for elsewhere in [APP, "error"] {
        let names: &[&str] = if elsewhere == APP { &["place"] } else { &[] };
        assert_finds(&store, search(elsewhere), names).await;
    }
}

pub(super) async fn rule_12_searches_the_error_chain_and_the_path_of_the_request(cx: Context) {
    let store = cx.store().await;
    put_each(&store, &["chain", "request", "plain"], |i, mut record| {
        record.message = "it failed".into();
        record.location = Location::new();
        if i == 0 {
            record.error = vec![
                ErrorCause::new(Some("shop::PaymentError".into()), "Payment REFUSED by Ärger"),
                ErrorCause::new(None, "no row was found"),
                ErrorCause::new(Some("sqlx::NoResultFound".into()), ""),
            ];
        }
        if i == 1 {
            let mut request = Request::default();
            request.path = Some("/Orders/17".into());
            request.method = Some("PATCH".into());
            record.request = Some(request);
        }
        record
    })
    .await;
    let search = |text| TicketFilter::new().with_search(text);
    for part in
        ["paymenterror", "refused by ä", "NO ROW", "NoResultFound", "sqlx::noresult", "shop::P"]
    {
        assert_finds(&store, search(part), &["chain"]).await;
    }
    for part in ["/orders/17", "ORDERS"] {
        assert_finds(&store, search(part), &["request"]).await;
    }
    assert_finds(&store, search("It Failed"), &["chain", "request", "plain"]).await;
    // A term does not match across two parts, and the rest of the request is not searched.
    for nothing in ["failedshop", "ärgerno", "failed /orders", "patch"] {
        assert_finds(&store, search(nothing), &[]).await;
    }
}

pub(super) async fn rule_12_a_search_text_has_no_wildcards(cx: Context) {
    let store = cx.store().await;
    let names: Vec<String> = (0..HOSTILE.len() - 1).map(|i| format!("ticket {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    put_each(&store, &names, |i, mut record| {
        record.message = format!("before {} after", HOSTILE[i]).into();
        record.location = Location::new();
        record
    })
    .await;
    for text in &HOSTILE[..names.len()] {
        let message = |i: usize| format!("before {} after", HOSTILE[i]).to_lowercase();
        let found: Vec<&str> = (0..names.len())
            .filter(|i| message(*i).contains(&text.to_lowercase()))
            .map(|i| names[i])
            .collect();
        assert!(!found.is_empty());
        assert_finds(&store, TicketFilter::new().with_search(*text), &found).await;
    }
    for pattern in ["before%after", "b_fore", "bef.re", "^before", "after$", "(?i)AFTER"] {
        assert_finds(&store, TicketFilter::new().with_search(pattern), &[]).await;
    }
}

pub(super) async fn rule_12_searches_the_newest_message_only(cx: Context) {
    let store = cx.store().await;
    let said = |seconds, message: &str| {
        let mut record = record("it", seconds);
        record.message = message.into();
        occurrence(record)
    };
    put(&store, &[said(10, "first words")]).await;
    put(&store, &[said(0, "late news")]).await;
    let search = |text| TicketFilter::new().with_search(text);
    assert_finds(&store, search("first words"), &["it"]).await;
    assert_finds(&store, search("late news"), &[]).await;
    put(&store, &[said(20, "last words")]).await;
    assert_finds(&store, search("first words"), &[]).await;
    assert_finds(&store, search("last words"), &["it"]).await;
}
