//! What people send to rooms, and the events that become of it.

use serde_json::Value;
use watchroom::model::Person;
use watchroom::rooms::{Event, Say, TEXT_CHARS_MAX, event::Ack};

/// A comment that is taken comes back as it was said, and an event that is read is written as it was.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let by = serde_json::from_str::<Person>(text);
    let by = by.unwrap_or_else(|_| Person::new("a1", "Bo").expect("a short name"));
    assert!(!by.name().is_empty() && by.name().trim() == by.name());
    if let Ok(say) = serde_json::from_str::<Say>(text) {
        let said = say.clone();
        if let Ok(comment) = say.comment(&by, 7) {
            assert_eq!((&comment.id, &comment.pin), (&said.id, &said.pin));
            assert_eq!(comment.text, said.text.replace("\r\n", "\n").trim());
            assert!(comment.text.chars().count() <= TEXT_CHARS_MAX);
            comes_back(&Event::Comment(comment));
        }
    }
    if let Ok(ack) = serde_json::from_str::<Ack>(text) {
        comes_back(&Event::Ack(ack));
    }
    if let Ok(event) = Event::read(text) {
        comes_back(&event);
    }
}

fn comes_back(event: &Event) {
    let json = event.json();
    let read = Event::read(json.get()).expect("what we write is an event");
    assert_eq!(read.json().get(), json.get());
    // Numbers past what a reader of any JSON takes are kept as they were written.
    if let Ok(value) = serde_json::from_str::<Value>(json.get()) {
        assert!(value["type"].is_string() && value["id"].is_string());
    }
}
