//! What the engine tells: the pages of this node, and the dispatcher.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{json, value::RawValue};

use super::Engine;
use crate::alerts::{
    CHANNEL, Change,
    board::{Changed, Standing, Tell},
    dispatch::Outgoing,
    shape::{AlertShape, HealthShape, id},
};
use crate::live::block::publication;
use crate::rules::{Alert, Change as Became, Transition};

/// Alerts of one change: some 40 KB.
const CHANGE_ALERTS_MAX: usize = 32;

/// An alert as this node remembers it over a restart.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(in crate::alerts) struct Kept {
    /// As the rules write it.
    pub(in crate::alerts) alert: Box<RawValue>,
    /// The rooms that were told of it.
    #[serde(default)]
    pub(in crate::alerts) rooms: Vec<String>,
}

impl Engine {
    /// Hands transitions to the dispatcher, each with what the time lines say and what is remembered.
    pub(super) fn send_out(&self, step: &Changed, transitions: &[Transition], now: i64) {
        let mut tells: BTreeMap<(String, &str), &Tell> =
            step.tell.iter().map(|tell| ((tell.id.clone(), tell.target), tell)).collect();
        for transition in transitions {
            self.counters.turned(transition.change);
            let id = id(&transition.alert);
            let tell = tells.remove(&(id.clone(), transition.change.name())).cloned();
            let rooms = self.board.get(&id).map(|standing| standing.rooms.clone()).unwrap_or_default();
            let is_cleared = transition.change == Became::Cleared;
            let remember = if is_cleared { None } else { kept(&transition.alert, rooms) };
            self.hand_over(Outgoing { id, tell, remember, at: now });
        }
        // What was held back by something worse, and is not any more.
        for tell in tells.into_values() {
            let remember = self.board.get(&tell.id).and_then(remembered);
            self.hand_over(Outgoing { id: tell.id.clone(), tell: Some(tell.clone()), remember, at: now });
        }
        for id in &step.remember {
            if let Some(remember) = self.board.get(id).and_then(remembered) {
                self.hand_over(Outgoing { id: id.clone(), tell: None, remember: Some(remember), at: now });
            }
        }
        for id in &step.gone {
            self.hand_over(Outgoing { id: id.clone(), tell: None, remember: None, at: now });
        }
    }

    fn hand_over(&self, outgoing: Outgoing) {
        if let Err(error) = self.outgoing.try_send(outgoing) {
            self.counters.dropped.increment();
            tracing::error!(error = %error, "alert event dropped");
        }
    }

    pub(super) async fn tell_changes(&mut self, changed: Changed, states: &[usize], now: i64) {
        if changed.alerts.is_empty() && changed.gone.is_empty() && states.is_empty() {
            return;
        }
        let ids: Vec<String> = changed.alerts.into_iter().collect();
        let (first, rest) = ids.split_at(CHANGE_ALERTS_MAX.min(ids.len()));
        let alerts = self.shapes(first, now);
        let states: Vec<HealthShape<'_>> = states
            .iter()
            .filter_map(|at| self.watch.get(*at))
            .map(|watched| HealthShape::of(&watched.of.rule, &watched.health))
            .collect();
        let mut data = serde_json::Map::new();
        let mut put = |key: &str, value: serde_json::Value, is_empty: bool| {
            if !is_empty {
                data.insert(key.to_owned(), value);
            }
        };
        put("alerts", json!(alerts), alerts.is_empty());
        put("gone", json!(changed.gone), changed.gone.is_empty());
        put("states", json!(states), states.is_empty());
        self.tell(&serde_json::Value::Object(data)).await;
        self.tell_alerts(rest, now).await;
    }

    /// Tells the pages of alerts, some at a time.
    pub(super) async fn tell_alerts(&mut self, ids: &[String], now: i64) {
        for some in ids.chunks(CHANGE_ALERTS_MAX) {
            let data = json!({ "alerts": self.shapes(some, now) });
            self.tell(&data).await;
        }
    }

    fn shapes(&self, ids: &[String], now: i64) -> Vec<AlertShape> {
        ids.iter().filter_map(|id| self.board.shape(id, now)).collect()
    }

    /// Tells the pages of a change.
    pub(super) async fn tell(&mut self, data: &serde_json::Value) {
        self.seq += 1;
        let cast = publication(&Arc::from(CHANNEL), data.to_string(), None);
        // Nobody reads when the hub has stopped.
        drop(self.changes.send(Change { cast, seq: Some(self.seq) }).await);
    }

    pub(super) async fn tell_silences(&mut self, alerts: Vec<String>, now: i64) {
        self.tell(&json!({ "silences": self.board.silences() })).await;
        self.tell_alerts(&alerts, now).await;
    }

    pub(super) async fn tell_values(
        &mut self,
        channel: &'static str,
        key: &str,
        values: serde_json::Value,
        now: i64,
    ) {
        let text = values.to_string();
        if self.values.get(channel) == Some(&text) {
            return;
        }
        let data = format!("{{\"at\":{now},\"{key}\":{text}}}");
        let cast = publication(&Arc::from(channel), data, None);
        self.values.insert(channel, text);
        drop(self.changes.send(Change { cast, seq: None }).await);
    }
}

fn remembered(standing: &Standing) -> Option<Box<RawValue>> {
    kept(&standing.alert, standing.rooms.clone())
}

/// What this node remembers of an alert.
fn kept(alert: &Alert, rooms: Vec<String>) -> Option<Box<RawValue>> {
    let alert = RawValue::from_string(alert.write()).ok()?;
    serde_json::value::to_raw_value(&Kept { alert, rooms }).ok()
}
