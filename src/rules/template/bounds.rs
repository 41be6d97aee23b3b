//! What a template may not have, so that the length of a text is bounded by its template's: what repeats, keeps or
//! multiplies.

use super::{TEMPLATE_BYTES_MAX, TemplateError};

/// What a template can have between `{%` and `%}`.
const TAGS: [&str; 4] = ["if", "elif", "else", "endif"];

/// Checks a template in our language.
///
/// # Errors
///
/// When it is too long, or has what it may not have.
pub(super) fn check(source: &str) -> Result<(), TemplateError> {
    if TEMPLATE_BYTES_MAX < source.len() {
        let message = format!("a template of {} bytes, at most {TEMPLATE_BYTES_MAX}", source.len());
        return Err(TemplateError { message, line: None });
    }
    let mut at = 0;
    while let Some(start) = source[at..].find(['{']).map(|start| at + start) {
        at = start + 1;
        let (is_tag, close) = match &source.as_bytes()[start..] {
            [b'{', b'{', ..] => (false, "}}"),
            [b'{', b'%', ..] => (true, "%}"),
            _ => continue,
        };
        let inside = &source[start + 2..];
        let end = closing(inside, close).unwrap_or(inside.len());
        at = start + 2 + end;
        let tag = if is_tag { unknown_tag(&inside[..end]) } else { None };
        let wrong = tag.or_else(|| multiplied(&inside[..end]));
        if let Some(message) = wrong {
            let line = source[..start].matches('\n').count() + 1;
            return Err(TemplateError { message, line: Some(line) });
        }
    }
    Ok(())
}

/// Where a `}}` or `%}` is that stands in no quotes.
pub(super) fn closing(text: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`' | '\'') => quote = Some(c),
            (None, _) if text[at..].starts_with(close) => return Some(at),
            (None, _) => {}
        }
    }
    None
}

fn unknown_tag(inside: &str) -> Option<String> {
    let inside = inside.trim_start_matches(['-', '+']).trim_start();
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    let tag = &inside[..end];
    (!TAGS.contains(&tag))
        .then(|| format!("`{{% {tag} %}}` is not for alerts; there are {}", TAGS.join(", ")))
}

/// A text times a number is a long text: only what is known to be a number can be multiplied.
fn multiplied(inside: &str) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let is_number = |word: &str| matches!(word, "value" | "limit") || word.parse::<f64>().is_ok();
    for (at, _) in inside.match_indices('*') {
        let before = inside[..at].trim_end().rsplit(|c| !is_word(c)).next().unwrap_or_default();
        let after = inside[at + 1..].trim_start().split(|c| !is_word(c)).next().unwrap_or_default();
        if !is_number(before) || !is_number(after) {
            return Some("only `value`, `limit` and numbers can be multiplied".to_owned());
        }
    }
    None
}
