//! Every route × every kind of access.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use ticket_memory::MemoryBackend;
use tower::ServiceExt as _;

use super::*;
use crate::{Access, Dashboard, Grant, Permission};

const TOKEN: &str = "0123456789abcdef";
const READ_TOKEN: &str = "fedcba9876543210";

/// A kind of access and what a request with it may do.
struct Visitor {
    what: &'static str,
    access: Access,
    header: Option<(&'static str, String)>,
    address: &'static str,
    may: Permission,
    /// The status where more permission is needed.
    refused: StatusCode,
}

fn visitors() -> Vec<Visitor> {
    let tokens = || {
        let grant = Grant::read_only().with_app_ids(["shop"]);
        Access::token(TOKEN).unwrap().with_token(READ_TOKEN, grant).unwrap()
    };
    let users = || Access::basic(&format!("ada:{}", crate::hash_password("secret"))).unwrap();
    let basic = |credentials: &str| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials);
        Some(("authorization", format!("Basic {encoded}")))
    };
    let bearer = |token: &str| Some(("authorization", format!("Bearer {token}")));
    let session = tokens().sign_in(TOKEN).unwrap();
    let cookie = Some(("cookie", format!("ticket_session={session}")));
    let visitor = |what, access, header, may| {
        let refused = StatusCode::UNAUTHORIZED;
        Visitor { what, access, header, address: "10.1.2.3:1", may, refused }
    };
    let known = |what, access, header, may| {
        let refused = StatusCode::FORBIDDEN;
        Visitor { refused, ..visitor(what, access, header, may) }
    };
    vec![
        visitor("no token", tokens(), None, Permission::None),
        visitor("a wrong token", tokens(), bearer("0123456789abcdeX"), Permission::None),
        known("a token", tokens(), bearer(TOKEN), Permission::All),
        known("a cookie", tokens(), cookie.clone(), Permission::All),
        known("a token for reading", tokens(), bearer(READ_TOKEN), Permission::ReadOnly),
        known("a limited access", tokens().read_only(), cookie, Permission::ReadOnly),
        visitor("no user", users(), None, Permission::None),
        visitor("a wrong password", users(), basic("ada:guess"), Permission::None),
        known("a user", users(), basic("ada:secret"), Permission::All),
        known("another machine", Access::loopback(), None, Permission::None),
        Visitor {
            address: "127.0.0.1:1",
            ..known("this machine", Access::loopback(), None, Permission::All)
        },
        known("a function: none", Access::decided_by(|_| Permission::None), None, Permission::None),
        known(
            "a function: read",
            Access::decided_by(|_| Permission::ReadOnly),
            None,
            Permission::ReadOnly,
        ),
        known("a function: all", Access::decided_by(|_| Permission::All), None, Permission::All),
    ]
}

/// Fills the parameters of a path.
fn address(path: &str) -> String {
    path.replace("{asset}", &crate::assets::style()["/assets/".len()..])
        .replace("{ticket}", &"0".repeat(32))
        .replace("{from}", &"1".repeat(32))
        .replace("{occurrence}", "019ab3f0-5c00-7000-8000-000000000000")
}

#[tokio::test]
async fn every_route_asks_for_what_it_needs() {
    for visitor in visitors() {
        let Visitor { what, access, header, address: client, may, refused } = visitor;
        let app = Dashboard::new(MemoryBackend::new(), access).into_router();
        for Route { method, path, need, .. } in all() {
            let mut request =
                Request::builder().method(&method).uri(address(path)).header("host", "localhost");
            if let Some((name, value)) = &header {
                request = request.header(*name, value);
            }
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(client.parse().unwrap()));
            let status = app.clone().oneshot(request).await.unwrap().status();
            let needed = match need {
                Need::Nothing => Permission::None,
                Need::Read => Permission::ReadOnly,
                Need::Change => Permission::All,
            };
            let is_refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            let row = format!("{what}: {method} {path}: {status}");
            if may < needed {
                // After many wrong secrets, all are refused for a while.
                let is_throttled = header.is_some() && status == StatusCode::TOO_MANY_REQUESTS;
                assert!(
                    status == refused || (is_throttled && refused == StatusCode::UNAUTHORIZED),
                    "{row}"
                );
            } else if path != "/sign-in" {
                // The form itself answers 401 to a wrong token.
                assert!(!is_refused, "{row}");
            }
        }
    }
}

#[tokio::test]
async fn only_routes_that_need_permission_change_anything() {
    for Route { method, path, need, .. } in all() {
        if method == Method::GET {
            assert_ne!(need, Need::Change, "{path}");
        } else {
            // These change nothing but cookies.
            let is_cookie = ["/sign-in", "/sign-out", "/theme"].contains(&path);
            assert_eq!(need == Need::Change, !is_cookie, "{path}");
        }
    }
}

#[tokio::test]
async fn a_post_from_another_site_is_refused_everywhere() {
    let app =
        Dashboard::new(MemoryBackend::new(), Access::decided_by(|_| Permission::All)).into_router();
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for Route { method, path, .. } in all().into_iter().filter(|route| route.method != Method::GET)
    {
        for (name, value) in foreign {
            let request = Request::builder().method(&method).uri(address(path));
            let request = request.header("host", "errors.example").header(name, value);
            let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {path} {name}: {value}");
        }
    }
}
