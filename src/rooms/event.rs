//! What a time line holds, as JSON. `docs/protocol.md` has the same in words.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Pin, raw};
use crate::model::Person;

/// One event of a time line.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Someone wrote something.
    Comment(Comment),
    /// An alert changed.
    Alert(AlertChange),
    /// Someone takes care of an alert.
    Ack(Ack),
    /// Someone does not any more.
    Unack(Ack),
    /// A silence began, or was made for later.
    Silence(Silence),
    /// A silence was ended early.
    SilenceEnd(Silence),
}

/// What someone wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Its author's id for it.
    pub id: String,
    /// When the server took it, ms since the epoch.
    pub at: i64,
    /// Who.
    pub by: Person,
    /// What.
    pub text: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
}

/// A transition of an alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AlertChange {
    /// The alert's id and the number of the transition.
    pub id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// The alert after it.
    pub alert: Box<RawValue>,
}

/// Care for an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Unique.
    pub id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// Who.
    pub by: Person,
    /// The alert's id.
    pub alert: String,
    /// The name of its rule.
    pub name: String,
    /// Why; may be empty.
    pub reason: String,
}

/// A silence, made or ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Silence {
    /// Unique.
    pub id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// Who.
    pub by: Person,
    /// The silence after it.
    pub silence: Box<RawValue>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
}

impl Event {
    /// The JSON that is stored and published.
    pub fn json(&self) -> Box<RawValue> {
        raw(self)
    }

    /// Reads one that was stored.
    ///
    /// # Errors
    ///
    /// When it is none, or of a kind that only a newer version knows.
    pub fn read(json: &str) -> Result<Self, serde_json::Error> {
        let Head { kind } = serde_json::from_str(json)?;
        Ok(match kind.as_str() {
            "comment" => Self::Comment(serde_json::from_str(json)?),
            "alert" => Self::Alert(serde_json::from_str(json)?),
            "ack" => Self::Ack(serde_json::from_str(json)?),
            "unack" => Self::Unack(serde_json::from_str(json)?),
            "silence" => Self::Silence(serde_json::from_str(json)?),
            "silence_end" => Self::SilenceEnd(serde_json::from_str(json)?),
            _ => return Err(serde::de::Error::custom("an event of an unknown type")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(event: &Event, expected: &str) {
        let json = event.json();
        assert_eq!(json.get(), expected);
        assert_eq!(Event::read(json.get()).unwrap().json().get(), expected);
    }

    #[test]
    fn events_have_the_protocols_shape() {
        let by = Person::new("a1", "Олена").unwrap();
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let pin = Some(Pin { panel: "cpu".to_owned(), time: 5 });
        let comment = Comment { id: "x".to_owned(), at: 7, by: by.clone(), text: "a\n<b>".to_owned(), pin };
        check(
            &Event::Comment(comment.clone()),
            r#"{"type":"comment","id":"x","at":7,"by":{"id":"a1","name":"Олена"},"text":"a\n<b>","pin":{"panel":"cpu","time":5}}"#,
        );
        check(
            &Event::Comment(Comment { pin: None, ..comment }),
            r#"{"type":"comment","id":"x","at":7,"by":{"id":"a1","name":"Олена"},"text":"a\n<b>"}"#,
        );
        let alert = AlertChange { id: "f-1".to_owned(), at: 7, alert: raw(r#"{"value": 1.50}"#) };
        check(&Event::Alert(alert), r#"{"type":"alert","id":"f-1","at":7,"alert":{"value": 1.50}}"#);
        let ack = Ack {
            id: "k".to_owned(),
            at: 7,
            by: by.clone(),
            alert: "f".to_owned(),
            name: "CPU".to_owned(),
            reason: String::new(),
        };
        let tail = r#""id":"k","at":7,"by":{"id":"a1","name":"Олена"},"alert":"f","name":"CPU","reason":""}"#;
        check(&Event::Ack(ack.clone()), &format!(r#"{{"type":"ack",{tail}"#));
        check(&Event::Unack(ack), &format!(r#"{{"type":"unack",{tail}"#));
        let silence = Silence { id: "s".to_owned(), at: 7, by, silence: raw("{}") };
        let tail = r#""id":"s","at":7,"by":{"id":"a1","name":"Олена"},"silence":{}}"#;
        check(&Event::Silence(silence.clone()), &format!(r#"{{"type":"silence",{tail}"#));
        check(&Event::SilenceEnd(silence), &format!(r#"{{"type":"silence_end",{tail}"#));
    }

    #[test]
    fn what_is_newer_is_told() {
        assert!(Event::read(r#"{"type":"poll","id":"x"}"#).is_err());
        assert!(Event::read("7").is_err());
    }
}
