//! What stood before: each alert from its first sign to its end, for bands on charts and for a rule's past.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::rooms::event::Event;

/// Episodes that are remembered: at some 1 KiB each, 2 MiB.
pub(super) const EPISODES_MAX: usize = 2_000;
/// Episodes of one answer.
pub const EPISODES_ANSWER_MAX: usize = 500;

/// What is read of an alert.
#[derive(Debug, Deserialize)]
struct Facts {
    id: String,
    rule: String,
    state: String,
    since: i64,
    resolved: Option<i64>,
}

#[derive(Debug)]
struct Episode {
    id: String,
    rule: String,
    since: i64,
    /// When it ended; none while it stands.
    end: Option<i64>,
    /// The alert as of its last event.
    alert: Box<RawValue>,
}

/// Which episodes are wanted.
#[derive(Debug, Clone, Deserialize)]
pub struct Span {
    /// Those that stood at or after, ms.
    pub start: i64,
    /// Those that began at or before, ms.
    pub end: i64,
    /// Of one rule only, by id.
    #[serde(default)]
    pub rule: Option<String>,
}

/// Episodes, oldest first, made from the stream of transitions; at most [`EPISODES_MAX`].
#[derive(Debug, Default)]
pub(super) struct Episodes(VecDeque<Episode>);

impl Episodes {
    /// Takes note of one event of the stream, in its order; gives the rule and when that was. What is no alert's event is
    /// left out.
    pub(super) fn note(&mut self, event: &str) -> Option<(String, i64)> {
        let Ok(Event::Alert(event)) = Event::read(event) else { return None };
        let facts: Facts = serde_json::from_str(event.alert.get()).ok()?;
        let changed = (facts.rule.clone(), event.at);
        let over = matches!(facts.state.as_str(), "resolved" | "cleared");
        // Something that was cleared has no time of its end but that it was told at.
        let end = over.then(|| facts.resolved.unwrap_or(facts.since));
        // Read twice, an event changes nothing; nodes whose clocks differ tell of one episode.
        let newest = self.0.iter_mut().rev().find(|one| one.id == facts.id);
        match newest.filter(|one| one.end.is_none() || one.since == facts.since) {
            Some(known) => {
                known.end = end;
                known.alert = event.alert;
            }
            None => {
                let (id, rule, since) = (facts.id, facts.rule, facts.since);
                self.0.push_back(Episode { id, rule, since, end, alert: event.alert });
            }
        }
        while EPISODES_MAX < self.0.len() {
            self.0.pop_front();
        }
        Some(changed)
    }

    /// The episodes of a span as JSON, newest first.
    pub(super) fn json(&self, span: &Span) -> String {
        let within = |one: &&Episode| {
            one.since <= span.end
                && one.end.is_none_or(|end| span.start <= end)
                && span.rule.as_ref().is_none_or(|rule| *rule == one.rule)
        };
        let mut found: Vec<&str> = Vec::new();
        let mut all = self.0.iter().rev().filter(within);
        found.extend(all.by_ref().take(EPISODES_ANSWER_MAX).map(|one| one.alert.get()));
        format!("{{\"episodes\":[{}],\"more\":{}}}", found.join(","), all.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, state: &str, since: i64, resolved: &str) -> String {
        format!(
            r#"{{"type":"alert","id":"e","at":1,"alert":{{"id":"{id}","rule":"r-{id}","state":"{state}","since":{since},"resolved":{resolved}}}}}"#
        )
    }

    #[track_caller]
    fn check(episodes: &Episodes, span: (i64, i64, Option<&str>), expected: &[(&str, &str)]) {
        let (start, end, rule) = span;
        let json = episodes.json(&Span { start, end, rule: rule.map(str::to_owned) });
        let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
        let found: Vec<(&str, &str)> = answer["episodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["id"].as_str().unwrap(), one["state"].as_str().unwrap()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_episode_goes_from_its_first_sign_to_its_end() {
        let mut episodes = Episodes::default();
        episodes.note(&event("a", "pending", 100, "null"));
        episodes.note(&event("a", "firing", 100, "null"));
        episodes.note(&event("b", "firing", 150, "null"));
        check(&episodes, (0, 1_000, None), &[("b", "firing"), ("a", "firing")]);
        episodes.note(&event("a", "resolved", 100, "200"));
        check(&episodes, (0, 1_000, None), &[("b", "firing"), ("a", "resolved")]);
        check(&episodes, (201, 1_000, None), &[("b", "firing")]);
        check(&episodes, (0, 149, None), &[("a", "resolved")]);
        // The same alert again is another episode.
        episodes.note(&event("a", "pending", 300, "null"));
        episodes.note(&event("a", "cleared", 300, "310"));
        check(&episodes, (0, 1_000, Some("r-a")), &[("a", "cleared"), ("a", "resolved")]);
        episodes.note(&event("a", "cleared", 300, "310"));
        episodes.note("{}");
        episodes.note("no json");
        assert_eq!(episodes.0.len(), 3);
    }

    #[test]
    fn no_more_than_the_limits() {
        let mut episodes = Episodes::default();
        for n in 0..=i64::try_from(EPISODES_MAX).unwrap() {
            episodes.note(&event(&n.to_string(), "resolved", n, &n.to_string()));
        }
        assert_eq!(episodes.0.len(), EPISODES_MAX);
        let json = episodes.json(&Span { start: 0, end: i64::MAX, rule: None });
        assert!(json.ends_with("\"more\":true}"), "{}", &json[json.len() - 40..]);
    }
}
