//! The text as tokens with their places.
//!
//! The crate that parses gives no places and no depth limit, and panics on some durations. So the
//! text is scanned here first: what would make it panic or recurse too deep is refused, and the
//! places are kept for messages.

pub mod explain;
pub mod regexes;
pub mod span;

use super::{
    QueryError,
    limits::{DEPTH_MAX, QUERY_BYTES_MAX},
};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number or a duration.
    Number,
    /// A quoted text.
    Text,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// An operator, a comma, a colon, `@`.
    Symbol,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub text: &'a str,
    /// Its first byte.
    pub at: usize,
}

/// The text with its tokens.
#[derive(Debug, Clone)]
pub struct Scanned<'a> {
    /// The whole text.
    pub text: &'a str,
    /// Its tokens, in order, without spaces and comments.
    pub tokens: Vec<Token<'a>>,
    /// Whether the last `[` is open while scanning: there a colon is not part of a name.
    bracketed: bool,
}

impl<'a> Scanned<'a> {
    /// Scans `text`.
    ///
    /// # Errors
    ///
    /// When it is too long or too deep, has a character that cannot be there, an open quote or
    /// brackets that do not fit, a duration out of range, or too large regular expressions.
    pub fn new(text: &'a str) -> Result<Self, QueryError> {
        let mut scanned = Self { text, tokens: Vec::new(), bracketed: false };
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::Limit { name: "bytes of text", max: QUERY_BYTES_MAX });
        }
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            let rest = &text[at..];
            if first.is_ascii_whitespace() {
                at += 1;
            } else if first == '#' {
                at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else {
                let (kind, len) = scanned.next(rest, first, at)?;
                match first {
                    '[' => scanned.bracketed = true,
                    ']' => scanned.bracketed = false,
                    _ => {}
                }
                scanned.tokens.push(Token { kind, text: &rest[..len], at });
                at += len;
            }
        }
        scanned.check_brackets()?;
        span::check(&scanned)?;
        regexes::check(&scanned)?;
        Ok(scanned)
    }

    fn next(&self, rest: &str, first: char, at: usize) -> Result<(Kind, usize), QueryError> {
        let run = |accept: fn(char) -> bool| rest.find(|c| !accept(c)).unwrap_or(rest.len());
        match first {
            '"' | '\'' | '`' => Ok((Kind::Text, self.quoted(rest, first, at)?)),
            '(' | '[' | '{' => Ok((Kind::Open, 1)),
            ')' | ']' | '}' => Ok((Kind::Close, 1)),
            '0'..='9' => Ok((Kind::Number, number_len(rest))),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                Ok((Kind::Number, number_len(rest)))
            }
            ':' if !self.bracketed => Ok((Kind::Word, run(is_word))),
            c if c.is_ascii_alphabetic() || c == '_' => Ok((Kind::Word, run(is_word))),
            '=' | '!' | '<' | '>' => {
                let second = rest[1..].starts_with(['=', '~']);
                Ok((Kind::Symbol, 1 + usize::from(second)))
            }
            '+' | '-' | '*' | '/' | '%' | '^' | ',' | '@' | ':' => Ok((Kind::Symbol, 1)),
            other => Err(self.error(at, format!("unexpected character {other:?}"))),
        }
    }

    fn quoted(&self, rest: &str, quote: char, at: usize) -> Result<usize, QueryError> {
        let mut escaped = false;
        for (i, c) in rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' && quote != '`' {
                escaped = true;
            } else if c == quote {
                return Ok(i + 1);
            } else if c == '\n' && quote != '`' {
                break;
            }
        }
        Err(self.error(at, format!("unterminated text {quote}")))
    }

    /// Checks that brackets fit, and that all that makes the tree deeper is within [`DEPTH_MAX`].
    fn check_brackets(&self) -> Result<(), QueryError> {
        let mut open: Vec<&Token<'_>> = Vec::new();
        let mut depth = 0;
        for token in &self.tokens {
            match token.kind {
                Kind::Open => open.push(token),
                Kind::Close => match open.pop().map(|token| token.text) {
                    Some("(") if token.text == ")" => {}
                    Some("[") if token.text == "]" => {}
                    Some("{") if token.text == "}" => {}
                    _ => return Err(self.error(token.at, format!("unexpected {:?}", token.text))),
                },
                Kind::Word | Kind::Number | Kind::Text | Kind::Symbol => {}
            }
            if deepens(token) {
                depth += 1;
            }
            if depth > DEPTH_MAX {
                return Err(QueryError::Limit { name: "operators and brackets", max: DEPTH_MAX });
            }
        }
        match open.last() {
            Some(token) => Err(self.error(token.at, format!("{:?} is not closed", token.text))),
            None => Ok(()),
        }
    }

    /// The line and column of a byte, both from 1.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        (line, column)
    }

    /// A parse error at a byte.
    pub fn error(&self, at: usize, message: String) -> QueryError {
        let (line, column) = self.place(at);
        QueryError::Parse { message, line, column }
    }

    /// Says that `what` is missing, at the first token that is `word`.
    pub fn not_yet(&self, word: &str, what: &str) -> QueryError {
        let found = self.tokens.iter().find(|token| token.text.eq_ignore_ascii_case(word));
        let (line, column) = self.place(found.map_or(0, |token| token.at));
        QueryError::NotYet { what: what.to_owned(), line, column }
    }
}

/// Whether the tree may get a level for this token.
fn deepens(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Open => true,
        Kind::Symbol => !matches!(token.text, "," | ":" | "@" | "=" | "=~" | "!~"),
        Kind::Word => ["and", "or", "unless", "atan2"].iter().any(|op| token.text.eq_ignore_ascii_case(op)),
        Kind::Number | Kind::Text | Kind::Close => false,
    }
}

/// Whether a word may have this character, once it has begun.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// The length of the number or duration at the start of `text`: digits, letters, points and the
/// sign of an exponent.
fn number_len(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hex;
        if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign) {
            return i;
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let scanned = Scanned::new(text).unwrap();
        let tokens: Vec<&str> = scanned.tokens.iter().map(|token| token.text).collect();
        assert_eq!(tokens, expected);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(Scanned::new(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn tokens() {
        check(
            "a:b{c=~\"d\\\"\"}[5m:1m]",
            &["a:b", "{", "c", "=~", "\"d\\\"\"", "}", "[", "5m", ":", "1m", "]"],
        );
        check("1e-3 + .5 # comment\n-x", &["1e-3", "+", ".5", "-", "x"]);
        check("0xe-1", &["0xe", "-", "1"]);
    }

    #[test]
    fn places_of_errors() {
        check_error("a +\n  §", "2:3: parse error: unexpected character '§'");
        check_error("sum(a", "1:4: parse error: \"(\" is not closed");
        check_error("a]", "1:2: parse error: unexpected \"]\"");
        check_error("{a='b}", "1:4: parse error: unterminated text '");
    }

    #[test]
    fn depth_is_limited() {
        let text = format!("{}1{}", "(".repeat(300), ")".repeat(300));
        check_error(&text, "the query needs more than 256 operators and brackets");
        check_error(&format!("{}1", "-".repeat(300)), "the query needs more than 256 operators and brackets");
    }
}
