//! Who a client is, and for how long.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Joined, Phase, Session};
use crate::hub::{
    options::Trust,
    order::{Order, Whom},
    permit::{self, ServerSubscribe, Standing},
    refusal::Stop,
    subscribe::{self, Joining, Opened},
};
use crate::tokens::{ConnectionClaims, Grant, TokenError};
use crate::wire::Close;
use crate::wire::centrifugo::{
    Answer, Connect, ConnectResult, ErrorCode, RefreshResult, ServerSub, SubRefresh, SubRefreshResult,
    Subscribe, raw,
};

/// Who connects.
#[derive(Debug)]
struct Identity {
    user: String,
    info: Bytes,
    expires_at: Option<i64>,
    standing: Standing,
    /// What the token subscribes it to.
    subs: Vec<ServerSubscribe>,
}

impl Session {
    pub(super) async fn connect(&mut self, id: u32, request: Connect) -> Result<(), Stop> {
        if self.phase != Phase::New {
            return Err(Close::BadRequest.into());
        }
        // Another message is not read before this one is answered.
        self.phase = Phase::Refused;
        let identity = self.identify(&request)?;
        self.standing = identity.standing;
        self.user = identity.user.as_str().into();
        self.speaker.identify(identity.user, identity.info);
        if self.standing == Standing::Page {
            self.speaker.connected(&request.data);
            let name = self.speaker.person().ok().map(|person| person.name().into());
            let is_page = self.is_page;
            self.connection.note(|about| (about.name, about.is_page) = (name, is_page));
        }
        self.token_channels = identity.subs.iter().map(|sub| sub.channel.as_str().into()).collect();
        let subs = self.server_subs(identity.subs, &request)?;
        let options = Arc::clone(&self.hub.0.parts.options);
        if options.channel_limit < subs.len() {
            return Err(Close::ChannelLimit.into());
        }
        let user = self.user.clone();
        let is_many = |limit| !user.is_empty() && limit <= self.hub.connections_of(&user);
        if options.user_connection_limit.is_some_and(is_many) {
            return Err(Close::ConnectionLimit.into());
        }
        if identity.expires_at.is_some_and(|at| at <= self.hub.now_s()) {
            return Err(Stop::refuse(ErrorCode::Expired));
        }
        // Before others are ended: of two that connect at the same moment the second to enter stays.
        let place = self.hub.enter_user(&self.connection, &user);
        if let Some(personal) = options.personal.as_ref().filter(|_| !user.is_empty())
            && personal.single_connection
        {
            self.end_others(&user, place).await;
        }
        let result = self.result(identity.expires_at);
        if let Err(stop) = self.begin(id, result, subs, request.subs).await {
            // It must try again on another connection: nothing of this one may stay.
            while let Some(one) = self.subscriptions.last() {
                let channel = Arc::clone(&one.channel);
                self.leave(&channel, Joined::Yes).await;
            }
            self.hub.leave_user(&self.connection, &user);
            self.connection.ends_at(None);
            return Err(stop);
        }
        self.phase = Phase::Connected;
        Ok(())
    }

    /// Notes when the connection expires.
    pub(super) fn renew(&self, expires_at: Option<i64>) {
        let delay = self.hub.0.parts.options.expired_close_delay;
        self.connection.ends_at(expires_at.map(|at| later(at, delay)));
    }

    fn result(&self, expires_at: Option<i64>) -> ConnectResult {
        let parts = &self.hub.0.parts;
        let options = &parts.options;
        self.renew(expires_at);
        let is_page = self.standing == Standing::Page;
        // What pings by frames is no matter of the protocol's.
        let has_pings = !self.connection.has_frame_pings();
        ConnectResult {
            client: self.connection.client.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            expires: expires_at.is_some(),
            ttl: expires_at.map_or(0, |at| self.hub.seconds_until(at)),
            ping: if has_pings { self.hub.ping_seconds() } else { 0 },
            pong: has_pings && options.pong_timeout.is_some(),
            session: self.session.as_deref().unwrap_or_default().to_owned(),
            node: if is_page || self.session.is_some() { parts.node.clone() } else { String::new() },
            time: if is_page || options.connect_include_server_time { parts.clock.now_ms() } else { 0 },
            ..ConnectResult::default()
        }
    }

    /// Subscribes to what the server wants, answers, and lets go what was held back meanwhile.
    async fn begin(
        &mut self,
        id: u32,
        mut result: ConnectResult,
        subs: Vec<ServerSubscribe>,
        mut positions: BTreeMap<String, Subscribe>,
    ) -> Result<(), Stop> {
        let mut joining = Vec::with_capacity(subs.len());
        for sub in subs {
            let rules = self.hub.rules(&sub.channel, self.standing);
            joining.push((sub, Arc::clone(rules.ok_or_else(|| Stop::refuse(ErrorCode::UnknownChannel))?)));
        }
        let mut enter = |(sub, rules): (ServerSubscribe, _)| {
            let request = positions.remove(&sub.channel).unwrap_or_default();
            self.enter_by_server(&sub, rules, request)
        };
        let joining = joining.into_iter().map(&mut enter).collect();
        let opened = self.open_all(joining).await?;
        let mut starts = Vec::with_capacity(opened.len());
        for (channel, one) in opened {
            result.subs.push(ServerSub { channel: channel.to_string(), result: Some(one.result) });
            starts.push((channel, one.start));
        }
        self.reply(id, Answer::Connect(Box::new(result)));
        self.flush();
        // Not before: a client answers no ping until it is connected.
        self.connection.connected();
        for (channel, start) in starts {
            subscribe::activate(&self.hub, &self.connection, channel, None, start).await;
        }
        Ok(())
    }

    /// Opens all, also where one cannot be: none may be half open when the others are left.
    ///
    /// # Errors
    ///
    /// What stops the first of those that cannot be opened; they are left.
    async fn open_all(&mut self, joining: Vec<Joining>) -> Result<Vec<(Arc<str>, Opened)>, Stop> {
        let (hub, connection) = (self.hub.clone(), Arc::clone(&self.connection));
        let mut joining = joining.into_iter();
        let (mut opened, mut stopped) = (Vec::new(), None);
        loop {
            let some = subscribe::open_some(&hub, &connection, &mut joining).await;
            if some.is_empty() {
                break;
            }
            for (Joining { channel, .. }, one) in some {
                match one {
                    Ok(one) => opened.extend(one.map(|one| (channel, one))),
                    Err(stop) => {
                        self.leave(&channel, Joined::No).await;
                        stopped.get_or_insert(stop);
                    }
                }
            }
        }
        stopped.map_or(Ok(opened), Err)
    }

    fn identify(&self, request: &Connect) -> Result<Identity, Stop> {
        let options = &self.hub.0.parts.options;
        let nobody = |standing| Identity {
            user: String::new(),
            info: Bytes::new(),
            expires_at: None,
            standing,
            subs: Vec::new(),
        };
        if options.trust == Trust::Open {
            return Ok(nobody(Standing::Page));
        }
        if request.token.is_empty() {
            return match () {
                () if self.is_page => Ok(nobody(Standing::Page)),
                () if options.insecure || options.allow_anonymous_connect_without_token => {
                    Ok(nobody(Standing::Client))
                }
                () => Err(Close::BadRequest.into()),
            };
        }
        let claims = self.connection_claims(&request.token, || Stop::refuse(ErrorCode::TokenExpired))?;
        if claims.user.is_empty() && options.disallow_anonymous_connection_tokens {
            return Err(Close::PermissionDenied.into());
        }
        let subs = wanted(claims.channels, claims.subs);
        Ok(Identity {
            user: claims.user,
            info: claims.info.map(raw::one_line).unwrap_or_default(),
            expires_at: claims.expires_at.filter(|_| !options.insecure),
            standing: Standing::Client,
            subs,
        })
    }

    fn connection_claims(
        &self,
        token: &str,
        expired: impl FnOnce() -> Stop,
    ) -> Result<ConnectionClaims, Stop> {
        let verifier = &self.hub.0.parts.options.connection_tokens;
        verifier.connection(token, self.hub.now_s()).map_err(|error| match error {
            TokenError::Expired => expired(),
            TokenError::Invalid(why) => {
                tracing::debug!(connection.number = self.connection.number, why, "token refused");
                Close::InvalidToken.into()
            }
        })
    }

    /// All channels that the server subscribes the client to: by its token, its own one, and those that it asked for with
    /// `connect` and may have.
    fn server_subs(
        &self,
        mut subs: Vec<ServerSubscribe>,
        request: &Connect,
    ) -> Result<Vec<ServerSubscribe>, Stop> {
        let options = &self.hub.0.parts.options;
        let user = &self.user;
        if let Some(personal) = options.personal.as_ref().filter(|_| !user.is_empty()) {
            let channel = personal.channel(&options.syntax, user);
            subs.push(ServerSubscribe { channel, ..ServerSubscribe::default() });
        }
        for sub in &subs {
            if self.hub.rules(&sub.channel, self.standing).is_none() {
                return Err(Stop::refuse(ErrorCode::UnknownChannel));
            }
        }
        for channel in request.subs.keys() {
            let rules = self.hub.rules(channel, self.standing).ok_or(Close::BadRequest)?;
            let is_new = subs.iter().all(|sub| sub.channel != *channel);
            let may = permit::name(channel, rules, &options.syntax).is_ok()
                && permit::kind(0, rules).is_ok()
                && permit::subscribe(channel, self.who(), rules, &options.syntax).is_ok();
            if is_new && may {
                subs.push(ServerSubscribe { channel: channel.clone(), ..ServerSubscribe::default() });
            }
        }
        subs.sort_by(|a, b| a.channel.cmp(&b.channel));
        subs.dedup_by(|a, b| a.channel == b.channel);
        Ok(subs)
    }

    /// Ends the user's connections that entered before this one, and those of other nodes.
    async fn end_others(&self, user: &str, place: u64) {
        let before = Some((self.hub.node().to_owned(), place));
        let order = Order::Disconnect {
            whom: Whom { user: user.to_owned(), before, ..Whom::default() },
            code: Close::ConnectionLimit.code(),
            reason: Close::ConnectionLimit.reason().to_owned(),
            whitelist: vec![self.connection.client.to_string()],
        };
        if let Err(error) = self.hub.order(&order).await {
            tracing::warn!(error = %error, "other connections of a user not ended");
        }
    }

    pub(super) fn refresh(&mut self, id: u32, token: &str) -> Result<(), Stop> {
        if self.standing == Standing::Page {
            return Err(Stop::refuse(ErrorCode::NotAvailable));
        }
        if token.is_empty() {
            return Err(Close::BadRequest.into());
        }
        let claims = self.connection_claims(token, || Close::Expired.into())?;
        if *claims.user != *self.user {
            return Err(Close::InvalidToken.into());
        }
        let channels: Vec<&str> = match &*claims.subs {
            [] => claims.channels.iter().map(String::as_str).collect(),
            subs => subs.iter().map(|(channel, _)| channel.as_str()).collect(),
        };
        let is_kept = |channel: &str| channels.contains(&channel);
        if channels.iter().any(|channel| self.subscription(channel).is_none())
            || !self.token_channels.iter().all(|channel| is_kept(channel))
        {
            return Err(Close::InsufficientState.into());
        }
        let Some(at) = claims.expires_at else {
            self.reply(id, Answer::Refresh(RefreshResult::default()));
            return Ok(());
        };
        if at <= self.hub.now_s() {
            return Err(Stop::refuse(ErrorCode::Expired));
        }
        if let Some(info) = claims.info {
            self.show(raw::one_line(info));
        }
        self.renew(Some(at));
        let ttl = self.hub.seconds_until(at);
        self.reply(id, Answer::Refresh(RefreshResult { expires: true, ttl }));
        Ok(())
    }

    pub(super) fn sub_refresh(&mut self, id: u32, request: &SubRefresh) -> Result<(), Stop> {
        super::checked(&request.channel)?;
        if self.standing == Standing::Page {
            return Err(Stop::refuse(ErrorCode::NotAvailable));
        }
        let Some(subscription) = self.subscription(&request.channel) else {
            return Err(Stop::refuse(ErrorCode::PermissionDenied));
        };
        if subscription.by_server {
            return Err(Close::BadRequest.into());
        }
        if request.token.is_empty() {
            return Err(Stop::refuse(ErrorCode::BadRequest));
        }
        let now_s = self.hub.now_s();
        let verifier = &self.hub.0.parts.options.subscription_tokens;
        let (expires_at, info) = match verifier.subscription(&request.token, now_s) {
            Ok(claims) => {
                self.is_own(&claims, &request.channel)?;
                (claims.expires_at, claims.grant.info)
            }
            Err(TokenError::Expired) => return Err(Stop::refuse(ErrorCode::TokenExpired)),
            Err(TokenError::Invalid(why)) => {
                tracing::debug!(channel = request.channel, why, "token of a subscription refused");
                return Err(Close::InvalidToken.into());
            }
        };
        if expires_at.is_some_and(|at| at <= now_s) {
            return Err(Stop::refuse(ErrorCode::Expired));
        }
        if let Some(one) = self.subscriptions.iter_mut().find(|one| *one.channel == *request.channel) {
            one.expires_at = expires_at;
            let info = info.map(|info| Box::new(raw::one_line(info)));
            one.is_stale |= one.presence && one.info != info;
            one.info = info;
        }
        self.expect_listing();
        self.look();
        let ttl = expires_at.map_or(0, |at| self.hub.seconds_until(at));
        self.reply(id, Answer::SubRefresh(SubRefreshResult { expires: expires_at.is_some(), ttl }));
        Ok(())
    }
}

/// A time, s since the epoch, and so long after it.
pub(super) fn later(at_s: i64, delay: Duration) -> i64 {
    at_s.saturating_add(i64::try_from(delay.as_secs()).unwrap_or(i64::MAX))
}

/// What a connection's token subscribes it to.
fn wanted(channels: Vec<String>, subs: Vec<(String, Grant)>) -> Vec<ServerSubscribe> {
    let plain = channels.into_iter().map(|channel| ServerSubscribe { channel, ..ServerSubscribe::default() });
    let granted = subs.into_iter().map(|(channel, grant)| ServerSubscribe {
        channel,
        info: grant.info.map(raw::one_line).unwrap_or_default(),
        data: grant.data.map(raw::one_line).unwrap_or_default(),
        expires_at: None,
        overrides: grant.overrides,
    });
    plain.chain(granted).collect()
}
