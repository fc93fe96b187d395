//! [`ResponseBody`].

use std::fmt::Display;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{Response, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use ticket_handler::RequestContext;

use crate::exchange::Exchange;
use crate::panics;

pin_project! {
    /// The response body of [`TicketHttp`](crate::TicketHttp): the inner service's, or a short text after a panic.
    ///
    /// The request ends when the body ends, fails or is dropped. It is never read ahead.
    #[derive(Debug)]
    pub struct ResponseBody<B: Body> {
        // `None` if there is only a text, and while it is dropped.
        #[pin]
        body: Option<B>,
        text: Option<&'static str>,
        // The request in which the body is polled and dropped.
        scope: Option<RequestContext>,
        // `None` once the request has ended.
        exchange: Option<Box<Exchange>>,
        // How many bytes are to come, if that is known.
        left: Option<u64>,
    }

    impl<B: Body> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let exchange = this.exchange.take();
            // A server drops a body that needs not be polled once more: it is at its end, or as much has come
            // of it as the header `Content-Length` says.
            let is_complete = exchange.is_some()
                && (*this.left == Some(0)
                    || this.body.as_ref().get_ref().as_ref().is_none_or(Body::is_end_stream));
            match this.scope {
                Some(scope) => scope.sync_scope(|| this.body.set(None)),
                None => this.body.set(None),
            }
            match exchange {
                Some(exchange) if is_complete => exchange.complete(),
                Some(exchange) => exchange.abort(),
                None => {}
            }
        }
    }
}

impl<B: Body> ResponseBody<B> {
    pub(crate) const fn text(text: &'static str) -> Self {
        Self { body: None, text: Some(text), scope: None, exchange: None, left: None }
    }

    pub(crate) const fn untracked(body: B) -> Self {
        Self { body: Some(body), text: None, scope: None, exchange: None, left: None }
    }

    /// Returns the response with a body that ends the request, or ends it now if no body follows.
    pub(crate) fn track(response: Response<B>, exchange: Box<Exchange>) -> Response<Self> {
        let (head, body) = response.into_parts();
        let announced = || {
            let length = head.headers.get(header::CONTENT_LENGTH)?;
            length.to_str().ok()?.parse().ok()
        };
        let left = body.size_hint().exact().or_else(announced);
        let scope = Some(exchange.context().clone());
        let exchange = if exchange.has_no_body(head.status) || body.is_end_stream() {
            exchange.complete();
            None
        } else {
            Some(exchange)
        };
        let body = Self { body: Some(body), text: None, scope, exchange, left };
        Response::from_parts(head, body)
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Data: From<&'static [u8]>,
    B::Error: Display,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(body) = this.body.as_pin_mut() else {
            let text = this.text.take().filter(|text| !text.is_empty());
            return Poll::Ready(text.map(|text| Ok(Frame::data(text.as_bytes().into()))));
        };
        let Some(scope) = this.scope else { return body.poll_frame(context) };
        let polled = match panics::catch(|| scope.sync_scope(|| body.poll_frame(context))) {
            Ok(polled) => polled,
            Err(payload) => {
                if let Some(exchange) = this.exchange.take() {
                    exchange.panicked(&panics::text(&payload));
                }
                // The head has been sent. The server must cut the response off, and so the client notices.
                resume_unwind(payload)
            }
        };
        let Poll::Ready(frame) = polled else { return Poll::Pending };
        let Some(mut exchange) = this.exchange.take() else { return Poll::Ready(frame) };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(data), Some(left)) = (frame.data_ref(), this.left.as_mut()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                if let Some(trailers) = frame.trailers_ref() {
                    exchange.note_grpc_status(trailers);
                    exchange.complete();
                } else {
                    *this.exchange = Some(exchange);
                }
            }
            Some(Err(error)) => exchange.fail("body of the response", error),
            None => exchange.complete(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Some(body) => body.is_end_stream(),
            None => self.text.is_none_or(str::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) => body.size_hint(),
            None => SizeHint::with_exact(self.text.map_or(0, str::len) as u64),
        }
    }
}
