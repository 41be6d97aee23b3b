//! What Prometheus's rules write in Go's template language, in ours: values, calls and pipes.

use super::bounds::closing;

/// Translates the parts of a template that only Go has: `{{ $labels.instance }}`, `{{ printf "%.1f" $value }}`,
/// `{{ $value | humanize }}`. All else is left as it is.
pub(super) fn translate(source: &str) -> String {
    let mut translated = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        let Some(end) = closing(&rest[start + 2..], "}}") else { break };
        let inside = &rest[start + 2..start + 2 + end];
        translated.push_str(&rest[..start + 2]);
        translated.push_str(&action(inside).unwrap_or_else(|| inside.to_owned()));
        translated.push_str("}}");
        rest = &rest[start + 2 + end + 2..];
    }
    translated.push_str(rest);
    translated
}

fn action(inside: &str) -> Option<String> {
    let tokens = tokens(inside.trim_matches('-'))?;
    let is_go = tokens.iter().any(|token| is_variable(token));
    if !is_go {
        return None;
    }
    let mut parser = Parser { tokens: &tokens };
    let expression = parser.pipeline()?;
    if !parser.tokens.is_empty() {
        return None;
    }
    let (before, after) = (inside.starts_with('-'), inside.ends_with('-'));
    let trim = |dash: bool| if dash { "-" } else { "" };
    Some(format!("{} {expression} {}", trim(before), trim(after)))
}

fn is_variable(token: &str) -> bool {
    token.starts_with('$') || token.starts_with(".Value") || token.starts_with(".Labels")
}

/// Words, texts in quotes, pipes and brackets.
fn tokens(text: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '|' | '(' | ')' => 1,
            '"' | '`' => 1 + quoted(&rest[1..], first)? + 1,
            _ => rest.find(|c: char| c.is_whitespace() || "|()\"`".contains(c)).unwrap_or(rest.len()),
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Some(found)
}

fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

#[derive(Debug)]
struct Parser<'a, 'b> {
    tokens: &'b [&'a str],
}

impl Parser<'_, '_> {
    /// `a | f x | g`: `g(f(x, a))`, as Go gives what is piped as the last argument.
    fn pipeline(&mut self) -> Option<String> {
        let mut value = self.command(None)?;
        while let Some(("|", rest)) = self.tokens.split_first().map(|(first, rest)| (*first, rest)) {
            self.tokens = rest;
            value = self.command(Some(value))?;
        }
        Some(value)
    }

    fn command(&mut self, piped: Option<String>) -> Option<String> {
        let (first, rest) = self.tokens.split_first()?;
        if !is_name(first) {
            return if piped.is_some() { None } else { self.term() };
        }
        self.tokens = rest;
        let mut arguments = Vec::new();
        while self.tokens.first().is_some_and(|token| !matches!(*token, "|" | ")")) {
            arguments.push(self.term()?);
        }
        arguments.extend(piped);
        Some(format!("{first}({})", arguments.join(", ")))
    }

    fn term(&mut self) -> Option<String> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        match *first {
            "(" => {
                let inner = self.pipeline()?;
                let (close, rest) = self.tokens.split_first()?;
                self.tokens = rest;
                (*close == ")").then(|| format!("({inner})"))
            }
            "$value" | ".Value" => Some("value".to_owned()),
            "$labels" | ".Labels" => Some("labels".to_owned()),
            word if word.starts_with('"') => Some(word.to_owned()),
            word if word.starts_with('`') => Some(format!("{:?}", word.trim_matches('`'))),
            word if word.parse::<f64>().is_ok() => Some(word.to_owned()),
            word => {
                let label = word.strip_prefix("$labels.").or_else(|| word.strip_prefix(".Labels."))?;
                is_name(label).then(|| format!("labels.{label}"))
            }
        }
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(translate(source), expected);
    }

    #[test]
    fn values_calls_and_pipes_are_translated() {
        check("{{ $value }} of {{$labels.job}}", "{{ value }} of {{ labels.job }}");
        check("{{- .Value -}}", "{{- value -}}");
        check("{{ $value | humanize }}", "{{ humanize(value) }}");
        check(r#"{{ printf "%.1f }}" $value }}%"#, r#"{{ printf("%.1f }}", value) }}%"#);
        check(r#"{{ $value | printf "%.1f" | title }}"#, r#"{{ title(printf("%.1f", value)) }}"#);
        check("{{ humanize (toUpper $labels.a) }}", "{{ humanize((toUpper(labels.a))) }}");
    }

    #[test]
    fn the_rest_is_left() {
        for source in
            ["{{ value | humanize }}", "a {{ b", "{% if value > 3 %}x{% endif %}", "{{ if $x }}", "{{ '$' }}"]
        {
            check(source, source);
        }
    }
}
