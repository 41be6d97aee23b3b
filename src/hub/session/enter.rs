//! A client subscribes: whether it may, and on what terms.

use std::sync::Arc;

use super::{Session, checked, map::Pages};
use crate::hub::{
    channel::{Class, Rules},
    permit::{self, ServerSubscribe},
    refusal::Stop,
    shard::Wants,
    subscribe::{Joining, Terms},
    tagfilter::Filter,
};
use crate::tokens::{Overrides, SubscriptionClaims, TokenError};
use crate::wire::centrifugo::{ClientInfo, ErrorCode, FLAG_IDS, Protocol, Subscribe, raw};
use crate::wire::{Close, cast::id_of};

/// The one format of differences that there is.
pub(super) const FOSSIL: &str = "fossil";

impl Session {
    /// What every subscribe must be, to a map too.
    ///
    /// # Errors
    ///
    /// Why it is not carried out.
    pub(super) fn joinable(&self, request: &Subscribe) -> Result<(), Stop> {
        let channel = request.channel.as_str();
        checked(channel)?;
        if !matches!(&*request.delta, "" | FOSSIL) {
            return Err(Close::BadRequest.into());
        }
        if self.hub.0.parts.options.syntax.max_length < channel.len() {
            return Err(Stop::refuse(ErrorCode::BadRequest));
        }
        if self.subscription(channel).is_some() {
            return Err(Stop::refuse(ErrorCode::AlreadySubscribed));
        }
        Ok(())
    }

    /// Judges a subscribe, in the order of Centrifugo's checks, and notes it.
    ///
    /// # Errors
    ///
    /// Why it is not carried out.
    pub(super) fn enter(&mut self, request: Subscribe, id: u32) -> Result<Joining, Stop> {
        self.subscribes()?;
        self.joinable(&request)?;
        if self.is_full() {
            return Err(Stop::refuse(ErrorCode::LimitExceeded));
        }
        let joining = self.admit(request, id)?;
        self.note(&joining);
        Ok(joining)
    }

    /// Judges whether the client may subscribe, and on what terms.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(super) fn admit(&self, request: Subscribe, id: u32) -> Result<Joining, Stop> {
        let channel = request.channel.as_str();
        let options = &self.hub.0.parts.options;
        let rules = self.rules_of(channel)?;
        permit::kind(request.r#type, &rules)?;
        let claims = self.claims(&request)?;
        if claims.is_none() {
            permit::subscribe(channel, self.who(), &rules, &options.syntax)?;
        }
        let mut terms = self.terms(&request, &rules, claims.as_ref())?;
        if terms.expires_at.is_some_and(|at| at <= self.hub.now_s()) {
            return Err(Stop::refuse(ErrorCode::Expired));
        }
        if let Some(node) = request.tf.clone() {
            if !rules.allow_tags_filter {
                return Err(Stop::refuse(ErrorCode::BadRequest));
            }
            let filter = Filter::new(node).map_err(|_| Stop::refuse(ErrorCode::BadRequest))?;
            terms.wants.filter = Some(Arc::new(filter));
            // Who does not get every publication cannot be told differences from the one before.
            terms.wants.delta = false;
        }
        // npm's client asks in protobuf too, and there it takes a number for an object that is equal to no other: it would find
        // none of its channels.
        let is_json = self.connection.dialect.protocol == Protocol::Json;
        terms.wants.by_id = is_json && request.flag & FLAG_IDS != 0 && self.is_new_id(channel);
        let grant = claims.map(|claims| claims.grant).unwrap_or_default();
        terms.data = grant.data.map(raw::one_line).unwrap_or_default();
        let channel: Arc<str> = Arc::from(channel);
        let chan_info = grant.info.map(raw::one_line).unwrap_or_default();
        let info = ClientInfo { chan_info, ..self.speaker.info.clone() };
        Ok(Joining { id, request, channel, rules, info, terms })
    }

    /// Whether the number that stands for a channel is that of no other one in which the client is.
    fn is_new_id(&self, channel: &str) -> bool {
        let id = id_of(channel);
        let others = self.subscriptions.iter().map(|one| &one.channel);
        others.chain(self.pages.iter().map(Pages::channel)).all(|other| id_of(other) != id)
    }

    /// What a subscribe's token says, if it has one.
    fn claims(&self, request: &Subscribe) -> Result<Option<SubscriptionClaims>, Stop> {
        if request.token.is_empty() {
            return Ok(None);
        }
        let verifier = &self.hub.0.parts.options.subscription_tokens;
        let claims =
            verifier.subscription(&request.token, self.hub.now_s()).map_err(|error| match error {
                TokenError::Expired => Stop::refuse(ErrorCode::TokenExpired),
                TokenError::Invalid(why) => {
                    tracing::debug!(channel = request.channel, why, "token of a subscription refused");
                    Stop::refuse(ErrorCode::PermissionDenied)
                }
            })?;
        self.is_own(&claims, &request.channel)?;
        Ok(Some(claims))
    }

    /// Whether a subscription's token is of this client and channel.
    pub(super) fn is_own(&self, claims: &SubscriptionClaims, channel: &str) -> Result<(), Stop> {
        let is_own = *claims.user == *self.user
            && claims.channel == channel
            && claims.client.as_ref().is_none_or(|client| **client == *self.connection.client);
        if is_own { Ok(()) } else { Err(Close::InvalidToken.into()) }
    }

    fn terms(
        &self,
        request: &Subscribe,
        rules: &Rules,
        claims: Option<&SubscriptionClaims>,
    ) -> Result<Terms, Stop> {
        let who = self.who();
        // Our own pages recover what is kept.
        let reads_history = who.may(rules.history_for, true) || self.standing == permit::Standing::Page;
        let reads_presence = who.may(rules.presence_for, true);
        let mut terms = granted(rules, claims.map(|claims| claims.grant.overrides).unwrap_or_default());
        terms.positioned |= request.positioned && (rules.allow_positioning || reads_history);
        terms.recoverable |= request.recoverable && (rules.allow_recovery || reads_history);
        terms.settle(rules);
        terms.wants.joins |= request.join_leave && rules.join_leave && reads_presence;
        let is_positioned = terms.positioned || terms.recoverable || rules.map.is_some();
        terms.wants.delta = request.delta == FOSSIL && rules.allow_delta && is_positioned;
        terms.expires_at = claims.and_then(|claims| claims.expires_at);
        Ok(terms)
    }

    /// Notes a subscription that the server makes; `request` has the position that the client had in it. Of a map it hears
    /// what changes from then on, and has no state and no position.
    pub(super) fn enter_by_server(
        &mut self,
        sub: &ServerSubscribe,
        rules: Arc<Rules>,
        request: Subscribe,
    ) -> Joining {
        let mut terms = granted(&rules, sub.overrides);
        (terms.data, terms.expires_at) = (sub.data.clone(), sub.expires_at);
        terms.settle(&rules);
        // What comes of a map is told as a difference from what its key had: only who read the map knows that.
        let is_positioned = (terms.positioned || terms.recoverable) && rules.map.is_none();
        terms.wants.delta = request.delta == FOSSIL && rules.allow_delta && is_positioned;
        let info = ClientInfo { chan_info: sub.info.clone(), ..self.speaker.info.clone() };
        let joining = Joining { id: 0, request, channel: Arc::from(&*sub.channel), rules, info, terms };
        self.note(&joining);
        joining
    }
}

impl Terms {
    /// Without a history there is nothing to come back to, whatever was granted; a map has a way of its own.
    fn settle(&mut self, rules: &Rules) {
        if rules.class == Class::Event && (!rules.stream.is_kept() || rules.map.is_some()) {
            (self.positioned, self.recoverable) = (false, false);
        }
    }
}

/// What a namespace and a token grant without being asked.
fn granted(rules: &Rules, overrides: Overrides) -> Terms {
    Terms {
        positioned: overrides.force_positioning.unwrap_or(rules.force_positioning),
        recoverable: overrides.force_recovery.unwrap_or(rules.force_recovery),
        presence: overrides.presence.unwrap_or(rules.presence),
        announce: overrides.join_leave.unwrap_or(rules.join_leave),
        wants: Wants {
            joins: overrides.force_push_join_leave.unwrap_or(rules.force_push_join_leave),
            ..Wants::default()
        },
        ..Terms::default()
    }
}
