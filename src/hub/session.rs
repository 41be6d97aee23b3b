//! What one client may say, and the answers.

mod ask;
mod connect;
mod controls;
mod enter;
mod join;
mod keys;
mod map;
mod pace;
mod presence;

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Hub,
    channel::Rules,
    connection::Connection,
    outbox::{Delivery, REPLY_BYTES_LOW},
    permit::{Standing, Who},
    refusal::{Refusal, Stop, internal},
    rpc,
    speaker::{Speaker, Speech},
};
use crate::model::Person;
use crate::wire::Close;
use crate::wire::centrifugo::{
    self, Answer, ClientInfo, ErrorCode, Method, PresenceResult, Push, PushBody, Reply, Rpc, RpcResult,
};
use ask::checked;
use map::Pages;
use pace::Pace;

/// Events of a room that one call gives: 200 cards of alerts are 300 KB.
pub(super) const HISTORY_PAGE_MAX: usize = 200;

/// A channel that the client is in.
#[derive(Debug)]
struct Subscription {
    channel: Arc<str>,
    rules: Arc<Rules>,
    /// What others see of who it is, in this channel.
    info: Option<Box<Bytes>>,
    /// Whether it is listed as present…
    presence: bool,
    /// …and its coming and going told to others.
    announce: bool,
    /// When it expires, s since the epoch.
    expires_at: Option<i64>,
    by_server: bool,
    /// Whether who is present is listed as it was before a refresh.
    is_stale: bool,
}

/// Whether a subscribe came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    Yes,
    No,
}

/// How far a client has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has not said `connect`.
    New,
    /// Its `connect` was refused: it must try again on another connection.
    Refused,
    Connected,
}

/// The state of one client.
#[derive(Debug)]
pub(super) struct Session {
    hub: Hub,
    connection: Arc<Connection>,
    speaker: Speaker,
    phase: Phase,
    /// Whether a page of our own asks.
    is_page: bool,
    /// Names the session where commands come by another way than replies go.
    session: Option<Box<str>>,
    standing: Standing,
    /// The user of its token; a page has none.
    user: Box<str>,
    subscriptions: Vec<Subscription>,
    pace: Pace,
    /// Those that the connection's token asked for.
    token_channels: Vec<Box<str>>,
    /// Maps that the client reads, and is not live in yet.
    pages: Vec<Pages>,
    /// When its presence is renewed, s since the epoch.
    renew_at: Option<i64>,
    /// Replies of one message, sent together, and their bytes.
    replies: Vec<Vec<u8>>,
    bytes: usize,
}

impl Session {
    /// The session of a client that has not connected yet. `session` is its name, where commands come by another way
    /// than replies go.
    pub(super) fn new(
        hub: Hub,
        connection: Arc<Connection>,
        is_page: bool,
        session: Option<Box<str>>,
    ) -> Self {
        let info = ClientInfo { client: connection.client.to_string(), ..ClientInfo::default() };
        let speaker = Speaker::new(info, Arc::clone(&hub.0.counters));
        Self {
            hub,
            connection,
            speaker,
            phase: Phase::New,
            is_page,
            session,
            standing: Standing::Client,
            user: Box::default(),
            subscriptions: Vec::new(),
            pace: Pace::default(),
            token_channels: Vec::new(),
            pages: Vec::new(),
            renew_at: None,
            replies: Vec::new(),
            bytes: 0,
        }
    }

    /// Whether `connect` was answered.
    pub(super) fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    fn who(&self) -> Who<'_> {
        let insecure = self.hub.0.parts.options.insecure;
        Who { user: &self.user, standing: self.standing, insecure }
    }

    /// Acts on one message.
    pub(super) async fn take(&mut self, message: &[u8]) {
        let (commands, broken) = centrifugo::commands(self.connection.dialect.protocol, message);
        let mut joining = Vec::new();
        for command in commands {
            if self.connection.is_closing() || self.phase == Phase::Refused {
                break;
            }
            let id = command.id;
            let method = command.method();
            let is_pong = match &method {
                None => id == 0,
                Some(Method::Send(_)) => false,
                Some(_) => id == 0,
            };
            if is_pong && self.is_connected() {
                if !self.connection.ponged() {
                    self.connection.close(&Close::BadRequest);
                }
                continue;
            }
            let Some(method) = method
                .filter(|method| self.is_connected() || id != 0 && matches!(method, Method::Connect(_)))
            else {
                self.connection.close(&Close::BadRequest);
                break;
            };
            self.hub.0.counters.commands.increment();
            match method {
                Method::Subscribe(request) if !map::is_map(&request) => {
                    self.forget_late().await;
                    match self.enter(*request, id) {
                        Ok(one) => joining.push(one),
                        Err(stop) => {
                            // Answers come in the order of what was asked.
                            self.join(std::mem::take(&mut joining)).await;
                            self.stop(id, stop);
                        }
                    }
                }
                other => {
                    // Whatever follows a subscribe in the same message may rely on it.
                    self.join(std::mem::take(&mut joining)).await;
                    if let Err(stop) = self.answer(id, other).await {
                        self.stop(id, stop);
                    }
                    if REPLY_BYTES_LOW <= self.bytes {
                        self.flush();
                        self.connection.drained().await;
                    }
                }
            }
        }
        self.flush();
        if self.connection.is_closing() {
            // What was noted and not begun must not be left as if it had been.
            for one in std::mem::take(&mut joining) {
                self.leave(&one.channel, Joined::No).await;
            }
        }
        self.join(joining).await;
        self.flush();
        // Idle connections give the buffer back.
        self.replies = Vec::new();
        if let Some(error) = broken {
            tracing::debug!(connection.number = self.connection.number, error = %error, "bad message");
            self.connection.close(&Close::BadRequest);
        }
    }

    fn reply(&mut self, id: u32, answer: Answer) {
        self.say(&Reply::answer(id, answer));
    }

    fn push(&mut self, channel: &str, body: PushBody) {
        self.say(&Reply::push(Push::new(channel, body)));
    }

    fn say(&mut self, reply: &Reply) {
        match reply.encode(self.connection.dialect.protocol) {
            Some(message) => {
                self.bytes += message.len();
                self.replies.push(message);
            }
            None => self.connection.close(&Close::InappropriateProtocol),
        }
    }

    /// Says why a command is not carried out, or ends the connection for it.
    fn stop(&mut self, id: u32, stop: Stop) {
        match stop {
            Stop::Refuse((code, message)) => {
                self.hub.0.counters.refused_command(code);
                self.say(&Reply::error(id, code, &message));
            }
            Stop::Close(close) => {
                self.flush();
                self.connection.close(&close);
            }
        }
    }

    fn flush(&mut self) {
        if !self.replies.is_empty() {
            let frame = self.connection.dialect.frame(&self.replies);
            self.connection.send(&frame, Delivery::Reply);
            self.replies.clear();
            self.bytes = 0;
        }
    }

    async fn answer(&mut self, id: u32, method: Method) -> Result<(), Stop> {
        self.within_pace(&method)?;
        match method {
            Method::Connect(request) => self.connect(id, *request).await?,
            Method::Unsubscribe(request) => {
                checked(&request.channel)?;
                self.leave_for_good(&request.channel).await;
                self.reply(id, Answer::Unsubscribe);
            }
            Method::Publish(request) => self.publish(id, request).await?,
            Method::Presence(request) => {
                let present = self.present(&request.channel).await?;
                let presence = present.into_iter().map(|info| (info.client.clone(), info)).collect();
                self.reply(id, Answer::Presence(PresenceResult { presence }));
            }
            Method::PresenceStats(request) => {
                let present = self.present(&request.channel).await?;
                self.reply(id, Answer::PresenceStats(super::stats(&present)));
            }
            Method::History(request) => self.history(id, request).await?,
            Method::Ping if self.standing == Standing::Page => self.reply(id, Answer::Ping),
            Method::Ping => return Err(Close::BadRequest.into()),
            Method::Send(_) if self.standing == Standing::Page => {}
            Method::Send(_) => return Err(Close::NotAvailable.into()),
            Method::Rpc(request) => {
                if self.standing != Standing::Page {
                    return Err(Stop::refuse(ErrorCode::NotAvailable));
                }
                let data = if request.method == "introduce" {
                    self.introduce(&request).await?
                } else {
                    rpc::answer(&self.hub, &mut self.speaker, &request).await?
                };
                self.reply(id, Answer::Rpc(RpcResult { data }));
            }
            Method::Refresh(request) => self.refresh(id, &request.token)?,
            Method::SubRefresh(request) => self.sub_refresh(id, &request)?,
            // Others are taken by the caller.
            Method::Subscribe(request) => Box::pin(self.read_map(id, *request)).await?,
        }
        Ok(())
    }

    /// Says who the client is, to all rooms that it is in.
    async fn introduce(&mut self, request: &Rpc) -> Result<Bytes, Refusal> {
        self.speaker.may(Speech::Introduce)?;
        let person: Person = rpc::argument(request)?;
        self.speaker.introduce(person.clone());
        self.connection.note(|about| about.name = Some(person.name().into()));
        for one in self.subscriptions.iter().filter(|one| one.presence) {
            let backend = &self.hub.0.parts.backend;
            backend.enter(&one.channel, &self.speaker.info, one.announce).await.map_err(internal)?;
        }
        rpc::result(&person)
    }

    /// Whether there is no room for another channel: maps that it reads count, too.
    fn is_full(&self) -> bool {
        self.hub.0.parts.options.channel_limit <= self.subscriptions.len() + self.pages.len()
    }

    fn subscription(&self, channel: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| &*subscription.channel == channel)
    }

    /// Who the client is in a channel.
    fn info_in(&self, channel: &str) -> ClientInfo {
        let info = self.subscription(channel).and_then(|one| one.info.as_deref().cloned());
        ClientInfo { chan_info: info.unwrap_or_default(), ..self.speaker.info.clone() }
    }

    /// Leaves every channel: the client is gone.
    pub(super) async fn end(mut self) {
        if self.is_connected() {
            self.hub.leave_user(&self.connection, &self.user);
        }
        while let Some(subscription) = self.subscriptions.last() {
            let channel = Arc::clone(&subscription.channel);
            self.leave(&channel, Joined::Yes).await;
        }
        self.forget_pages(|_| true).await;
    }
}
