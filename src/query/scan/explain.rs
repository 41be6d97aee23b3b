//! A place and a name for what the parser refuses without saying where.

use super::{Kind, Scanned, Token};
use crate::query::QueryError;

/// Words of the language that are not evaluated yet, with what they belong to.
const NOT_YET: [(&str, &str); 2] = [("anchored", "anchored modifier"), ("smoothed", "smoothed modifier")];
/// Words that stand only in a computed duration.
const DURATION_WORDS: [&str; 4] = ["step", "range", "min_of", "max_of"];

/// Explains a refusal: what is missing here, or where the text is wrong.
pub fn refusal(scanned: &Scanned<'_>, message: &str) -> QueryError {
    if let Some(missing) = missing(scanned) {
        return missing;
    }
    if let Some(at) = quoted_token(scanned, message) {
        return scanned.error(at, message.to_owned());
    }
    let generic = message == "invalid promql query";
    match unexpected(&scanned.tokens) {
        Some(token) if generic => scanned.error(token.at, format!("unexpected {:?}", token.text)),
        None if generic => scanned.error(scanned.text.len(), "unexpected end of the text".to_owned()),
        _ => scanned.error(0, message.to_owned()),
    }
}

/// The part of newer PromQL that the parser does not know, if the text has any.
fn missing(scanned: &Scanned<'_>) -> Option<QueryError> {
    let mut in_brackets = false;
    let mut in_braces = false;
    let mut previous = "";
    for (i, token) in scanned.tokens.iter().enumerate() {
        match token.text {
            "[" => in_brackets = true,
            "]" => in_brackets = false,
            "{" => in_braces = true,
            "}" => in_braces = false,
            _ => {}
        }
        let word = token.text.to_ascii_lowercase();
        if let Some((_, what)) = NOT_YET.iter().find(|(name, _)| !in_braces && *name == word) {
            return Some(scanned.not_yet(token.text, what));
        }
        let plain = matches!(token.text, "[" | "]" | ":") || token.kind == Kind::Number;
        let after_offset = previous.eq_ignore_ascii_case("offset");
        let after = scanned.tokens.get(i + 1).map_or("", |next| next.text);
        let computed = (after_offset && token.text == "(")
            || (after_offset && matches!(token.text, "+" | "-") && !starts_number(after));
        if (in_brackets && !plain) || computed || (after_offset && is_duration_word(&word)) {
            return Some(place(scanned, token, "duration expression"));
        }
        if matches!((token.text, after), ("<" | ">", "/")) || matches!((token.text, after), ("/", ">")) {
            return Some(place(scanned, token, "trim operator"));
        }
        // Its second argument is a selector that would be refused anywhere else.
        if word == "info" && after == "(" {
            return Some(place(scanned, token, "info"));
        }
        previous = token.text;
    }
    None
}

fn place(scanned: &Scanned<'_>, token: &Token<'_>, what: &str) -> QueryError {
    let (line, column) = scanned.place(token.at);
    QueryError::NotYet { what: what.to_owned(), line, column }
}

fn starts_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

fn is_duration_word(word: &str) -> bool {
    DURATION_WORDS.contains(&word)
}

/// Where the word or text stands that the message quotes.
fn quoted_token(scanned: &Scanned<'_>, message: &str) -> Option<usize> {
    message.split(['\'', ' ']).filter(|part| part.len() > 1).find_map(|part| {
        let is_part = |token: &&Token<'_>| token.text.eq_ignore_ascii_case(part);
        let quoted = message.contains(&format!("'{part}'"));
        scanned.tokens.iter().find(|token| quoted && is_part(token)).map(|token| token.at)
    })
}

/// The first token that cannot stand where it stands, by the alternation of operands and operators.
fn unexpected<'a, 'b>(tokens: &'b [Token<'a>]) -> Option<&'b Token<'a>> {
    let mut wants_operand = true;
    let mut in_braces = false;
    for (i, token) in tokens.iter().enumerate() {
        if in_braces {
            in_braces = token.text != "}";
            wants_operand = false;
            continue;
        }
        let after = tokens.get(i + 1).map_or("", |next| next.text);
        let keyword = is_infix(token.text);
        match token.kind {
            Kind::Open if token.text == "{" => in_braces = true,
            Kind::Open if token.text == "(" => wants_operand = true,
            Kind::Open if wants_operand => return Some(token),
            Kind::Open => wants_operand = true,
            // `()` and a trailing comma are for the parser to judge.
            Kind::Close => wants_operand = false,
            Kind::Symbol if matches!(token.text, "+" | "-") => wants_operand = true,
            Kind::Symbol if wants_operand => return Some(token),
            Kind::Symbol => wants_operand = !matches!(token.text, ":"),
            Kind::Word if keyword => wants_operand = true,
            Kind::Word | Kind::Number | Kind::Text if !wants_operand => return Some(token),
            Kind::Word => wants_operand = after != "(" && is_prefix(token.text),
            Kind::Number | Kind::Text => wants_operand = false,
        }
    }
    None
}

/// Keywords after which an operand or a list follows.
fn is_infix(word: &str) -> bool {
    let words = [
        "and",
        "or",
        "unless",
        "atan2",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "by",
        "without",
        "offset",
        "fill",
        "fill_left",
        "fill_right",
    ];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Aggregations, which may have their grouping before the operand.
fn is_prefix(word: &str) -> bool {
    let words = ["sum", "avg", "min", "max", "count", "topk", "bottomk", "quantile", "stddev"];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}
