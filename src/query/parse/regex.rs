//! Regular expressions as Go reads them.

use std::borrow::Cow;

use crate::model::{MatchOp, Matcher, MatcherError};

/// A condition; a brace that repeats nothing stands for itself, as in Go.
///
/// # Errors
///
/// What is wrong with the expression.
pub(super) fn matcher(name: &str, op: MatchOp, value: &str) -> Result<Matcher, String> {
    Matcher::new(name, op, value)
        .or_else(|error| match escaped(value) {
            Cow::Owned(escaped) => Matcher::new(name, op, &escaped).map_err(|_| error),
            Cow::Borrowed(_) => Err(error),
        })
        .map_err(|error| match &error {
            MatcherError::TooLarge(_) => error.to_string(),
            MatcherError::Wrong(wrong) => {
                // The crate draws the expression over several lines; the last one says what is wrong with it.
                let told = wrong.to_string();
                let reason = told.lines().next_back().unwrap_or_default().trim_start_matches("error: ");
                format!("invalid regular expression {value:?}: {reason}")
            }
        })
}

/// The expression with a backslash before each brace that repeats nothing; borrowed if there is none.
pub(super) fn escaped(pattern: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let mut in_class = false;
    let mut kept = 0;
    let mut chars = pattern.char_indices();
    let mut named = false;
    while let Some((at, c)) = chars.next() {
        match c {
            // `\p{Greek}` and `\x{e9}` have braces of their own.
            '\\' => named = matches!(chars.next(), Some((_, 'p' | 'P' | 'x'))),
            '[' => in_class = true,
            ']' => in_class = false,
            '{' if !in_class && !named && !repeats(&pattern[at..]) => {
                text.push_str(&pattern[kept..at]);
                text.push('\\');
                kept = at;
            }
            _ => {}
        }
        named &= c == '\\';
    }
    if text.is_empty() {
        return Cow::Borrowed(pattern);
    }
    text.push_str(&pattern[kept..]);
    Cow::Owned(text)
}

/// Whether `{2}`, `{2,}` or `{2,3}` stands at the start.
fn repeats(text: &str) -> bool {
    let Some((inside, _)) = text[1..].split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_repeat_nothing_stand_for_themselves() {
        assert_eq!(escaped("{{.*}}"), "\\{\\{.*}}");
        assert_eq!(escaped("a{2}{3,}{x"), "a{2}{3,}\\{x");
        assert_eq!(escaped("[{]\\{\\p{Greek}\\x{e9}"), "[{]\\{\\p{Greek}\\x{e9}");
        let matcher = matcher("a", MatchOp::Regex, "{a{2}.*}").unwrap();
        assert!(matcher.matches("{aax}"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let why = matcher("a", MatchOp::Regex, "(").unwrap_err();
        assert_eq!(why, "invalid regular expression \"(\": unclosed group");
        let why = matcher("a", MatchOp::Regex, r"\w{20}").unwrap_err();
        assert!(why.starts_with("the regular expression is too large"), "{why}");
    }
}
