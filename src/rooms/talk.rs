//! What may be said.

use serde::{Deserialize, Serialize};

use super::event::Comment;
use crate::model::Person;

/// Characters of a comment: a page of text, at most 16 KB.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Bytes of an author's id for a comment.
const ID_BYTES_MAX: usize = 64;
/// How far a pin may be ahead of the server's clock, ms: that of a page differs a little.
const PIN_AHEAD_MS_MAX: i64 = 5_000;

/// A comment as its author sends it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Say {
    /// The dashboard's id.
    pub room: String,
    /// The author's id for it.
    pub id: String,
    /// What is said.
    pub text: String,
    /// What it is about.
    #[serde(default)]
    pub pin: Option<Pin>,
}

/// A panel at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The panel's id.
    pub panel: String,
    /// Ms since the epoch.
    pub time: i64,
}

/// Why a text was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing in it.
    #[error("there is nothing to say yet; write something first")]
    Empty,
    /// Too much in it.
    #[error("the text has {0} characters, at most {TEXT_CHARS_MAX}; say it in two messages")]
    Long(usize),
    /// Something in it that is not text.
    #[error("the text has the control character U+{code:04X} at character {at}; take it out")]
    Control {
        /// Its position, from 1.
        at: usize,
        /// Its code.
        code: u32,
    },
    /// The page's id for it cannot be taken.
    #[error("a message's `id` has 1 to {ID_BYTES_MAX} letters, digits, `-`, `_`, `.` and `:`")]
    Id,
}

/// Why a pin was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not on this dashboard.
    #[error("this dashboard has no such panel; it may have been removed, reload the page")]
    NoPanel,
    /// Not yet.
    #[error("a pin stands at a time that was; this one is {} s ahead", .0 / 1_000)]
    Future(i64),
    /// Before all time.
    #[error("a pin's `time` is in milliseconds since 1970")]
    Time,
}

impl Say {
    /// The comment; spaces at both ends are left out, and each line ends with one line feed. Control characters other
    /// than line feeds and tabs are refused, not taken out: what is stored is what was written.
    ///
    /// # Errors
    ///
    /// [`TextError`].
    pub fn comment(self, by: &Person, now_ms: i64) -> Result<Comment, TextError> {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if self.id.is_empty() || ID_BYTES_MAX < self.id.len() || !self.id.chars().all(letter) {
            return Err(TextError::Id);
        }
        let text = self.text.replace("\r\n", "\n");
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 {
            return Err(TextError::Empty);
        }
        if TEXT_CHARS_MAX < length {
            return Err(TextError::Long(length));
        }
        let control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if let Some((at, c)) = text.chars().enumerate().find(|(_, c)| control(*c)) {
            return Err(TextError::Control { at: at + 1, code: c.into() });
        }
        Ok(Comment { id: self.id, at: now_ms, by: by.clone(), text: text.to_owned(), pin: self.pin })
    }
}

impl Pin {
    /// Checks that it points at something.
    ///
    /// # Errors
    ///
    /// [`PinError`].
    pub fn check(&self, now_ms: i64, has_panel: impl FnOnce(&str) -> bool) -> Result<(), PinError> {
        if self.time < 0 {
            Err(PinError::Time)
        } else if now_ms.saturating_add(PIN_AHEAD_MS_MAX) < self.time {
            Err(PinError::Future(self.time - now_ms))
        } else if has_panel(&self.panel) {
            Ok(())
        } else {
            Err(PinError::NoPanel)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, text: &str, expected: Result<&str, TextError>) {
        let say = Say { room: "host".to_owned(), id: id.to_owned(), text: text.to_owned(), pin: None };
        let by = Person::new("a1", "Bo").unwrap();
        assert_eq!(say.comment(&by, 5).map(|comment| comment.text), expected.map(str::to_owned));
    }

    #[test]
    fn a_text_is_taken_as_it_was_written_or_not_at_all() {
        check("x", " a\tb\r\nc \n", Ok("a\tb\nc"));
        check("x", "<script>\u{202e}ї", Ok("<script>\u{202e}ї"));
        check("x", " \n", Err(TextError::Empty));
        check("x", &"ї".repeat(TEXT_CHARS_MAX), Ok(&"ї".repeat(TEXT_CHARS_MAX)));
        check("x", &"x".repeat(TEXT_CHARS_MAX + 1), Err(TextError::Long(TEXT_CHARS_MAX + 1)));
        check("x", "їb\u{7}", Err(TextError::Control { at: 3, code: 7 }));
        check("x", "a\rb", Err(TextError::Control { at: 2, code: 13 }));
        check("", "a", Err(TextError::Id));
        check(&"x".repeat(65), "a", Err(TextError::Id));
        check("a b", "a", Err(TextError::Id));
        let error = TextError::Control { at: 3, code: 7 };
        assert_eq!(
            error.to_string(),
            "the text has the control character U+0007 at character 3; take it out"
        );
    }

    #[test]
    fn a_pin_points_at_what_was() {
        let now = 1_000_000;
        let check = |panel: &str, time: i64| {
            let pin = Pin { panel: panel.to_owned(), time };
            pin.check(now, |panel| panel == "cpu")
        };
        assert_eq!(check("cpu", now), Ok(()));
        assert_eq!(check("cpu", now + PIN_AHEAD_MS_MAX), Ok(()));
        assert_eq!(check("cpu", now + PIN_AHEAD_MS_MAX + 1), Err(PinError::Future(5_001)));
        assert_eq!(check("cpu", -1), Err(PinError::Time));
        assert_eq!(check("cpv", 1), Err(PinError::NoPanel));
    }
}
