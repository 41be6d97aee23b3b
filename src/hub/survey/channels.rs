//! The channels that have subscribers.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    super::{Hub, channel::is_like, shard::Command, shard::Heard},
    Answers, Question, has, left_out, listed,
};

/// Which channels, and in which order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelsAsked {
    /// A part of their names; all if it is empty.
    pub search: String,
    /// What stands first.
    pub sort: ChannelSort,
    /// How many, at most; 0 for as many as there may be.
    pub limit: usize,
}

/// What stands first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSort {
    /// The one with the most subscribers.
    #[default]
    Subscribers,
    /// The one with the most messages.
    Messages,
    /// The first by name.
    Name,
}

/// A channel with subscribers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// Its name.
    pub channel: String,
    /// Whether it is watchroom's own.
    pub own: bool,
    /// Subscribers, of all nodes.
    pub subscribers: usize,
    /// Nodes with subscribers.
    pub nodes: usize,
    /// Messages published while it had subscribers.
    pub messages: u64,
    /// Whether it has a history.
    pub kept: bool,
}

/// Some of the channels.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Channels {
    /// How many there are.
    pub total: usize,
    /// How many were meant.
    pub matching: usize,
    /// Nodes that did not answer.
    #[serde(default)]
    pub silent: Vec<String>,
    /// How many of those are not listed.
    #[serde(default)]
    pub more: usize,
    /// The first of them.
    pub channels: Vec<ChannelRow>,
}

impl ChannelsAsked {
    fn cut(&self, rows: &mut Vec<ChannelRow>) {
        match self.sort {
            ChannelSort::Subscribers => {
                rows.sort_by(|a, b| b.subscribers.cmp(&a.subscribers).then(a.channel.cmp(&b.channel)))
            }
            ChannelSort::Messages => {
                rows.sort_by(|a, b| b.messages.cmp(&a.messages).then(a.channel.cmp(&b.channel)))
            }
            ChannelSort::Name => rows.sort_by(|a, b| a.channel.cmp(&b.channel)),
        }
        rows.truncate(listed(self.limit));
    }
}

impl Hub {
    /// Channels of all nodes.
    pub async fn survey_channels(&self, asked: ChannelsAsked) -> Channels {
        let Answers { answers, silent } = self.ask::<Channels>(Question::Channels(asked.clone())).await;
        let mut all = Channels { silent, ..Channels::default() };
        let mut rows: BTreeMap<String, ChannelRow> = BTreeMap::new();
        for some in answers {
            // A channel of several nodes is counted by each of them; those that are listed are told apart below.
            all.total += some.total;
            all.matching += some.matching;
            for row in some.channels {
                match rows.entry(row.channel.clone()) {
                    Entry::Vacant(place) => {
                        place.insert(row);
                    }
                    Entry::Occupied(mut place) => {
                        let one = place.get_mut();
                        one.subscribers += row.subscribers;
                        one.nodes += row.nodes;
                        one.messages = one.messages.max(row.messages);
                        all.total -= 1;
                        all.matching -= 1;
                    }
                }
            }
        }
        all.channels = rows.into_values().collect();
        asked.cut(&mut all.channels);
        let listed = all.channels.len();
        all.more = all.matching.saturating_sub(listed);
        self.0.counters.left_out("channels", left_out(asked.limit, all.matching, listed));
        all
    }

    /// Channels of the configuration that have subscribers on any node, with their number; those that are like a pattern, all if
    /// it is empty.
    pub async fn channels(&self, pattern: &str) -> BTreeMap<String, usize> {
        let answers = self.ask::<BTreeMap<String, usize>>(Question::Subscribed(pattern.to_owned())).await;
        let mut all = BTreeMap::new();
        for (channel, count) in answers.answers.into_iter().flatten() {
            *all.entry(channel).or_default() += count;
        }
        all
    }

    /// Subscribers of a channel, on all nodes.
    pub async fn subscribers(&self, channel: &str) -> usize {
        self.ask::<usize>(Question::Subscribers(channel.to_owned())).await.answers.into_iter().sum()
    }

    pub(super) async fn own_subscribers(&self, channel: &str) -> usize {
        let (channel, mut all): (Arc<str>, usize) = (channel.into(), 0);
        for shard in &self.0.shards {
            let (answer, subscribers) = oneshot::channel();
            // A shard that has stopped has no subscribers.
            drop(shard.send(Command::Subscribers(Arc::clone(&channel), answer)).await);
            all += subscribers.await.unwrap_or_default();
        }
        all
    }

    pub(super) async fn own_channels(&self, asked: &ChannelsAsked) -> Channels {
        let search = asked.search.to_lowercase();
        let all = self.all_channels().await;
        let total = all.len();
        let row = |(channel, heard): (Arc<str>, Heard)| {
            let own = self.own(&channel);
            let rules = own.or_else(|| self.0.parts.namespaces.configured(&channel));
            ChannelRow {
                own: own.is_some(),
                kept: rules.is_some_and(|rules| rules.stream.is_kept()),
                subscribers: heard.subscribers,
                nodes: 1,
                messages: heard.messages,
                channel: channel.to_string(),
            }
        };
        let mut channels: Vec<_> =
            all.into_iter().filter(|(channel, _)| has(channel, &search)).map(row).collect();
        let matching = channels.len();
        asked.cut(&mut channels);
        Channels { total, matching, channels, ..Channels::default() }
    }

    pub(super) async fn subscribed(&self, pattern: &str) -> BTreeMap<String, usize> {
        let is_meant = |channel: &str| {
            self.configured(channel).is_some()
                && (pattern.is_empty() || is_like(pattern.as_bytes(), channel.as_bytes()))
        };
        let all = self.all_channels().await.into_iter().filter(|(channel, _)| is_meant(channel));
        all.map(|(channel, heard)| (channel.to_string(), heard.subscribers)).collect()
    }

    /// This node's channels with subscribers.
    async fn all_channels(&self) -> BTreeMap<Arc<str>, Heard> {
        let mut all: BTreeMap<Arc<str>, Heard> = BTreeMap::new();
        for shard in &self.0.shards {
            let (answer, channels) = oneshot::channel();
            // A shard that has stopped has no subscribers.
            drop(shard.send(Command::Channels(answer)).await);
            for (channel, heard) in channels.await.unwrap_or_default() {
                let one = all.entry(channel).or_default();
                one.subscribers += heard.subscribers;
                // Each shard hears all of them.
                one.messages = one.messages.max(heard.messages);
            }
        }
        all
    }
}
