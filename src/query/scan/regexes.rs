//! The regular expressions of a text, checked before the parser compiles them without a limit.

use super::{Kind, Scanned};
use crate::query::{
    QueryError,
    limits::{REGEX_BYTES_MAX, REGEXES_MAX},
};

/// Checks the texts after `=~` and `!~`.
///
/// # Errors
///
/// When there are more than [`REGEXES_MAX`], or one is wrong or larger than [`REGEX_BYTES_MAX`] when compiled.
pub fn check(scanned: &Scanned<'_>) -> Result<(), QueryError> {
    let mut count = 0;
    for pair in scanned.tokens.windows(2) {
        let [operator, text] = pair else {
            continue;
        };
        if !matches!(operator.text, "=~" | "!~") || text.kind != Kind::Text {
            continue;
        }
        count += 1;
        if count > REGEXES_MAX {
            return Err(QueryError::Limit { name: "regular expressions", max: REGEXES_MAX });
        }
        let Ok(pattern) = promql_parser::util::unquote_string(text.text) else {
            continue;
        };
        match regex::RegexBuilder::new(&pattern).size_limit(REGEX_BYTES_MAX).build() {
            Ok(_) => {}
            Err(regex::Error::CompiledTooBig(_)) => {
                return Err(scanned.error(text.at, "the regular expression is too large".to_owned()));
            }
            Err(error) => {
                // The crate draws the pattern over several lines; the last one says what is wrong with it.
                let told = error.to_string();
                let reason = told.lines().next_back().unwrap_or_default().trim_start_matches("error: ");
                return Err(scanned.error(text.at, format!("the regular expression is wrong: {reason}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, ok: bool) {
        assert_eq!(Scanned::new(text).is_ok(), ok, "{text}");
    }

    #[test]
    fn large_expressions_are_refused() {
        check_text(r#"a{b=~"c.*|\\d+"}"#, true);
        check_text(r#"a{b=~"(.{99}){99}"}"#, false);
        check_text(r#"a{b=~"("}"#, false);
        check_text(&format!("{{{}}}", r#"b=~"c","#.repeat(65)), false);
    }
}
