//! Who does something: an id that a page made, and the name that someone gave.

use serde::{Deserialize, Serialize};

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 40;
/// Bytes of an id: pages make 16 hex digits.
pub const PERSON_ID_BYTES_MAX: usize = 64;

/// A person, as others see them.
///
/// Nothing proves who it is: the server is open to this machine alone, and takes people at their word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said")]
pub struct Person {
    id: String,
    name: String,
}

/// What someone said about themselves.
#[derive(Debug, Deserialize)]
struct Said {
    id: String,
    name: String,
}

/// Why that is no person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// No letters in it.
    #[error("a name is needed; write at least one letter")]
    NoName,
    /// Too many letters.
    #[error("the name has {0} characters, at most {NAME_CHARS_MAX}")]
    LongName(usize),
    /// Something that is not seen.
    #[error("the name has a control character; write it in one line")]
    Control,
    /// The page made none, or a strange one.
    #[error("the id of a person has 1 to {PERSON_ID_BYTES_MAX} letters, digits, `-` and `_`")]
    Id,
}

impl Person {
    /// A person; spaces around the name are left out.
    ///
    /// # Errors
    ///
    /// [`PersonError`].
    pub fn new(id: &str, name: &str) -> Result<Self, PersonError> {
        let name = name.trim();
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let length = name.chars().count();
        if id.is_empty() || PERSON_ID_BYTES_MAX < id.len() || !id.chars().all(letter) {
            Err(PersonError::Id)
        } else if length == 0 {
            Err(PersonError::NoName)
        } else if NAME_CHARS_MAX < length {
            Err(PersonError::LongName(length))
        } else if name.chars().any(is_unseen) {
            Err(PersonError::Control)
        } else {
            Ok(Self { id: id.to_owned(), name: name.to_owned() })
        }
    }

    /// The id, made by the page.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl TryFrom<Said> for Person {
    type Error = PersonError;

    fn try_from(said: Said) -> Result<Self, PersonError> {
        Self::new(&said.id, &said.name)
    }
}

/// Whether a character changes how others are shown: controls, line and paragraph ends, and those that turn the
/// direction of writing, which could make a text look like another one.
pub fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, name: &str, expected: Result<&str, PersonError>) {
        assert_eq!(Person::new(id, name).map(|person| person.name), expected.map(str::to_owned));
    }

    #[test]
    fn a_name_is_seen_and_not_too_long() {
        check("0123abcd0123abcd", "  Олена ", Ok("Олена"));
        check("a", &"ї".repeat(40), Ok(&"ї".repeat(40)));
        check("a", &"x".repeat(41), Err(PersonError::LongName(41)));
        check("a", " \t ", Err(PersonError::NoName));
        check("a", "a\nb", Err(PersonError::Control));
        check("a", "a\u{202e}b", Err(PersonError::Control));
        check("", "a", Err(PersonError::Id));
        check("<b>", "a", Err(PersonError::Id));
        check(&"a".repeat(65), "a", Err(PersonError::Id));
    }

    #[test]
    fn json_is_checked_too() {
        let person: Person = serde_json::from_str(r#"{"id":"a1","name":" Bo "}"#).unwrap();
        assert_eq!(serde_json::to_string(&person).unwrap(), r#"{"id":"a1","name":"Bo"}"#);
        let error = serde_json::from_str::<Person>(r#"{"id":"a1","name":""}"#).unwrap_err();
        assert!(error.to_string().contains("a name is needed"), "{error}");
    }
}
