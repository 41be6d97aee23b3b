//! What a client asks of a channel: publishing, presence, history.

use std::sync::Arc;

use super::{HISTORY_PAGE_MAX, Session};
use crate::backend::{HistoryFilter, Publishing, StreamOptions};
use crate::hub::{
    channel::{Allowed, Class, Rules},
    permit,
    refusal::{Stop, internal},
};
use crate::wire::Close;
use crate::wire::centrifugo::{Answer, ClientInfo, ErrorCode, History, HistoryResult, Publish};

impl Session {
    /// What holds in a channel that the client names.
    ///
    /// # Errors
    ///
    /// `unknown channel`, and `bad request` for a name that none there can have.
    pub(super) fn rules_of(&self, channel: &str) -> Result<Arc<Rules>, Stop> {
        checked(channel)?;
        let rules = self.hub.rules(channel, self.standing);
        let rules = rules.ok_or_else(|| Stop::refuse(ErrorCode::UnknownChannel))?;
        permit::name(channel, rules, &self.hub.0.parts.options.syntax)?;
        Ok(Arc::clone(rules))
    }

    pub(super) fn allowed(&self, channel: &str, allowed: Allowed) -> Result<(), Stop> {
        if self.who().may(allowed, self.subscription(channel).is_some()) {
            return Ok(());
        }
        Err(Stop::refuse(ErrorCode::PermissionDenied))
    }

    pub(super) async fn publish(&mut self, id: u32, request: Publish) -> Result<(), Stop> {
        let rules = self.rules_of(&request.channel)?;
        match request.r#type {
            // What is published into a map has a key.
            0 if rules.map.is_some() => return Err(Stop::refuse(ErrorCode::BadRequest)),
            0 => {}
            1 => return self.change_map(id, request, &rules).await,
            _ => return Err(Stop::refuse(ErrorCode::NotAvailable)),
        }
        permit::data(&request.data, rules.publication_data_format)?;
        if rules.class != Class::Event {
            return Err(Stop::refuse(ErrorCode::PermissionDenied));
        }
        self.allowed(&request.channel, rules.publish)?;
        let publishing = Publishing {
            data: request.data,
            info: Some(self.info_in(&request.channel)),
            delta: rules.delta_publish,
            ..Publishing::default()
        };
        let backend = &self.hub.0.parts.backend;
        backend.publish(&request.channel, publishing, rules.stream).await.map_err(internal)?;
        self.reply(id, Answer::Publish);
        Ok(())
    }

    pub(super) async fn present(&self, channel: &str) -> Result<Vec<ClientInfo>, Stop> {
        let rules = self.rules_of(channel)?;
        if !rules.presence {
            return Err(Stop::refuse(ErrorCode::NotAvailable));
        }
        self.allowed(channel, rules.presence_for)?;
        Ok(self.hub.0.parts.backend.presence(channel).await.map_err(internal)?)
    }

    pub(super) async fn history(&mut self, id: u32, request: History) -> Result<(), Stop> {
        let rules = self.rules_of(&request.channel)?;
        if !rules.stream.is_kept() {
            return Err(Stop::refuse(ErrorCode::NotAvailable));
        }
        self.allowed(&request.channel, rules.history_for)?;
        let since = request.since.as_ref().map(|since| since.offset);
        if request.reverse && since == Some(0) {
            return Err(Stop::refuse(ErrorCode::BadRequest));
        }
        let options = &self.hub.0.parts.options;
        let most = match rules.stream {
            StreamOptions::Journal => HISTORY_PAGE_MAX,
            StreamOptions::Memory { .. } | StreamOptions::None => options.history_max_publication_limit,
        };
        let limit = usize::try_from(request.limit).map_or(most, |limit| limit.min(most));
        let filter = HistoryFilter { since, limit: Some(limit), reverse: request.reverse };
        let backend = &self.hub.0.parts.backend;
        let page = backend.history(&request.channel, &filter, rules.stream).await.map_err(internal)?;
        let is_of_another_epoch =
            request.since.is_some_and(|since| !since.epoch.is_empty() && since.epoch != page.position.epoch);
        if is_of_another_epoch {
            return Err(Stop::refuse(ErrorCode::UnrecoverablePosition));
        }
        let result = HistoryResult {
            publications: page.publications,
            epoch: page.position.epoch,
            offset: page.position.offset,
        };
        self.reply(id, Answer::History(result));
        Ok(())
    }
}

/// A command that needs a channel has one.
pub(super) fn checked(channel: &str) -> Result<(), Stop> {
    if channel.is_empty() { Err(Close::BadRequest.into()) } else { Ok(()) }
}
