//! Who sends a request: the blog's own sign-in, which its dashboard shares.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Form, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ticket_tower::RequestContext;
use ticket_web::{Access, Grant, Permission};

/// The password of everybody, which is good enough for an example.
pub const PASSWORD: &str = "blog";

/// The user who sees the tickets. Others see that they may not.
pub const ADMIN: &str = "ann";

/// A user who is signed in.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's name.
    pub name: String,
}

impl User {
    /// Returns `true` if the user may see the tickets.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.name == ADMIN
    }
}

/// The users who are signed in, by the value of their cookie. Replace this with the sessions of your application.
#[derive(Clone, Debug, Default)]
pub struct Sessions(Arc<Mutex<HashMap<String, User>>>);

impl Sessions {
    fn begin(&self, user: User) -> String {
        // Two random numbers whose keys the operating system has chosen.
        let id = format!(
            "{:016x}{:016x}",
            RandomState::new().hash_one(1),
            RandomState::new().hash_one(2)
        );
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), user);
        id
    }

    fn user(&self, headers: &HeaderMap) -> Option<User> {
        let cookies = headers.get(COOKIE)?.to_str().ok()?;
        let mut cookies = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        let (_, id) = cookies.find(|(name, _)| *name == "blog_session")?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// Finds out who sends a request, and adds it to the request and to whatever is recorded of it from here on.
///
/// The user is who has signed in, or who the proxy in front of the blog says it is.
pub(crate) async fn identify(
    State(sessions): State<Sessions>,
    mut request: Request,
    next: Next,
) -> Response {
    let by_proxy = || {
        let name = request.headers().get("x-user")?.to_str().ok()?;
        Some(User { name: name.to_owned() })
    };
    let user = sessions.user(request.headers()).or_else(by_proxy);
    if let Some(current) = RequestContext::current() {
        if let Some(user) = &user {
            current.set_user(&user.name);
        }
        current.set_attribute("is_admin", user.as_ref().is_some_and(User::is_admin));
    }
    if let Some(user) = user {
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

/// Returns who may see the tickets: the blog's admin, whose name is in the history of what was changed.
pub fn access() -> Access {
    Access::decided_by(|request| match request.extensions.get::<User>() {
        Some(user) if user.is_admin() => Grant::all().with_name(&user.name),
        _ => Permission::None.into(),
    })
}

pub(crate) async fn form() -> Html<&'static str> {
    Html(
        "<!DOCTYPE html><title>Sign in</title><form method=post><input name=name placeholder=Name required> \
         <input name=password type=password placeholder=Password required> <button>Sign in</button></form>",
    )
}

#[derive(serde::Deserialize)]
pub(crate) struct SignIn {
    name: String,
    password: String,
}

pub(crate) async fn sign_in(
    State(sessions): State<Sessions>,
    Form(SignIn { name, password }): Form<SignIn>,
) -> Response {
    if password != PASSWORD {
        return (StatusCode::UNAUTHORIZED, "wrong password\n").into_response();
    }
    let id = sessions.begin(User { name });
    let cookie = format!("blog_session={id}; Path=/; HttpOnly; SameSite=Strict");
    ([(SET_COOKIE, cookie)], Redirect::to("/admin/errors")).into_response()
}
