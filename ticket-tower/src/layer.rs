//! [`TicketHttpLayer`] and its options.

use std::net::IpAddr;
use std::sync::Arc;

use http::{Extensions, HeaderName, StatusCode};
use ipnet::IpNet;
use smol_str::format_smolstr;
use ticket_audit::EventTracker;
use ticket_core::SmolStr;
use ticket_handler::BackgroundHandler;
use tower_layer::Layer;

use crate::address::{Proxies, ProxyHeader};
use crate::options::Options;
use crate::service::TicketHttp;

/// Makes every HTTP request an audited request, and failures of requests tickets.
///
/// What the layer does is in the [documentation of the crate](crate).
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use http::header::USER_AGENT;
/// use ticket_tower::{IpNet, ProxyHeader, TicketHttpLayer};
/// # use ticket_direct::HandlerOptions;
/// # use ticket_handler::BackgroundHandler;
/// # use ticket_memory::MemoryBackend;
///
/// #[derive(Clone)]
/// struct User {
///     name: String,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let options = HandlerOptions::new("shop");
/// # let handler = BackgroundHandler::builder(options).backend(MemoryBackend::new())?;
/// let layer = TicketHttpLayer::new(&handler)
///     .with_trusted_proxies(ProxyHeader::XForwardedFor, ["10.0.0.0/8".parse::<IpNet>()?])
///     .with_user(|extensions| extensions.get::<User>().map(|user| user.name.clone()))
///     .with_failures(|status| status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
///     .with_ignored(["/health", "/assets/{*path}"])
///     .with_headers([USER_AGENT]);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TicketHttpLayer {
    options: Arc<Options>,
}

impl TicketHttpLayer {
    /// Creates a layer that makes tickets through this handler.
    ///
    /// Handlers of the [process's tracker](EventTracker::new) are told of the requests, unless the layer gets
    /// [another tracker](Self::with_tracker).
    #[must_use]
    pub fn new(handler: &BackgroundHandler) -> Self {
        Self { options: Arc::new(Options::new(EventTracker::new(), handler.clone())) }
    }

    /// Sets the tracker whose handlers are told of the requests.
    ///
    /// It may have a [`TicketHandler`](ticket_audit::TicketHandler): if that reports an event that has failed, the 5xx to
    /// which the failure leads makes no second ticket.
    #[must_use]
    pub fn with_tracker(mut self, tracker: EventTracker) -> Self {
        self.options_mut().tracker = tracker;
        self
    }

    /// Trusts proxies in these networks to name the client for which they forward a request; none are trusted by default.
    ///
    /// If a request comes from one of these networks, the client's address is the last address in the header that
    /// belongs to none of them. Choose the header that your proxies write. The other one is ignored, since a client
    /// may send it and a proxy that does not know it passes it on.
    ///
    /// The items are addresses, or networks such as `"10.0.0.0/8".parse::<IpNet>()?`.
    #[must_use]
    pub fn with_trusted_proxies<N: Into<IpNet>>(
        mut self,
        header: ProxyHeader,
        networks: impl IntoIterator<Item = N>,
    ) -> Self {
        let networks = networks.into_iter().map(Into::into).collect();
        self.options_mut().proxies = Some(Proxies::new(header, networks));
        self
    }

    /// Sets how the address of the connection's peer is found in the extensions of a request.
    ///
    /// By default this is axum's `ConnectInfo<SocketAddr>` (with the feature `axum`), or else a `SocketAddr`. With tonic:
    ///
    /// ```
    /// use tonic::transport::server::TcpConnectInfo;
    /// # use ticket_direct::HandlerOptions;
    /// # use ticket_handler::BackgroundHandler;
    /// # use ticket_tower::TicketHttpLayer;
    ///
    /// # let handler = BackgroundHandler::off(HandlerOptions::new("blog"));
    /// let layer = TicketHttpLayer::new(&handler).with_peer_address(|extensions| {
    ///     let info = extensions.get::<TcpConnectInfo>()?;
    ///     info.remote_addr().map(|address| address.ip())
    /// });
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn with_peer_address(
        mut self,
        lookup: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.options_mut().peer_address = Some(Arc::new(lookup));
        self
    }

    /// Sets the header that carries the request's id; `x-request-id` by default.
    ///
    /// The layer takes the id from the request if it has exactly one such header, of at most 128 ASCII letters, digits and
    /// characters out of `-_.:/+=@~`. Otherwise it makes one. The response gets the header too, unless the application
    /// has set it.
    #[must_use]
    pub fn with_request_id_header(mut self, name: HeaderName) -> Self {
        self.options_mut().request_id = name;
        self
    }

    /// Sets how the user of a request is found in its extensions.
    ///
    /// The function is called with the extensions of the request when it arrives, and with the extensions of the
    /// response. So an authentication that runs inside this layer can leave the user in the response. It can also call
    /// [`RequestContext::set_user`](crate::RequestContext::set_user), and then records carry the user from there on.
    #[must_use]
    pub fn with_user<U: Into<SmolStr>>(
        mut self,
        lookup: impl Fn(&Extensions) -> Option<U> + Send + Sync + 'static,
    ) -> Self {
        self.options_mut().user =
            Some(Arc::new(move |extensions| lookup(extensions).map(Into::into)));
        self
    }

    /// Sets which statuses are failures; 500 to 599 by default.
    ///
    /// The status of a gRPC call counts as the HTTP status that means the same: `UNKNOWN`, `INTERNAL` and `DATA_LOSS` as
    /// 500, `UNAVAILABLE` as 503, `DEADLINE_EXCEEDED` as 504, and all errors that clients cause as 4xx.
    #[must_use]
    pub fn with_failures(
        mut self,
        is_failure: impl Fn(StatusCode) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.options_mut().is_failure = Arc::new(is_failure);
        self
    }

    /// Leaves out requests with one of these paths or routes, such as health checks. For these the layer does nothing at
    /// all, not even if they panic.
    #[must_use]
    pub fn with_ignored<P: Into<SmolStr>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.options_mut().ignored = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Records these headers of requests, as attributes such as `header.user-agent`; none by default.
    ///
    /// In tickets and stored events they are redacted like everything else, so cookies and tokens do not show up
    /// there. Other handlers of the tracker see the values as they are. Values marked as sensitive are left out.
    #[must_use]
    pub fn with_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let named = |name: HeaderName| {
            let attribute = format_smolstr!("header.{name}");
            (name, attribute)
        };
        self.options_mut().headers = names.into_iter().map(named).collect();
        self
    }

    fn options_mut(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }
}

impl<S> Layer<S> for TicketHttpLayer {
    type Service = TicketHttp<S>;

    fn layer(&self, inner: S) -> TicketHttp<S> {
        TicketHttp::new(inner, Arc::clone(&self.options))
    }
}
