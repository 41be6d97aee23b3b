//! Bytes on the socket: WebSocket frames and Centrifugo's protocol. Pure.

pub mod cast;
pub mod centrifugo;
pub mod close;
pub mod deflate;
pub mod fossil;
pub mod frame;
pub mod websocket;

pub use cast::{Cast, Shape, View};
pub use close::Close;
pub use frame::{Dialect, Frame, Framing};
