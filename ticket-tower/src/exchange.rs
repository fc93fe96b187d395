//! [`Exchange`]: a request on its way to its response.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use http::header::Entry;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use smol_str::format_smolstr;
use ticket_audit::{Outcome, RequestStart};
use ticket_core::record::Request as HttpRequest;
use ticket_core::{Level, Record, SmolStr};
use ticket_handler::RequestContext;

use crate::options::{self, Options};
use crate::request_id::RequestId;
use crate::{address, grpc};

/// The decision about a request that has arrived; from [`Exchange::begin`].
pub(crate) enum Arrival {
    /// The request is left out.
    Ignored,
    /// A layer around this one has begun the request.
    Joined(RequestContext),
    /// This layer has begun the request.
    Begun(Box<Exchange>),
}

/// Marks a request that a layer has begun, for layers inside that one.
#[derive(Clone)]
struct Mark(RequestContext);

/// A request that is being served, from its arrival to the end of its response's body.
///
/// Its guard ends the audited request exactly once: in one of the methods that consume the exchange, or when the
/// exchange is dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    options: Arc<Options>,
    request: ticket_audit::Request,
    context: RequestContext,
    started: Instant,
    method: Method,
    is_grpc: bool,
    /// `None` once the response has it.
    request_id: Option<HeaderValue>,
    /// Set once the request has failed, however its body ends.
    failure: Option<Outcome>,
}

impl Exchange {
    /// Begins a request, unless it is left out or has been begun already.
    pub(crate) fn begin<B>(options: &Arc<Options>, request: &mut Request<B>) -> Arrival {
        let (extensions, headers) = (request.extensions(), request.headers());
        let route = options::route(extensions);
        if let Some(Mark(context)) = extensions.get() {
            if let Some(route) = route {
                context.set_route(route);
            }
            return Arrival::Joined(context.clone());
        }
        let path = request.uri().path();
        if options.ignores(path, route) {
            return Arrival::Ignored;
        }

        let method = request.method().clone();
        let mut start = RequestStart::from(HttpRequest::new());
        let request_id = RequestId::new(headers, &options.request_id, start.time);
        let http = &mut start.http;
        http.method = Some(method_name(&method).unwrap_or_else(|| method.as_str().into()));
        http.path = Some(path.into());
        http.route = route.map(SmolStr::new);
        http.remote_address = options.client(extensions, headers).map(address::text);
        http.request_id = Some(request_id.text);
        for (name, value) in options.headers(headers) {
            start = start.with_attribute(name, value);
        }
        let guard = options.tracker.begin(start);
        // There is none on the thread of a handler, whose own requests the tracker does not follow.
        let context = guard.context().cloned();
        let context = context.unwrap_or_else(|| RequestContext::new(HttpRequest::new()));

        let exchange = Self {
            options: Arc::clone(options),
            request: guard,
            context: context.clone(),
            started: Instant::now(),
            is_grpc: grpc::is_grpc(headers),
            method,
            request_id: Some(request_id.value),
            failure: None,
        };
        request.extensions_mut().insert(Mark(context));
        Arrival::Begun(Box::new(exchange))
    }

    pub(crate) const fn context(&self) -> &RequestContext {
        &self.context
    }

    /// Takes note of the head of the response, and adds the request's id to it. Calls functions of the options, which may
    /// panic.
    pub(crate) fn respond<B>(&mut self, response: &mut Response<B>) {
        let status = response.status();
        self.context.set_status(status.as_u16());
        self.options.find_user(response.extensions(), &self.context);
        let is_grpc = grpc::is_grpc(response.headers());
        if is_grpc {
            self.set_method_as_route();
        }
        if (self.options.is_failure)(status) {
            self.fail_with_status(status);
        } else if is_grpc {
            self.note_grpc_status(response.headers());
        }
        self.add_request_id(response.headers_mut());
    }

    /// Returns `true` if no body follows the head of a response with this status, whatever the service has returned as
    /// its body.
    pub(crate) fn has_no_body(&self, status: StatusCode) -> bool {
        let is_tunnel = self.method == Method::CONNECT && status.is_success();
        let is_bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self.method == Method::HEAD || is_tunnel || is_bodiless || status.is_informational()
    }

    /// Ends the request: the response is complete.
    pub(crate) fn complete(self) {
        self.request.end(self.failure.unwrap_or(Outcome::Done));
    }

    /// Ends the request: the response was dropped before its end.
    pub(crate) fn abort(self) {
        if let Some(failure) = self.failure {
            self.request.end(failure);
        }
        // Otherwise the guard knows whether a panic drops it.
    }

    /// Ends the request: a part of the application has failed with this error.
    pub(crate) fn fail(mut self, part: &str, error: &impl Display) {
        self.fail_with(&format_smolstr!("the {part} failed"), &error.to_string());
        self.complete();
    }

    /// Ends the request: the service has panicked instead of responding. Returns the response to send.
    pub(crate) fn respond_to_panic(mut self, panic: &str) -> Response<&'static str> {
        let mut response;
        if self.is_grpc {
            self.set_method_as_route();
            response = Response::new("");
            grpc::add_internal_error(response.headers_mut());
        } else {
            response = Response::new("Internal Server Error");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
        }
        self.add_request_id(response.headers_mut());
        self.context.set_status(response.status().as_u16());
        self.panicked(panic);
        response
    }

    /// Ends the request: the service or the body of the response has panicked.
    ///
    /// The panic hook of `ticket-tracing`, if it is installed, has noted by now that it records the panic. Nothing else
    /// records with the level `critical` by itself, so that is how to tell.
    pub(crate) fn panicked(self, text: &str) {
        if self.context.recorded_level() < Some(Level::Critical) {
            self.emit(Record::new(Level::Critical, "panic", text));
        }
        self.request.end(Outcome::Panicked);
    }

    fn add_request_id(&mut self, headers: &mut HeaderMap) {
        if let Entry::Vacant(entry) = headers.entry(&self.options.request_id)
            && let Some(id) = self.request_id.take()
        {
            entry.insert(id);
        }
    }

    /// Makes the path the route: the path of a gRPC call names a method, while the router of tonic only knows services.
    fn set_method_as_route(&self) {
        let HttpRequest { path, route, .. } = self.context.request();
        if let Some(path) = path
            && route.is_none_or(|route| route.contains("{*"))
        {
            self.context.set_route(path);
        }
    }

    /// Takes note of the status of a gRPC call, if it is in these headers or trailers.
    pub(crate) fn note_grpc_status(&mut self, headers: &HeaderMap) {
        let Some(status) = grpc::Status::find(headers) else { return };
        self.context.set_attribute("grpc_status", status.name);
        if (self.options.is_failure)(status.http) {
            self.fail_with(status.name, &status.message);
        }
    }

    fn fail_with_status(&mut self, status: StatusCode) {
        let reason = status.canonical_reason().unwrap_or_default();
        self.fail_with(format_smolstr!("{} {reason}", status.as_u16()).trim_end(), "");
    }

    /// Takes note that the request has failed, and makes a ticket if nobody has reported an error in it.
    ///
    /// The kind is what distinguishes tickets of a route; the details may be different in each of its occurrences.
    fn fail_with(&mut self, kind: &str, details: &str) {
        let colon = if details.is_empty() { "" } else { ": " };
        let failure = format_smolstr!("{kind}{colon}{details}");
        self.failure = Some(Outcome::from_message(failure.clone()));
        let is_reported = self.context.recorded_level() >= Some(Level::Error);
        if is_reported || self.request.has_reported_failure() {
            return;
        }
        let HttpRequest { route, path, .. } = self.context.request();
        let method = method_name(&self.method);
        // Without a route, all paths share a ticket: clients choose paths, and could make any number of tickets. The
        // same goes for methods that are not standard.
        let fingerprint = format_smolstr!(
            "http {kind} {} {}",
            method.as_deref().unwrap_or("other"),
            route.as_deref().unwrap_or_default()
        );
        let place = route.or(path).unwrap_or_default();
        let message = format_smolstr!("{} {place}: {failure}", self.method);
        self.emit(Record::new(Level::Error, "http", message).with_fingerprint(fingerprint));
    }

    fn emit(&self, record: Record) {
        let millis = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let mut record = record.with_trait("duration_ms", millis);
        record.process = Some(std::process::id());
        // The handler counts and reports what it could not take.
        let _ = self.context.sync_scope(|| self.options.tickets.emit(record));
    }
}

/// Returns the name of a standard method, which costs no allocation.
fn method_name(method: &Method) -> Option<SmolStr> {
    let name = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => return None,
    };
    Some(SmolStr::new_static(name))
}
