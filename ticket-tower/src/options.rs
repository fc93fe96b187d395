//! The options of the layer, and what they read out of a request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName, StatusCode};
use ticket_audit::EventTracker;
use ticket_core::SmolStr;
use ticket_handler::{BackgroundHandler, RequestContext};

use crate::address::Proxies;
use crate::panics;

type Lookup<T> = Arc<dyn Fn(&Extensions) -> Option<T> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) tracker: EventTracker,
    pub(crate) tickets: BackgroundHandler,
    pub(crate) proxies: Option<Proxies>,
    pub(crate) peer_address: Option<Lookup<IpAddr>>,
    pub(crate) request_id: HeaderName,
    pub(crate) user: Option<Lookup<SmolStr>>,
    pub(crate) is_failure: Arc<dyn Fn(StatusCode) -> bool + Send + Sync>,
    pub(crate) ignored: Vec<SmolStr>,
    /// The headers that are recorded, each with the name of its attribute.
    pub(crate) headers: Vec<(HeaderName, SmolStr)>,
}

impl Options {
    pub(crate) fn new(tracker: EventTracker, tickets: BackgroundHandler) -> Self {
        Self {
            tracker,
            tickets,
            proxies: None,
            peer_address: None,
            request_id: HeaderName::from_static("x-request-id"),
            user: None,
            is_failure: Arc::new(|status| status.is_server_error()),
            ignored: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Returns `true` if requests with this path or route are left out.
    pub(crate) fn ignores(&self, path: &str, route: Option<&str>) -> bool {
        self.ignored.iter().any(|ignored| ignored == path || Some(ignored.as_str()) == route)
    }

    /// Returns the address of the client.
    pub(crate) fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = match &self.peer_address {
            // A panic here would take the connection along, before there is a request that could fail.
            Some(lookup) => panics::catch(|| lookup(extensions)).ok().flatten(),
            None => peer_address(extensions),
        }?
        .to_canonical();
        Some(self.proxies.as_ref().map_or(peer, |proxies| proxies.client(peer, headers)))
    }

    /// Sets the user of a request, if the extensions of the request or of its response know one.
    pub(crate) fn find_user(&self, extensions: &Extensions, context: &RequestContext) {
        if let Some(user) = self.user.as_ref().and_then(|user| user(extensions)) {
            context.set_user(user);
        }
    }

    /// Returns the values of the headers that are recorded. What is marked as sensitive is left out.
    pub(crate) fn headers<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = (SmolStr, String)> + 'a {
        self.headers.iter().filter_map(|(name, attribute)| {
            let values = headers.get_all(name).iter().filter(|value| !value.is_sensitive());
            let values: Vec<_> =
                values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            (!values.is_empty()).then(|| (attribute.clone(), values.join(", ")))
        })
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tracker,
            tickets,
            proxies,
            peer_address: _,
            request_id,
            user: _,
            is_failure: _,
            ignored,
            headers,
        } = self;
        f.debug_struct("Options")
            .field("tracker", tracker)
            .field("tickets", tickets)
            .field("proxies", proxies)
            .field("request_id", request_id)
            .field("ignored", ignored)
            .field("headers", headers)
            .finish_non_exhaustive()
    }
}

/// Returns the address from which a connection comes, if the server has added it to the extensions of its requests.
fn peer_address(extensions: &Extensions) -> Option<IpAddr> {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) = extensions.get() {
        let address: &SocketAddr = address;
        return Some(address.ip());
    }
    extensions.get().map(SocketAddr::ip)
}

/// Returns the route that a router has matched.
pub(crate) fn route(extensions: &Extensions) -> Option<&str> {
    #[cfg(feature = "axum")]
    return extensions.get().map(axum::extract::MatchedPath::as_str);
    #[cfg(not(feature = "axum"))]
    {
        let _ = extensions;
        None
    }
}
