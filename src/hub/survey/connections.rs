//! The connections.

use std::{cmp::Reverse, sync::Arc};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    super::{
        Hub,
        connection::Connection,
        shard::{Command, Whose},
    },
    Answers, Question, has, left_out, listed,
};
use crate::wire::{Framing, centrifugo::Protocol};

/// Channels of one connection that are listed.
const CHANNELS_LISTED: usize = 8;

/// Which connections, and in which order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionsAsked {
    /// A part of the id, the user, the name, the node or a channel; all if it is empty.
    pub search: String,
    /// What stands first.
    pub sort: ConnectionSort,
    /// How many, at most; 0 for as many as there may be.
    pub limit: usize,
}

/// What stands first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionSort {
    /// The one for which the most waits.
    #[default]
    Queue,
    /// The newest.
    Since,
    /// The one with the most messages.
    Messages,
    /// The one with the most channels.
    Channels,
    /// The first by user.
    User,
}

/// A connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Its node.
    pub node: String,
    /// Its id.
    pub client: String,
    /// Its user; empty where it is anonymous.
    pub user: String,
    /// The name of the person at a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `websocket`, `sse` or `http_stream`.
    pub transport: String,
    /// `json` or `protobuf`.
    pub protocol: String,
    /// Whether its messages may be compressed.
    pub compressed: bool,
    /// Whether a page of our own is at its end.
    pub page: bool,
    /// Some of its channels.
    pub channels: Vec<String>,
    /// How many it has.
    pub channels_total: usize,
    /// Bytes that wait for it.
    pub queue_bytes: usize,
    /// Of how many steps it gets one, because it reads too slowly for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowed: Option<u64>,
    /// Messages that it was sent.
    pub messages: u64,
    /// Bytes that it was sent.
    pub bytes: u64,
    /// Since when it is there, ms since the epoch.
    pub since: i64,
}

/// Some of the connections.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Connections {
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
    pub connections: Vec<ConnectionRow>,
}

impl ConnectionsAsked {
    fn cut(&self, rows: &mut Vec<ConnectionRow>) {
        // The id settles it, so that rows that are alike do not change places from one answer to the next.
        match self.sort {
            ConnectionSort::Queue => rows.sort_by_cached_key(|row| {
                (Reverse(row.queue_bytes), Reverse(row.slowed), row.client.clone())
            }),
            ConnectionSort::Since => rows.sort_by_cached_key(|row| (Reverse(row.since), row.client.clone())),
            ConnectionSort::Messages => {
                rows.sort_by_cached_key(|row| (Reverse(row.messages), row.client.clone()))
            }
            ConnectionSort::Channels => {
                rows.sort_by_cached_key(|row| (Reverse(row.channels_total), row.client.clone()))
            }
            ConnectionSort::User => rows.sort_by_cached_key(|row| (row.user.clone(), row.client.clone())),
        }
        rows.truncate(listed(self.limit));
    }
}

impl Hub {
    /// Connections of all nodes.
    pub async fn survey_connections(&self, asked: ConnectionsAsked) -> Connections {
        let Answers { answers, silent } = self.ask::<Connections>(Question::Connections(asked.clone())).await;
        let mut all = Connections { silent, ..Connections::default() };
        for some in answers {
            all.total += some.total;
            all.matching += some.matching;
            all.connections.extend(some.connections);
        }
        asked.cut(&mut all.connections);
        let listed = all.connections.len();
        all.more = all.matching.saturating_sub(listed);
        self.0.counters.left_out("connections", left_out(asked.limit, all.matching, listed));
        all
    }

    /// Ends the connection of an id, wherever it is; tells whether there was one.
    pub async fn disconnect(&self, client: &str) -> bool {
        let answers = self.ask::<bool>(Question::Disconnect(client.to_owned())).await;
        answers.answers.contains(&true)
    }

    pub(super) async fn own_connections(&self, asked: &ConnectionsAsked) -> Connections {
        let search = asked.search.to_lowercase();
        let mut found: Vec<(u64, ConnectionRow)> = {
            let users = self.users();
            users.all().map(|(user, connection)| (connection.number, self.row(user, connection))).collect()
        };
        let total = found.len();
        if !search.is_empty() {
            let in_channels = self.channels_of(&Whose::Like(search.as_str().into())).await;
            found.retain(|(number, row)| {
                [&row.client, &row.user, &row.node]
                    .into_iter()
                    .chain(&row.name)
                    .any(|text| has(text, &search))
                    || in_channels.contains_key(number)
            });
        }
        let matching = found.len();
        let numbers: FxHashMap<String, u64> =
            found.iter().map(|(number, row)| (row.client.clone(), *number)).collect();
        let mut connections: Vec<_> = found.into_iter().map(|(_, row)| row).collect();
        asked.cut(&mut connections);
        let shown = connections.iter().filter_map(|row| numbers.get(&row.client).copied()).collect();
        let mut channels = self.channels_of(&Whose::Numbers(shown)).await;
        for row in &mut connections {
            let own = numbers.get(&row.client).and_then(|number| channels.remove(number)).unwrap_or_default();
            row.channels_total = own.len();
            row.channels = own.iter().take(CHANNELS_LISTED).map(ToString::to_string).collect();
        }
        Connections { total, matching, connections, ..Connections::default() }
    }

    fn row(&self, user: &str, connection: &Connection) -> ConnectionRow {
        let about = connection.about();
        let sent = connection.sent();
        let transport = match connection.dialect.framing {
            Framing::WebSocket | Framing::Deflated { .. } => "websocket",
            Framing::Events => "sse",
            Framing::Stream => "http_stream",
        };
        let protocol = match connection.dialect.protocol {
            Protocol::Json => "json",
            Protocol::Protobuf => "protobuf",
        };
        ConnectionRow {
            node: self.0.parts.node.clone(),
            client: connection.client.to_string(),
            user: user.to_owned(),
            name: about.name.map(Into::into),
            transport: transport.to_owned(),
            protocol: protocol.to_owned(),
            compressed: matches!(connection.dialect.framing, Framing::Deflated { .. }),
            page: about.is_page,
            channels: Vec::new(),
            channels_total: about.channels as usize,
            queue_bytes: sent.waiting,
            slowed: sent.every,
            messages: sent.messages,
            bytes: sent.bytes,
            since: connection.since,
        }
    }

    /// The channels of some connections, by the numbers of these.
    async fn channels_of(&self, whose: &Whose) -> FxHashMap<u64, Vec<Arc<str>>> {
        let mut all = FxHashMap::default();
        for shard in &self.0.shards {
            let (answer, channels) = oneshot::channel();
            // A shard that has stopped has no subscribers.
            drop(shard.send(Command::ChannelsOf(whose.clone(), answer)).await);
            // A connection is of one shard.
            all.extend(channels.await.unwrap_or_default());
        }
        all
    }
}
