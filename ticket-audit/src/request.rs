//! [`RequestStart`] and [`RequestEnd`]: what handlers get to see of a request.

use std::time::Duration;

use smol_str::format_smolstr;
use ticket_core::record::Request as HttpRequest;
use ticket_core::{SmolStr, Timestamp, Traits, Value};
use ticket_handler::RequestContext;

use crate::outcome::Outcome;

/// A request that has started: what was asked, and what is known about it so far.
///
/// A text is enough to [begin](crate::EventTracker::begin) a request; this type says more.
///
/// ```
/// use ticket_audit::{EventTracker, RequestStart};
///
/// let tracker = EventTracker::new();
/// let start = RequestStart::new("Who works in Berlin?").with_attribute("collection", "people");
/// let request = tracker.begin(start);
/// request.finish("3 rows");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestStart {
    /// What the user asked for: a question, or a method and a path. If it is empty, handlers find the method and the
    /// path of the web request.
    pub user_request: SmolStr,
    /// The id of the request; handlers always find one.
    pub id: SmolStr,
    /// The web request, empty for other requests.
    pub http: HttpRequest,
    /// Further values.
    pub attributes: Traits,
    /// The time at which it started.
    pub time: Timestamp,
    context: Option<RequestContext>,
}

impl RequestStart {
    /// Creates the start of a request, now.
    #[must_use]
    pub fn new(user_request: impl Into<SmolStr>) -> Self {
        Self {
            user_request: user_request.into(),
            id: SmolStr::default(),
            http: HttpRequest::new(),
            attributes: Traits::new(),
            time: Timestamp::now(),
            context: None,
        }
    }

    /// Sets the id. By default it is the id of the [web request](Self::with_http), or a new UUID if that has none.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<SmolStr>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets the web request, which all records emitted within the request carry.
    #[must_use]
    pub fn with_http(mut self, http: HttpRequest) -> Self {
        self.http = http;
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<SmolStr>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Returns the context that is current while the request is served, for handlers that emit records on its
    /// behalf.
    #[must_use]
    pub const fn context(&self) -> Option<&RequestContext> {
        self.context.as_ref()
    }

    /// Sets the context, and with it what handlers find out about the web request.
    pub(crate) fn set_context(&mut self, context: RequestContext) {
        self.http = context.request();
        if self.user_request.is_empty() && !self.http.is_empty() {
            let HttpRequest { method, path, .. } = &self.http;
            let texts = [method, path].map(|text| text.as_deref().unwrap_or_default());
            self.user_request = format_smolstr!("{} {}", texts[0], texts[1]);
        }
        self.context = Some(context);
    }
}

macro_rules! start_from {
    ($($text:ty),*) => {
        $(
            /// Creates a start from what the user asked for.
            impl From<$text> for RequestStart {
                fn from(user_request: $text) -> Self {
                    Self::new(user_request)
                }
            }
        )*
    };
}

/// Creates the start of a web request, whose text is its method and its path.
impl From<HttpRequest> for RequestStart {
    fn from(http: HttpRequest) -> Self {
        // The text is made only if there are handlers that see it.
        Self { http, ..Self::new(SmolStr::default()) }
    }
}

// Not one implementation for every `Into<SmolStr>`: it would overlap with `From<RequestStart>`.
start_from!(&str, String, SmolStr);

/// A request that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestEnd {
    /// The output of the request, if it had one.
    pub output: Option<Value>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub duration: Duration,
    /// The web request as it is known at the end, with its route, user and status.
    pub http: HttpRequest,
    /// The attributes as they are at the end.
    pub attributes: Traits,
}
