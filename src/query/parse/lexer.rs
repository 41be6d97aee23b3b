//! From text to tokens, one by one.
//!
//! What a character means depends on where it stands: in braces words are label names and `=` compares, in square
//! brackets a colon parts a subquery's range from its step, elsewhere it is a part of a name.

use super::{
    number,
    token::{Kind, Token},
};

/// Where the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Braces,
    Brackets,
}

/// Why there is no token: the byte and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexError {
    /// The first byte of what is wrong.
    pub at: usize,
    /// What was found and what to do.
    pub message: String,
}

/// The text and how far it is read.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    inside: Inside,
}

impl<'a> Lexer<'a> {
    /// Begins at the start of `text`.
    pub const fn new(text: &'a str) -> Self {
        Self { text, at: 0, inside: Inside::Nothing }
    }

    /// The next token; at the end [`Kind::End`], again and again.
    ///
    /// # Errors
    ///
    /// When there is a character that cannot be there, a text without its end, or what begins like a number and is
    /// none.
    pub fn token(&mut self) -> Result<Token<'a>, LexError> {
        self.skip();
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return Ok(Token { kind: Kind::End, text: "", at: self.text.len() });
        };
        let (kind, len) = self.measure(rest, first)?;
        let token = Token { kind, text: &rest[..len], at: self.at };
        self.at += len;
        match token.text {
            "{" => self.inside = Inside::Braces,
            "[" if self.inside == Inside::Nothing => self.inside = Inside::Brackets,
            "}" | "]" => self.inside = Inside::Nothing,
            _ => {}
        }
        Ok(token)
    }

    /// Passes spaces and comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
        }
    }

    /// The kind and the length of the token at the start of `rest`.
    fn measure(&self, rest: &str, first: char) -> Result<(Kind, usize), LexError> {
        let symbol = |len| Ok((Kind::Symbol, len));
        let after = rest[first.len_utf8()..].chars().next();
        match first {
            '"' | '\'' | '`' => Ok((Kind::Text, self.quoted(rest, first)?)),
            '0'..='9' => self.number(rest),
            '.' if after.is_some_and(|c| c.is_ascii_digit()) => self.number(rest),
            c if c.is_ascii_alphabetic() || c == '_' => Ok(self.word(rest)),
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => symbol(1),
            ':' if self.inside == Inside::Brackets => symbol(1),
            ':' if self.inside == Inside::Nothing => Ok(self.word(rest)),
            '=' | '!' => self.comparison(first, after),
            '<' | '>' if self.inside == Inside::Nothing => {
                symbol(1 + usize::from(matches!(after, Some('=' | '/'))))
            }
            '+' | '-' | '*' | '/' | '%' | '^' | '@' if self.inside != Inside::Braces => symbol(1),
            other => Err(self.wrong(format!("unexpected character {other:?}"))),
        }
    }

    fn comparison(&self, first: char, after: Option<char>) -> Result<(Kind, usize), LexError> {
        let in_braces = self.inside == Inside::Braces;
        match (first, after) {
            ('!', Some('=')) => Ok((Kind::Symbol, 2)),
            ('=' | '!', Some('~')) if in_braces => Ok((Kind::Symbol, 2)),
            ('=', Some('=')) if !in_braces => Ok((Kind::Symbol, 2)),
            ('=', _) if in_braces => Ok((Kind::Symbol, 1)),
            ('=' | '!', Some('~')) => Err(self.wrong(format!(
                "unexpected \"{first}~\": regular expressions are compared in braces, as in {{label=~\"a.*\"}}"
            ))),
            ('=', _) => Err(self.wrong("unexpected \"=\": values are compared with \"==\"".to_owned())),
            _ => Err(self.wrong("unexpected character '!': expected \"!=\" or, in braces, \"!~\"".to_owned())),
        }
    }

    fn word(&self, rest: &str) -> (Kind, usize) {
        let colons = self.inside == Inside::Nothing;
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && colons);
        let len = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let special = ["inf", "nan"].iter().any(|word| rest[..len].eq_ignore_ascii_case(word));
        (if special && colons { Kind::Number } else { Kind::Word }, len)
    }

    fn number(&self, rest: &str) -> Result<(Kind, usize), LexError> {
        let len = number::len(rest);
        let text = &rest[..len];
        if number::number(text).is_some() {
            return Ok((Kind::Number, len));
        }
        match number::duration_seconds(text) {
            Ok(_) => Ok((Kind::Duration, len)),
            Err(why) => Err(self.wrong(why.message(text))),
        }
    }

    fn quoted(&self, rest: &str, quote: char) -> Result<usize, LexError> {
        let mut escaped = false;
        for (i, c) in rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' && quote != '`' {
                escaped = true;
            } else if c == quote {
                return Ok(i + 1);
            }
            if c == '\n' && quote != '`' {
                break;
            }
        }
        Err(self.wrong(format!("unterminated text {quote}")))
    }

    const fn wrong(&self, message: String) -> LexError {
        LexError { at: self.at, message }
    }

    /// Whether the next character but spaces is an opening bracket.
    pub fn opens(&self) -> bool {
        self.text[self.at..].trim_start_matches([' ', '\t', '\n', '\r']).starts_with('(')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.token().unwrap();
            if token.kind == Kind::End {
                break;
            }
            assert_eq!(token.span().of(text), token.text);
            tokens.push(token.text);
        }
        assert_eq!(tokens, expected);
    }

    #[test]
    fn tokens() {
        check(
            "a:b{c=~\"d\\\"\"}[5m:1m]",
            &["a:b", "{", "c", "=~", "\"d\\\"\"", "}", "[", "5m", ":", "1m", "]"],
        );
        check("1e-3 + .5 # comment\n-x", &["1e-3", "+", ".5", "-", "x"]);
        check("0xe-1", &["0xe", "-", "1"]);
        check("a </ b >/ c <= d", &["a", "</", "b", ">/", "c", "<=", "d"]);
        check(
            "a{b='c' # why\n} [step()+1m:5s] @ 3",
            &["a", "{", "b", "=", "'c'", "}", "[", "step", "(", ")", "+", "1m", ":", "5s", "]", "@", "3"],
        );
    }

    #[track_caller]
    fn check_error(text: &str, at: usize, message: &str) {
        let mut lexer = Lexer::new(text);
        let error = loop {
            match lexer.token() {
                Ok(token) => assert_ne!(token.kind, Kind::End, "{text} is fine"),
                Err(error) => break error,
            }
        };
        assert_eq!((error.at, error.message.as_str()), (at, message));
    }

    #[test]
    fn errors_have_places() {
        check_error("a +\n  §", 6, "unexpected character '§'");
        check_error("{a='b}", 3, "unterminated text '");
        check_error("{a='b\\\n'}", 3, "unterminated text '");
        check_error("a = 1", 2, "unexpected \"=\": values are compared with \"==\"");
        check_error("{a:b='c'}", 2, "unexpected character ':'");
        check_error("a[1hx]", 2, "bad number or duration syntax: \"1hx\"");
        check_error("a[5m1h]", 2, "not a valid duration: \"5m1h\": units go from large to small, each once");
        check_error("2.5.", 0, "bad number or duration syntax: \"2.5.\"");
    }
}
