//! A load generator for servers of Centrifugo's protocol, and for those that benches compare with ours: many clients in one
//! channel, of which one publishes and all count what comes, and when.

pub mod clients;
pub mod frames;
pub mod measure;
pub mod process;
pub mod speech;
pub mod table;

pub use clients::{Load, MESSAGE_BYTES, Seen};
pub use speech::{Centrifugo, Speech};
