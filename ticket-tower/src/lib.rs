#![doc = include_str!("../README.md")]

mod address;
mod body;
mod exchange;
mod future;
mod grpc;
mod layer;
mod options;
mod panics;
mod request_id;
mod service;

pub use ipnet::IpNet;
pub use ticket_handler::RequestContext;

pub use self::address::ProxyHeader;
pub use self::body::ResponseBody;
pub use self::future::ResponseFuture;
pub use self::layer::TicketHttpLayer;
pub use self::service::TicketHttp;
