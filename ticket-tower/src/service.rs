//! [`TicketHttp`]: the service that the layer makes.

use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use ticket_handler::RequestContext;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::exchange::{Arrival, Exchange};
use crate::future::ResponseFuture;
use crate::options::Options;
use crate::panics;

/// Makes every HTTP request an audited request; from [`TicketHttpLayer`](crate::TicketHttpLayer).
///
/// The inner service may have any request body. The data of its response body must be convertible from static bytes, as
/// `Bytes` is, for the text that a client gets after a panic; the errors of the service and of the body must implement
/// `Display`, for tickets.
#[derive(Clone, Debug)]
pub struct TicketHttp<S> {
    inner: S,
    options: Arc<Options>,
}

impl<S> TicketHttp<S> {
    pub(crate) const fn new(inner: S, options: Arc<Options>) -> Self {
        Self { inner, options }
    }

    /// Returns the inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, to change it.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops this one.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> TicketHttp<S> {
    /// Calls the inner service in the context of the request, which is current.
    fn enter<B>(&mut self, request: Request<B>, context: &RequestContext) -> S::Future
    where
        S: Service<Request<B>>,
    {
        self.options.find_user(request.extensions(), context);
        self.inner.call(request)
    }
}

impl<S, B, R> Service<Request<B>> for TicketHttp<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Display,
    R: Body,
    R::Data: From<&'static [u8]>,
    R::Error: Display,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = match Exchange::begin(&self.options, &mut request) {
            Arrival::Ignored => return ResponseFuture::untracked(self.inner.call(request)),
            Arrival::Joined(context) => {
                let future = context.sync_scope(|| self.enter(request, &context));
                return ResponseFuture::joined(context.scope(future));
            }
            Arrival::Begun(exchange) => exchange,
        };
        let context = exchange.context();
        match panics::catch(|| context.sync_scope(|| self.enter(request, context))) {
            Ok(future) => ResponseFuture::tracked(context.scope(future), exchange),
            Err(payload) => {
                let response = exchange.respond_to_panic(&panics::text(&payload));
                ResponseFuture::panicked(response)
            }
        }
    }
}
