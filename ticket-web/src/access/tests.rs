use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST};
use base64::Engine as _;

use super::*;

const TOKEN: &str = "0123456789abcdef-token";

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn from(address: &str, headers: &[(&str, &str)]) -> Parts {
    let mut parts = parts(headers);
    parts.extensions.insert(ConnectInfo::<SocketAddr>(address.parse().unwrap()));
    parts
}

fn is_granted(decision: &Decision) -> bool {
    matches!(decision, Decision::Granted(_))
}

#[tokio::test]
async fn loopback_lets_in_clients_on_this_machine_under_a_local_name_only() {
    let access = Access::loopback();
    let local = [(HOST.as_str(), "localhost:7878")];
    for (parts, expected) in [
        (from("127.0.0.1:5000", &local), true),
        (from("[::1]:5000", &[("host", "[::1]:7878")]), true),
        (from("[::ffff:127.0.0.1]:5000", &[("host", "127.0.0.2")]), true),
        (from("10.0.0.1:5000", &local), false),
        (parts(&local), false),
        (from("127.0.0.1:5000", &[]), false),
        (from("127.0.0.1:5000", &[("host", "rebound.example")]), false),
        (from("127.0.0.1:5000", &[("host", "localhost.example")]), false),
        (from("127.0.0.1:5000", &[("host", "localhost"), ("x-forwarded-for", "127.0.0.1")]), false),
    ] {
        assert_eq!(is_granted(&access.decide(&parts).await), expected, "{parts:?}");
    }
}

#[tokio::test]
async fn a_token_is_accepted_in_a_header_and_as_the_cookie_that_it_was_exchanged_for() {
    let access = Access::token(TOKEN).unwrap();
    let bearer = format!("Bearer {TOKEN}");
    assert!(is_granted(&access.decide(&parts(&[("authorization", &bearer)])).await));
    let session = access.sign_in(TOKEN).unwrap();
    assert!(!session.contains(TOKEN));
    let with = |cookies: String| parts(&[(COOKIE.as_str(), &cookies)]);
    let cookie = with(format!("other=1; {SESSION_COOKIE}=9.00; {SESSION_COOKIE}={session}"));
    assert!(is_granted(&access.decide(&cookie).await));

    let (until, mac) = session.split_once('.').unwrap();
    let later: u64 = until.parse::<u64>().unwrap() + 1;
    for wrong in
        [format!("{later}.{mac}"), format!("1.{mac}"), format!("{until}.{}", &mac[1..]), "x".into()]
    {
        let decision = access.decide(&with(format!("{SESSION_COOKIE}={wrong}"))).await;
        assert_eq!(decision, Decision::Unauthenticated(Challenge::Token), "{wrong}");
    }
    let other = Access::token("another-token-of-16").unwrap();
    let cookie = with(format!("{SESSION_COOKIE}={session}"));
    assert_eq!(other.decide(&cookie).await, Decision::Unauthenticated(Challenge::Token));
}

#[tokio::test]
async fn each_token_has_its_own_grant() {
    let shop = Grant::read_only().with_app_ids(["shop"]);
    let access =
        Access::token(TOKEN).unwrap().with_token("token-for-the-shop", shop.clone()).unwrap();
    let decide = async |token: &str| {
        access.decide(&parts(&[("authorization", &format!("bearer {token}"))])).await
    };
    assert_eq!(decide(TOKEN).await, Decision::Granted(Grant::all()));
    assert_eq!(decide("token-for-the-shop").await, Decision::Granted(shop));
    assert_eq!(decide("token-for-the-sho").await, Decision::Unauthenticated(Challenge::Token));
}

#[tokio::test]
async fn limits_apply_to_every_grant() {
    let grant = Grant::all().with_app_ids(["shop", "depot"]);
    let access = Access::decided_by(move |_| grant.clone()).read_only().with_app_ids(["shop"]);
    let expected = Grant::read_only().with_app_ids(["shop"]);
    assert_eq!(access.decide(&parts(&[])).await, Decision::Granted(expected));
    let none = access.with_app_ids(["other"]);
    assert!(matches!(none.decide(&parts(&[])).await, Decision::Forbidden(_)));
    let none = Access::decided_by(|_| Permission::None);
    assert!(matches!(none.decide(&parts(&[])).await, Decision::Forbidden(_)));
}

fn basic(name: &str, password: &str) -> Parts {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    parts(&[(AUTHORIZATION.as_str(), &format!("Basic {encoded}"))])
}

#[tokio::test]
async fn a_user_needs_the_right_password() {
    let file = format!("# users\n\nada:{}\n", crate::hash_password("secret:word"));
    let access = Access::basic(&file).unwrap();
    // Twice: the second time it is known.
    for _ in 0..2 {
        let decision = access.decide(&basic("ada", "secret:word")).await;
        assert_eq!(decision, Decision::Granted(Grant::all().with_name("ada")));
    }
    for parts in [basic("ada", "other"), basic("bob", "secret:word"), basic("", ""), parts(&[])] {
        let decision = access.decide(&parts).await;
        assert_eq!(decision, Decision::Unauthenticated(Challenge::Basic), "{parts:?}");
    }
}

#[tokio::test]
async fn guessing_is_stopped_without_locking_out_who_is_signed_in() {
    let file = format!("ada:{}", crate::hash_password("secret"));
    let access = Access::basic(&file).unwrap();
    assert!(is_granted(&access.decide(&basic("ada", "secret")).await));
    for _ in 0..20 {
        access.throttle.failed();
    }
    assert_eq!(access.decide(&basic("ada", "guess")).await, Decision::TooManyFailures);
    assert!(is_granted(&access.decide(&basic("ada", "secret")).await));

    let access = Access::token(TOKEN).unwrap();
    for _ in 0..20 {
        assert_eq!(access.sign_in("wrong"), Err(Decision::Unauthenticated(Challenge::Token)));
    }
    assert_eq!(access.sign_in("wrong"), Err(Decision::TooManyFailures));
    assert!(access.sign_in(TOKEN).is_ok());
}

#[test]
fn secrets_that_cannot_work_are_refused_without_showing_them() {
    for (error, part) in [
        (Access::token("short").unwrap_err(), "at least 16"),
        (Access::token("0123456789abcdefé").unwrap_err(), "ASCII"),
        (Access::loopback().with_token(TOKEN, Grant::all()).unwrap_err(), "Access::token"),
        (Access::basic("").unwrap_err(), "no users"),
        (Access::basic("#\nada secret").unwrap_err(), "line 2 of the users: there is no colon"),
        (Access::basic("ada:secret").unwrap_err(), "PHC"),
        (Access::basic(":secret").unwrap_err(), "name is empty"),
    ] {
        assert!(error.message().contains(part), "{error}");
        assert!(!error.message().contains("secret") && !error.message().contains("short"));
    }
    let shown = format!("{:?}", Access::token(TOKEN).unwrap());
    assert!(shown.contains("token") && !shown.contains(TOKEN), "{shown}");
}

/// Returns `true` if values of a type can be compared with `==`: the inherent constant hides that of the trait where
/// its bound holds.
macro_rules! has_partial_eq {
    ($type:ty) => {{
        #[allow(dead_code, reason = "one of the two constants is hidden or does not apply")]
        trait Otherwise {
            const IS: bool = false;
        }
        impl<T> Otherwise for Probe<T> {}
        struct Probe<T>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "one of the two constants is hidden or does not apply")]
        impl<T: PartialEq> Probe<T> {
            const IS: bool = true;
        }
        Probe::<$type>::IS
    }};
}

#[test]
fn f23_nothing_compares_secrets_but_in_constant_time() {
    assert!(has_partial_eq!([u8; 32]), "the check itself");
    assert!(!has_partial_eq!(secret::Secret));
}

/// Returns how many secrets are compared for a decision.
async fn comparisons(access: &Access, parts: &Parts) -> usize {
    let before = secret::COMPARISONS.get();
    access.decide(parts).await;
    secret::COMPARISONS.get() - before
}

#[tokio::test]
async fn f23_a_token_is_compared_with_all_tokens_whether_or_not_it_is_one() {
    let mut access = Access::token("the-first-of-the-tokens").unwrap();
    let tokens = ["the-first-of-the-tokens", "the-second-of-the-tokens", "the-third-of-the-tokens"];
    for token in &tokens[1..] {
        access = access.with_token(token, Grant::read_only()).unwrap();
    }
    let sent = tokens.into_iter().chain(["the-first-of-the-tokenX", "x", ""]);
    for token in sent {
        let bearer = parts(&[("authorization", &format!("Bearer {token}"))]);
        assert_eq!(comparisons(&access, &bearer).await, 3, "{token}");
    }
    let session = access.sign_in(tokens[0]).unwrap();
    let (until, mac) = session.split_once('.').unwrap();
    for session in
        [session.clone(), format!("{until}.{}", "0".repeat(mac.len())), format!("{until}.")]
    {
        let cookie = parts(&[("cookie", &format!("{SESSION_COOKIE}={session}"))]);
        assert_eq!(comparisons(&access, &cookie).await, 3, "{session}");
    }
}

#[tokio::test]
async fn f23_an_unknown_user_costs_a_check_like_a_known_one() {
    let access = Access::basic(&format!("ada:{}", crate::hash_password("secret"))).unwrap();
    let Policy::Users(users) = &access.policy else { unreachable!("it is by users") };
    for (name, password) in [("ada", "guess"), ("bob", "guess")] {
        let before = users.checked();
        assert!(!is_granted(&access.decide(&basic(name, password)).await));
        assert_eq!(users.checked() - before, 1, "{name}");
    }
}
