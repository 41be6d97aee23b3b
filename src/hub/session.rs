//! What one client may say, and the answers.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::value::RawValue;

use super::{
    Hub, SUBSCRIPTIONS_MAX,
    channel::{Class, Rules},
    connection::Connection,
    outbox::{Delivery, REPLY_BYTES_LOW},
    refusal::{Refusal, internal},
    rpc,
    shard::Command,
    speaker::{Speaker, Speech},
    subscribe::{self, Joining},
};
use crate::backend::{HistoryFilter, StreamOptions};
use crate::model::Person;
use crate::wire::centrifugo::{
    self, ClientInfo, Connect, ConnectResult, ErrorCode, ErrorReply, History, HistoryResult, Method,
    PresenceResult, PresenceStats, Publish, Reply, Rpc, Subscribe,
};
use crate::wire::{Close, Frame};

/// Subscribes of one client that are carried out at once.
const JOIN_AT_ONCE: usize = 8;
/// Events of a room that one call gives: 200 cards of alerts are 300 KB.
pub(super) const HISTORY_PAGE_MAX: usize = 200;

/// A channel that the client is in.
#[derive(Debug)]
struct Subscription {
    channel: Arc<str>,
    rules: Rules,
}

/// Whether a subscribe came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    Yes,
    No,
}

/// The state of one client.
#[derive(Debug)]
pub(super) struct Session {
    hub: Hub,
    connection: Arc<Connection>,
    speaker: Speaker,
    connected: bool,
    subscriptions: Vec<Subscription>,
    /// Replies of one message, sent in one frame.
    replies: Vec<u8>,
}

/// An empty result.
#[derive(Debug, serde::Serialize)]
struct Empty {}

impl Session {
    /// The session of a client that has not connected yet.
    pub(super) fn new(hub: Hub, connection: Arc<Connection>, info: ClientInfo) -> Self {
        let speaker = Speaker::new(info, hub.0.counters.clone());
        Self { hub, connection, speaker, connected: false, subscriptions: Vec::new(), replies: Vec::new() }
    }

    /// Whether `connect` was answered.
    pub(super) const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Acts on one message.
    pub(super) async fn take(&mut self, text: &str) {
        let commands = match centrifugo::commands(text) {
            Ok(commands) => commands,
            Err(error) => {
                tracing::debug!(connection.number = self.connection.number, error = %error, "bad message");
                self.connection.close(Close::BadRequest);
                return;
            }
        };
        let mut joining = Vec::new();
        for command in commands {
            let Some(method) = command.method else {
                self.connection.ponged();
                continue;
            };
            if self.connection.is_closing() {
                return;
            }
            self.hub.0.counters.commands.increment();
            if !self.connected && !matches!(method, Method::Connect(_)) {
                self.connection.close(Close::BadRequest);
                return;
            }
            match method {
                Method::Subscribe(request) => match self.enter(&request) {
                    Ok((channel, rules)) => {
                        let info = self.speaker.info.clone();
                        joining.push(Joining { id: command.id, request: *request, channel, rules, info });
                    }
                    Err(refusal) => self.refuse(command.id, &refusal),
                },
                other => {
                    // Whatever follows a subscribe in the same message may rely on it.
                    self.join(std::mem::take(&mut joining)).await;
                    if let Err(refusal) = self.answer(command.id, other).await {
                        self.refuse(command.id, &refusal);
                    }
                    if REPLY_BYTES_LOW <= self.replies.len() {
                        self.flush();
                        self.connection.drained().await;
                    }
                }
            }
        }
        self.flush();
        self.join(joining).await;
        self.flush();
        // Idle connections give the buffer back.
        self.replies = Vec::new();
    }

    fn reply(&mut self, id: u32, method: &str, result: impl serde::Serialize) {
        self.line(Reply::json(id, method, result));
    }

    fn refuse(&mut self, id: u32, (code, message): &Refusal) {
        self.hub.0.counters.refused_command(*code);
        self.line(ErrorReply::json(id, *code, message));
    }

    fn line(&mut self, json: Vec<u8>) {
        if self.replies.is_empty() {
            self.replies = json;
        } else {
            self.replies.push(b'\n');
            self.replies.extend_from_slice(&json);
        }
    }

    fn flush(&mut self) {
        if !self.replies.is_empty() {
            self.connection.send(&Frame::text(&self.replies), Delivery::Reply);
            self.replies.clear();
        }
    }

    async fn answer(&mut self, id: u32, method: Method) -> Result<(), Refusal> {
        match method {
            Method::Connect(request) => self.connect(id, &request),
            Method::Unsubscribe(request) => {
                self.leave(&request.channel, Joined::Yes).await;
                self.reply(id, "unsubscribe", Empty {});
            }
            Method::Publish(request) => self.publish(id, request).await?,
            Method::Presence(request) => {
                let present = self.present(&request.channel).await?;
                let presence = present.into_iter().map(|info| (info.client.clone(), info)).collect();
                self.reply(id, "presence", PresenceResult { presence });
            }
            Method::PresenceStats(request) => {
                let present = self.present(&request.channel).await?;
                let users: std::collections::BTreeSet<_> = present.iter().map(|info| &info.user).collect();
                let stats = PresenceStats { num_clients: present.len(), num_users: users.len() };
                self.reply(id, "presence_stats", stats);
            }
            Method::History(request) => self.history(id, request).await?,
            Method::Ping(_) => self.reply(id, "ping", Empty {}),
            Method::Send(_) => {}
            Method::Rpc(request) => {
                let data = if request.method == "introduce" {
                    self.introduce(&request).await?
                } else {
                    rpc::answer(&self.hub, &mut self.speaker, &request).await?
                };
                self.reply(id, "rpc", rpc::RpcResult { data });
            }
            Method::Refresh(_) => {
                return Err((
                    ErrorCode::NotAvailable,
                    "connections here have no token to refresh".to_owned(),
                ));
            }
            Method::SubRefresh(_) => {
                return Err((
                    ErrorCode::NotAvailable,
                    "subscriptions here have no token to refresh".to_owned(),
                ));
            }
            // Taken by the caller.
            Method::Subscribe(_) => {}
        }
        Ok(())
    }

    fn connect(&mut self, id: u32, request: &Connect) {
        if std::mem::replace(&mut self.connected, true) {
            self.connection.close(Close::BadRequest);
            return;
        }
        self.speaker.connected(request.data.as_deref());
        let parts = &self.hub.0.parts;
        let result = ConnectResult {
            client: self.speaker.info.client.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ping: u32::try_from(super::shard::PING_SECONDS).unwrap_or(u32::MAX),
            pong: true,
            node: parts.node.clone(),
            time: parts.clock.now_ms(),
        };
        self.reply(id, "connect", result);
    }

    /// Says who the client is, to all rooms that it is in.
    async fn introduce(&mut self, request: &Rpc) -> Result<Box<RawValue>, Refusal> {
        self.speaker.may(Speech::Introduce)?;
        let person: Person = rpc::argument(request)?;
        self.speaker.introduce(person.clone());
        for Subscription { channel, rules } in &self.subscriptions {
            if rules.presence {
                let backend = &self.hub.0.parts.backend;
                backend.enter(channel, &self.speaker.info, rules.join_leave).await.map_err(internal)?;
            }
        }
        rpc::result(&person)
    }

    /// Notes a subscription, so that its limit and its uniqueness hold from here on.
    fn enter(&mut self, request: &Subscribe) -> Result<(Arc<str>, Rules), Refusal> {
        let channel = request.channel.as_str();
        let Some(rules) = self.hub.rules(channel) else {
            return Err((ErrorCode::UnknownChannel, ErrorCode::UnknownChannel.text().to_owned()));
        };
        if !rules.subscribe.client {
            return Err((ErrorCode::PermissionDenied, ErrorCode::PermissionDenied.text().to_owned()));
        }
        if self.subscription(channel).is_some() {
            return Err((ErrorCode::AlreadySubscribed, ErrorCode::AlreadySubscribed.text().to_owned()));
        }
        if SUBSCRIPTIONS_MAX <= self.subscriptions.len() {
            return Err((
                ErrorCode::LimitExceeded,
                format!("at most {SUBSCRIPTIONS_MAX} subscriptions on a connection"),
            ));
        }
        let (channel, rules): (Arc<str>, _) = (Arc::from(channel), rules.clone());
        self.subscriptions.push(Subscription { channel: Arc::clone(&channel), rules: rules.clone() });
        self.hub.0.counters.subscriptions.add(1.0);
        Ok((channel, rules))
    }

    fn subscription(&self, channel: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| &*subscription.channel == channel)
    }

    /// Carries out subscribes at once: a page opens dozens.
    async fn join(&mut self, joining: Vec<Joining>) {
        if joining.is_empty() {
            return;
        }
        self.flush();
        let (hub, connection) = (self.hub.clone(), Arc::clone(&self.connection));
        let mut joining = joining.into_iter();
        loop {
            let some: Vec<Joining> = joining.by_ref().take(JOIN_AT_ONCE).collect();
            if some.is_empty() {
                return;
            }
            let joins = some.into_iter().map(|one| subscribe::join(&hub, &connection, one));
            for (id, channel, refusal) in join_all(joins).await.into_iter().flatten() {
                self.leave(&channel, Joined::No).await;
                self.refuse(id, &refusal);
            }
            self.flush();
            connection.drained().await;
        }
    }

    async fn leave(&mut self, channel: &str, joined: Joined) {
        let at = self.subscriptions.iter().position(|subscription| &*subscription.channel == channel);
        let Some(at) = at else { return };
        let subscription = self.subscriptions.swap_remove(at);
        self.hub.0.counters.subscriptions.add(-1.0);
        let number = self.connection.number;
        let command = Command::Unsubscribe { channel: Arc::clone(&subscription.channel), number };
        // A shard that has stopped has no subscribers.
        drop(self.hub.shard(number).send(command).await);
        let Subscription { channel, rules } = subscription;
        // A live query that refused counts no viewer, and must not take off another's.
        if rules.class == Class::Series && joined == Joined::Yes {
            self.hub.0.parts.live.close(&channel).await;
        }
        if rules.presence {
            let backend = &self.hub.0.parts.backend;
            let left = backend.leave(&channel, &self.speaker.info, rules.join_leave).await;
            if let Err(error) = left {
                tracing::debug!(channel = &*channel, error = %error, "leave not announced");
            }
        }
    }

    async fn publish(&mut self, id: u32, request: Publish) -> Result<(), Refusal> {
        let rules = match self.subscription(&request.channel) {
            Some(subscription) if subscription.rules.publish.subscriber => subscription.rules.clone(),
            _ => return Err((ErrorCode::PermissionDenied, ErrorCode::PermissionDenied.text().to_owned())),
        };
        let info = Some(self.speaker.info.clone());
        let backend = &self.hub.0.parts.backend;
        backend
            .publish(&request.channel, one_line(request.data), info, rules.stream)
            .await
            .map_err(internal)?;
        self.reply(id, "publish", Empty {});
        Ok(())
    }

    fn allowed(&self, channel: &str, allows: impl Fn(&Rules) -> bool) -> Result<&Rules, Refusal> {
        match self.subscription(channel) {
            Some(subscription) if allows(&subscription.rules) => Ok(&subscription.rules),
            _ => Err((ErrorCode::PermissionDenied, ErrorCode::PermissionDenied.text().to_owned())),
        }
    }

    async fn present(&self, channel: &str) -> Result<Vec<centrifugo::ClientInfo>, Refusal> {
        let rules = self.allowed(channel, |rules| rules.presence_for.subscriber)?;
        if !rules.presence {
            return Err((ErrorCode::NotAvailable, ErrorCode::NotAvailable.text().to_owned()));
        }
        self.hub.0.parts.backend.presence(channel).await.map_err(internal)
    }

    async fn history(&mut self, id: u32, request: History) -> Result<(), Refusal> {
        let rules = self.allowed(&request.channel, |rules| rules.history_for.subscriber)?;
        if !rules.stream.is_kept() {
            return Err((ErrorCode::NotAvailable, ErrorCode::NotAvailable.text().to_owned()));
        }
        let filter = HistoryFilter {
            since: request.since.as_ref().map(|since| since.offset),
            limit: page_limit(request.limit, rules.stream),
            reverse: request.reverse,
        };
        let backend = &self.hub.0.parts.backend;
        let page = backend.history(&request.channel, &filter, rules.stream).await.map_err(internal)?;
        if request.since.is_some_and(|since| !since.epoch.is_empty() && since.epoch != page.position.epoch) {
            return Err((
                ErrorCode::UnrecoverablePosition,
                ErrorCode::UnrecoverablePosition.text().to_owned(),
            ));
        }
        let result = HistoryResult {
            publications: page.publications,
            epoch: page.position.epoch,
            offset: page.position.offset,
        };
        self.reply(id, "history", result);
        Ok(())
    }

    /// Leaves every channel: the client is gone.
    pub(super) async fn end(mut self) {
        while let Some(subscription) = self.subscriptions.last() {
            let channel = Arc::clone(&subscription.channel);
            self.leave(&channel, Joined::Yes).await;
        }
    }
}

/// The same JSON in one line: a line break ends a message of the protocol, and would cut this one in two for every reader.
fn one_line(data: Box<RawValue>) -> Box<RawValue> {
    if !data.get().contains(['\n', '\r']) {
        return data;
    }
    // Within strings they are escaped, so these stand between tokens.
    RawValue::from_string(data.get().replace(['\n', '\r'], " ")).unwrap_or(data)
}

/// How many publications a page of history has at most; nothing for all that are kept.
fn page_limit(asked: i64, stream: StreamOptions) -> Option<usize> {
    let asked = usize::try_from(asked).ok();
    match stream {
        StreamOptions::Journal => Some(asked.map_or(HISTORY_PAGE_MAX, |asked| asked.min(HISTORY_PAGE_MAX))),
        StreamOptions::Memory { .. } | StreamOptions::None => asked,
    }
}
