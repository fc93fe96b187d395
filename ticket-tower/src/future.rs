//! [`ResponseFuture`].

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use ticket_handler::request::{RequestFuture as _, Scoped};

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::panics;

pin_project! {
    /// The response future of [`TicketHttp`](crate::TicketHttp).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<F> {
        // The request is left out, or belongs to a layer around this one.
        Passing {
            #[pin]
            future: Scoped<F>,
        },
        // The exchange is `None` once the response is on its way.
        Tracked {
            #[pin]
            future: Scoped<F>,
            exchange: Option<Box<Exchange>>,
        },
        // The service panicked before it returned a future.
        Panicked {
            response: Option<Response<&'static str>>,
        },
    }
}

impl<F: Future> ResponseFuture<F> {
    pub(crate) fn untracked(future: F) -> Self {
        Self::joined(future.in_current_request())
    }

    pub(crate) const fn joined(future: Scoped<F>) -> Self {
        Self { kind: Kind::Passing { future } }
    }

    pub(crate) const fn tracked(future: Scoped<F>, exchange: Box<Exchange>) -> Self {
        Self { kind: Kind::Tracked { future, exchange: Some(exchange) } }
    }

    pub(crate) const fn panicked(response: Response<&'static str>) -> Self {
        Self { kind: Kind::Panicked { response: Some(response) } }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: Display,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Passing { future } => {
                let response = ready!(future.poll(context));
                Poll::Ready(response.map(|response| response.map(ResponseBody::untracked)))
            }
            KindProjection::Tracked { future, exchange: slot } => {
                let polled = panics::catch(|| {
                    let mut result = ready!(future.poll(context));
                    if let (Ok(response), Some(exchange)) = (&mut result, slot.as_mut()) {
                        exchange.respond(response);
                    }
                    Poll::Ready(result)
                });
                let result = match polled {
                    Ok(polled) => ready!(polled).map_err(Failure::Error),
                    Err(payload) => Err(Failure::Panic(panics::text(&payload))),
                };
                // A future is not polled again after it is ready.
                let Some(exchange) = slot.take() else { return Poll::Pending };
                Poll::Ready(match result {
                    Ok(response) => Ok(ResponseBody::track(response, exchange)),
                    Err(Failure::Error(error)) => {
                        exchange.fail("service", &error);
                        Err(error)
                    }
                    Err(Failure::Panic(text)) => {
                        Ok(exchange.respond_to_panic(&text).map(ResponseBody::text))
                    }
                })
            }
            KindProjection::Panicked { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::text))),
                None => Poll::Pending,
            },
        }
    }
}

/// Why there is no response of the service.
enum Failure<E> {
    Error(E),
    Panic(ticket_core::SmolStr),
}
