//! What the hubs of all nodes tell of themselves: a report of each every two seconds, and answers to questions that one of
//! them asks all. For the server page and the server API.
//!
//! Words are JSON between nodes. Fields and words may be added; readers ignore those that they do not know.

mod channels;
mod connections;
mod report;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{Hub, entry::client_id};
pub use channels::{ChannelRow, Channels, ChannelsAsked};
pub use connections::{ConnectionRow, Connections, ConnectionsAsked};
pub use report::Report;

/// How often a node tells of itself.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// A node that was silent for so long is gone: it missed four reports.
const GONE_AFTER: Duration = Duration::from_secs(9);
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Rows that are listed at once, at most.
const LISTED_MAX: usize = 500;
/// Nodes that are told apart; more are left out of surveys, and counted.
const NODES_MAX: usize = 256;

/// What hubs tell each other for surveys.
#[derive(Debug, Serialize, Deserialize)]
// Not tagged from within: raw values do not come through that.
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// A node tells of itself.
    Report(Report),
    /// A node ends.
    Gone(String),
    /// A node asks all others.
    Ask {
        /// Names the question.
        id: String,
        /// Who asks.
        from: String,
        /// What.
        question: Question,
    },
    /// What a node answers.
    Answer {
        /// The question's name.
        id: String,
        /// Who answers.
        from: String,
        /// In the form of the question.
        answer: Box<RawValue>,
    },
}

/// What may be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    /// Connections, some of them.
    Connections(ConnectionsAsked),
    /// Channels with subscribers, some of them.
    Channels(ChannelsAsked),
    /// All configured channels that are like a pattern, with the numbers of their subscribers.
    Subscribed(String),
    /// The number of subscribers of this channel.
    Subscribers(String),
    /// Ends the connection of this id; whether it is of the node.
    Disconnect(String),
}

/// Where answers to open questions go, by the names of these.
type Open = FxHashMap<String, mpsc::Sender<(String, Box<RawValue>)>>;

/// The other nodes, and the questions that are open.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    nodes: Mutex<BTreeMap<String, (Instant, Report)>>,
    /// Nodes for which there is no room, as many again, and when they told of themselves last.
    left_out: Mutex<BTreeMap<String, Instant>>,
    open: Mutex<Open>,
}

/// A question that is open for as long as someone waits.
#[derive(Debug)]
struct Asking<'a> {
    surveys: &'a Surveys,
    id: &'a str,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.surveys.open().remove(self.id);
    }
}

/// Answers of all nodes.
#[derive(Debug)]
pub(super) struct Answers<T> {
    pub(super) answers: Vec<T>,
    /// Nodes that did not answer in time.
    pub(super) silent: Vec<String>,
}

impl Surveys {
    fn nodes(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, Report)>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a node told; false if there is no room for it.
    fn note(&self, report: Report) -> bool {
        let mut nodes = self.nodes();
        nodes.retain(|_, (at, _)| at.elapsed() < GONE_AFTER);
        let mut left_out = self.left_out();
        if nodes.len() < NODES_MAX || nodes.contains_key(&report.node) {
            left_out.remove(&report.node);
            nodes.insert(report.node.clone(), (Instant::now(), report));
            return true;
        }
        if left_out.len() < NODES_MAX || left_out.contains_key(&report.node) {
            left_out.insert(report.node, Instant::now());
        }
        false
    }

    fn left_out(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.retain(|_, at| at.elapsed() < GONE_AFTER);
        left_out
    }
}

impl Hub {
    /// Tells the other nodes of this one, for as long as it runs.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn report(self) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.token().clone();
        loop {
            let word = Word::Report(self.own_report());
            if let Err(error) = self.say(&word).await {
                tracing::debug!(error = %error, "other nodes are not told of this one");
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(REPORT_EVERY)).await.is_none() {
                // The others would find out without it, only later.
                drop(self.say(&Word::Gone(self.0.parts.node.clone())).await);
                return Ok(());
            }
        }
    }

    /// What the nodes told last, this one's being of now; in the order of their names.
    pub fn nodes(&self) -> Vec<Report> {
        let own = self.own_report();
        let mut nodes: BTreeMap<String, Report> = self.others();
        nodes.insert(own.node.clone(), own);
        nodes.into_values().collect()
    }

    /// How many nodes more there are, for which there is no room among those: at most as many again.
    pub fn nodes_left_out(&self) -> usize {
        self.0.surveys.left_out().len()
    }

    fn others(&self) -> BTreeMap<String, Report> {
        let nodes = self.0.surveys.nodes();
        let alive =
            nodes.iter().filter(|(node, (at, _))| at.elapsed() < GONE_AFTER && **node != self.0.parts.node);
        alive.map(|(node, (_, report))| (node.clone(), report.clone())).collect()
    }

    /// Takes a word of a node, this one too.
    pub(super) fn heard(&self, word: Word) {
        match word {
            Word::Report(report) => {
                if !self.0.surveys.note(report) {
                    self.0.counters.left_out("nodes", 1);
                }
            }
            Word::Gone(node) => {
                self.0.surveys.nodes().remove(&node);
                self.0.surveys.left_out().remove(&node);
            }
            Word::Ask { from, .. } if from == self.0.parts.node => {}
            Word::Ask { id, question, .. } => {
                let hub = self.clone();
                self.0.supervisor.track(async move {
                    let answer = hub.own_answer(question).await;
                    let word = Word::Answer { id, from: hub.0.parts.node.clone(), answer };
                    if let Err(error) = hub.say(&word).await {
                        tracing::debug!(error = %error, "a question of another node is not answered");
                    }
                });
            }
            Word::Answer { id, from, answer } => {
                if let Some(sender) = self.0.surveys.open().get(&id) {
                    // Who asked may have given up.
                    drop(sender.try_send((from, answer)));
                }
            }
        }
    }

    /// Asks all nodes. Answers come within [`ANSWER_MAX`], or are said to be missing.
    pub(super) async fn ask<T: DeserializeOwned>(&self, question: Question) -> Answers<T> {
        let mut silent: Vec<String> = self.others().into_keys().collect();
        let mut answers = Vec::new();
        let mut take = |answer: &RawValue| {
            let read = serde_json::from_str(answer.get());
            answers.extend(read.inspect_err(|error| tracing::debug!(%error, "an answer of another shape")));
        };
        if !silent.is_empty() {
            let deadline = Instant::now() + ANSWER_MAX;
            let (id, from) = (client_id(), self.0.parts.node.clone());
            let (sender, mut answered) = mpsc::channel(NODES_MAX);
            self.0.surveys.open().insert(id.clone(), sender);
            let _asking = Asking { surveys: &self.0.surveys, id: &id };
            let word = Word::Ask { id: id.clone(), from, question: question.clone() };
            if let Ok(Err(error)) = timeout_at(deadline, self.say(&word)).await {
                tracing::debug!(%error, "other nodes are not asked");
            }
            while !silent.is_empty()
                && let Ok(Some((node, answer))) = timeout_at(deadline, answered.recv()).await
            {
                silent.retain(|one| *one != node);
                take(&answer);
            }
        }
        take(&self.own_answer(question).await);
        Answers { answers, silent }
    }

    async fn own_answer(&self, question: Question) -> Box<RawValue> {
        let answer = match question {
            Question::Connections(asked) => to_raw_value(&self.own_connections(&asked).await),
            Question::Channels(asked) => to_raw_value(&self.own_channels(&asked).await),
            Question::Subscribed(pattern) => to_raw_value(&self.subscribed(&pattern).await),
            Question::Subscribers(channel) => to_raw_value(&self.own_subscribers(&channel).await),
            Question::Disconnect(client) => to_raw_value(&self.users().disconnect(&client)),
        };
        answer.unwrap_or_default()
    }

    async fn say(&self, word: &Word) -> Result<(), crate::backend::BackendError> {
        let word = to_raw_value(word).map_err(|_| crate::backend::BackendError::NotJson)?;
        self.0.parts.backend.order(word).await
    }
}

/// How many rows are listed: as many as are asked for, within [`LISTED_MAX`]; 0 asks for all.
fn listed(limit: usize) -> usize {
    if limit == 0 { LISTED_MAX } else { limit.min(LISTED_MAX) }
}

/// How many rows are not listed for want of room, and not because fewer were asked for.
fn left_out(limit: usize, matching: usize, listed: usize) -> usize {
    if limit == 0 || LISTED_MAX < limit { matching.saturating_sub(listed) } else { 0 }
}

/// Whether a text has another one in it, whatever the case of letters; `part` is in lower case.
fn has(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_rows_have_their_number() {
        let surveys = Surveys::default();
        let report = |at: usize| Report { node: at.to_string(), ..Report::default() };
        for at in 0..NODES_MAX {
            assert!(surveys.note(report(at)));
        }
        for _ in 0..2 {
            assert!(surveys.note(report(7)), "one that is there");
            assert!(!surveys.note(report(NODES_MAX)));
        }
        assert_eq!((surveys.nodes().len(), surveys.left_out().len()), (NODES_MAX, 1));
        for at in NODES_MAX..3 * NODES_MAX {
            assert!(!surveys.note(report(at)));
        }
        assert_eq!(surveys.left_out().len(), NODES_MAX);
        surveys.nodes().remove("7");
        assert!(surveys.note(report(NODES_MAX)), "there is a place");
        assert_eq!(surveys.left_out().len(), NODES_MAX - 1);
        assert_eq!([0, 1, LISTED_MAX, LISTED_MAX + 1].map(listed), [LISTED_MAX, 1, LISTED_MAX, LISTED_MAX]);
        assert_eq!([0, 10, LISTED_MAX + 1].map(|limit| left_out(limit, 900, 10)), [890, 0, 890]);
    }

    #[test]
    fn words_come_as_they_were_said_and_unknown_ones_are_refused() {
        let answer = RawValue::from_string(r#"{"z": 1}"#.to_owned()).unwrap();
        let word = Word::Answer { id: "i".to_owned(), from: "a".to_owned(), answer };
        let json = serde_json::to_string(&word).unwrap();
        let Word::Answer { answer, .. } = serde_json::from_str(&json).unwrap() else { panic!("{json}") };
        assert_eq!(answer.get(), r#"{"z": 1}"#);
        assert!(serde_json::from_str::<Word>(r#"{"later":{}}"#).is_err());
    }
}
