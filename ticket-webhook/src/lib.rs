#![doc = include_str!("../README.md")]

mod address;
mod client;
mod message;
mod notifier;
mod queue;
#[cfg(test)]
mod tests;
mod webhook;

pub use self::notifier::Notifier;
pub use self::queue::NotifierStats;
pub use self::webhook::Webhook;
