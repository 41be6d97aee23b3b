//! A client of Centrifugo's protocol in JSON.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async, tungstenite::Message};

use crate::server::{SOON, Server};

/// A connected client.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pending: std::collections::VecDeque<Value>,
    next: u32,
    pub(crate) id: String,
    /// Bytes of text that were read.
    pub(crate) bytes: usize,
    /// How long it waits for a frame.
    patience: Duration,
}

impl Client {
    /// Opens a socket and connects.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_to(server.address).await
    }

    /// As [`Client::connect`], to a server of another process.
    pub(crate) async fn connect_to(address: SocketAddr) -> Self {
        let mut client = Self::open_to(address).await;
        let reply = client.call("connect", json!({ "name": "test" })).await;
        client.id = reply["connect"]["client"].as_str().unwrap().to_owned();
        client
    }

    /// Connects, with room for so many bytes that came and were not read: the kernel doubles it for its own part.
    pub(crate) async fn narrow(server: &Server, room: u32) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(room).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(server.address).await.unwrap());
        let url = format!("ws://{}/connection/websocket", server.address);
        let (socket, _) = client_async(url, stream).await.unwrap();
        let mut client = Self::over(socket);
        // A full buffer makes the kernel drop segments that it had room for by its own word, and the other end sends
        // them again only after a time that has doubled for as long as nothing was read.
        client.patience = 4 * SOON;
        client.call("connect", json!({ "name": "test" })).await;
        client
    }

    /// Waits so long for a frame, for what takes its time.
    pub(crate) fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Opens a socket and says nothing.
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_to(server.address).await
    }

    async fn open_to(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/connection/websocket");
        Self::over(connect_async(url).await.unwrap().0)
    }

    fn over(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self {
            socket,
            pending: std::collections::VecDeque::new(),
            next: 0,
            id: String::new(),
            bytes: 0,
            patience: SOON,
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends a command and returns its reply; pushes that come before it are kept.
    pub(crate) async fn call(&mut self, method: &str, argument: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "id": id, method: argument }).to_string()).await;
        let mut kept = Vec::new();
        loop {
            let message = self.next().await;
            if message["id"] == id {
                self.pending.extend(kept);
                return message;
            }
            kept.push(message);
        }
    }

    /// As [`Client::connect_to`], to a server that may end at any time.
    pub(crate) async fn try_connect_to(address: SocketAddr) -> Option<Self> {
        let url = format!("ws://{address}/connection/websocket");
        let mut client = Self::over(connect_async(url).await.ok()?.0);
        let reply = client.try_call("connect", json!({ "name": "test" })).await?;
        client.id = reply["connect"]["client"].as_str()?.to_owned();
        Some(client)
    }

    /// As [`Client::call`], of a server that may end at any time; pushes before the reply are left out.
    pub(crate) async fn try_call(&mut self, method: &str, argument: Value) -> Option<Value> {
        self.next += 1;
        let id = self.next;
        let command = json!({ "id": id, method: argument }).to_string();
        self.socket.send(Message::text(command)).await.ok()?;
        loop {
            let frame =
                tokio::time::timeout(self.patience, self.socket.next()).await.expect("a frame in time");
            let Message::Text(text) = frame?.ok()? else { return None };
            let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            if let Some(reply) = lines.find(|message| message["id"] == id) {
                return Some(reply);
            }
        }
    }

    /// What comes in the next frame, of a server that may end at any time; pings are answered.
    pub(crate) async fn try_read(&mut self) -> Option<Vec<Value>> {
        let frame = tokio::time::timeout(self.patience, self.socket.next()).await.expect("a frame in time");
        let Message::Text(text) = frame?.ok()? else { return None };
        let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if messages.contains(&json!({})) {
            self.socket.send(Message::text("{}")).await.ok()?;
        }
        Some(messages)
    }

    /// The next reply or push; pings are answered.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some(message) = self.pending.pop_front() {
                if message == json!({}) {
                    self.send("{}").await;
                    continue;
                }
                return message;
            }
            match self.frame().await {
                Message::Text(text) => {
                    self.bytes += text.len();
                    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
                    self.pending.extend(lines);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// As [`Client::call`]; pushes that come before the reply are left out.
    pub(crate) async fn call_afresh(&mut self, method: &str, argument: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "id": id, method: argument }).to_string()).await;
        loop {
            let message = self.next().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The next push of a kind on a channel.
    pub(crate) async fn push(&mut self, channel: &str, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            let push = &message["push"];
            if push["channel"] == channel && !push[kind].is_null() {
                return push[kind].clone();
            }
        }
    }

    /// The code with which the server closes.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Message::Close(Some(close)) => return close.code.into(),
                Message::Close(None) => return 0,
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> Message {
        let frame = tokio::time::timeout(self.patience, self.socket.next()).await.expect("a frame in time");
        frame.expect("the socket is open").unwrap()
    }
}
