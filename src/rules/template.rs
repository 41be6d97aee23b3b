//! Texts of alerts with what is measured in them: `{{ value | humanize }} on {{ labels.instance }}`.
//!
//! A template that cannot be filled in becomes its own text with the reason: an alert is never lost to it.

mod bounds;
mod functions;
mod go;
mod humanize;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, LazyLock},
};

use minijinja::{Environment, Error, ErrorKind, Value};

use crate::document;
use crate::model::Labels;

/// Bytes of a template: a page of text.
pub const TEMPLATE_BYTES_MAX: usize = 8_192;
/// Bytes that a template may become; the rest is cut off.
pub const TEXT_BYTES_MAX: usize = 16_384;
/// Steps that filling in may take: a template of full length has some thousand.
const FUEL: u64 = 20_000;
/// What a template can name.
const NAMES: [&str; 5] = ["labels", "value", "limit", "severity", "unit"];
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = functions::environment();
    environment.set_fuel(Some(FUEL));
    environment
});

/// What a template is filled in with.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The alert's labels.
    pub labels: &'a Labels,
    /// What is measured.
    pub value: f64,
    /// What it is compared with, if it is.
    pub limit: Option<f64>,
    /// How bad it is.
    pub severity: &'a str,
    /// The unit of the value.
    pub unit: &'a str,
}

/// A text that may have parts to fill in.
#[derive(Debug, Clone)]
pub struct Template {
    source: Arc<str>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Nothing to fill in.
    Plain,
    /// Compiled; whether it names the value.
    Compiled(Arc<Environment<'static>>, bool),
    /// Why it cannot be filled in.
    Broken(Arc<str>),
}

/// Why a template is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// The line in the template, from 1, if it is known.
    pub line: Option<usize>,
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    ///
    /// When it is no template, or names what there is not.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let template = Self::new(source);
        if let Kind::Broken(why) = &template.kind {
            let message = why.to_string();
            let compiled = checked(source).and_then(|translated| compile(&translated).map_err(explained));
            return Err(TemplateError { message, line: compiled.err().and_then(|error| error.line) });
        }
        Ok(template)
    }

    /// Compiles a text; one that is wrong stays as it is, with the reason behind it.
    pub fn new(source: &str) -> Self {
        let kind = match checked(source) {
            Err(why) => Kind::Broken(Arc::from(why.message)),
            Ok(_) if !source.contains("{{") && !source.contains("{%") && !source.contains("{#") => {
                Kind::Plain
            }
            Ok(translated) => match compile(&translated) {
                Ok((environment, names_value)) => Kind::Compiled(Arc::new(environment), names_value),
                Err(error) => Kind::Broken(Arc::from(explained(error).message)),
            },
        };
        Self { source: Arc::from(source), kind }
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is another text for another value of the same series.
    pub const fn names_value(&self) -> bool {
        matches!(self.kind, Kind::Compiled(_, true))
    }

    /// Fills in the parts. At most [`TEXT_BYTES_MAX`] and a reason.
    pub fn fill(&self, facts: &Facts<'_>) -> String {
        let environment = match &self.kind {
            Kind::Plain => return cut(&self.source).to_owned(),
            Kind::Broken(why) => return self.unfilled(why),
            Kind::Compiled(environment, _) => environment,
        };
        let mut text = Bounded(Vec::new());
        let written = environment
            .get_template(TEMPLATE)
            .and_then(|template| template.render_captured_to(facts.context(), &mut text).map(|_| ()));
        match written {
            Ok(()) => text.into_string(),
            // Only a text that is full refuses to be written to.
            Err(error) if error.kind() == ErrorKind::WriteFailure => format!("{}…", text.into_string()),
            Err(error) => self.unfilled(&explained(error).message),
        }
    }

    fn unfilled(&self, why: &str) -> String {
        format!("{} (template not filled in: {})", cut(&self.source), cut(why))
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Facts<'_> {
    fn context(&self) -> Value {
        let labels =
            self.labels.iter().map(|label| (label.name.to_string(), Value::from(label.value.to_string())));
        let labels: BTreeMap<String, Value> = labels.collect();
        let pairs = [
            ("labels", Value::from(labels)),
            ("value", Value::from(self.value)),
            ("limit", self.limit.map_or(Value::from(()), Value::from)),
            ("severity", Value::from(self.severity)),
            ("unit", Value::from(self.unit)),
        ];
        Value::from(BTreeMap::from(pairs))
    }
}

/// The name under which an environment has its template.
const TEMPLATE: &str = "text";

/// The text in our language, if it has no more than it may have.
fn checked(source: &str) -> Result<String, TemplateError> {
    let translated = go::translate(source);
    bounds::check(&translated)?;
    Ok(translated)
}

/// The compiled template, and whether it names the value.
fn compile(source: &str) -> Result<(Environment<'static>, bool), Error> {
    let mut environment = ENVIRONMENT.clone();
    environment.add_template_owned(TEMPLATE, source.to_owned())?;
    let template = environment.get_template(TEMPLATE)?;
    let functions: Vec<String> = environment.globals().map(|(name, _)| name.to_owned()).collect();
    let mut named: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    named.sort_unstable();
    if let Some(name) = named.iter().find(|name| !NAMES.contains(&name.as_str()) && !functions.contains(name))
    {
        let help = document::nearest(name, &NAMES).map_or_else(
            || format!("there are {}", NAMES.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Error::new(ErrorKind::UndefinedError, format!("nothing is called `{name}`; {help}")));
    }
    let names_value = named.iter().any(|name| name == "value");
    // A filter that is not there is only found when it is called.
    let facts =
        Facts { labels: &Labels::empty(), value: 1.0, limit: Some(1.0), severity: "warning", unit: "" };
    let tried = template.render_captured_to(facts.context(), io::sink()).map(|_| ());
    match tried.as_ref().map_err(Error::kind) {
        Err(ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest) => {
            Err(tried.err().unwrap_or_else(|| Error::new(ErrorKind::UnknownFilter, "")))
        }
        // Other failures may come of the labels that are not there now.
        _ => Ok((environment, names_value)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of an error's way")]
fn explained(error: Error) -> TemplateError {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let message = match error.line() {
        Some(line) if 1 < line => format!("{detail} (line {line})"),
        _ => detail,
    };
    TemplateError { message, line: error.line() }
}

/// The first [`TEXT_BYTES_MAX`] bytes, at a character.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// A text that takes no more than [`TEXT_BYTES_MAX`].
#[derive(Debug)]
struct Bounded(Vec<u8>);

impl Bounded {
    fn into_string(self) -> String {
        // A character that was cut in the middle is left out.
        match String::from_utf8(self.0) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                String::from_utf8_lossy(&error.into_bytes()[..valid]).into_owned()
            }
        }
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = TEXT_BYTES_MAX - self.0.len();
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::other("the text is full"));
        }
        let taken = &bytes[..bytes.len().min(room)];
        self.0.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(source: &str) -> String {
        let labels = Labels::from_pairs([("instance", "db"), ("é", "x")]);
        let facts =
            Facts { labels: &labels, value: 1234.5, limit: Some(80.0), severity: "critical", unit: "%" };
        Template::new(source).fill(&facts)
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(fill(source), expected);
    }

    #[test]
    fn parts_are_filled_in() {
        check("plain {text}", "plain {text}");
        check("{{ value }}{{ unit }} on {{ labels.instance }}", "1234.5% on db");
        check("{{ value | humanize }}, above {{ limit }}", "1.234k, above 80");
        check("{{ value | round(1) }} {{ '%.2f' }}", "1234.5 %.2f");
        check("{{ labels.nothing }}{{ labels['é'] }}", "x");
        check("{% if severity == 'critical' %}now{% else %}soon{% endif %}", "now");
        check(r#"{{ printf "%.0f" $value }} {{ $labels.instance | toUpper }}"#, "1234 DB");
        check("{{ value * 2 }}", "2469");
    }

    #[test]
    fn a_broken_template_becomes_text() {
        for (source, why) in [
            ("{{ value", "end of"),
            ("{{ value | humanise }}", "humanise"),
            ("{{ valeu }}", "did you mean `value`?"),
            ("{% for x in labels %}{% endfor %}", "`{% for %}` is not for alerts"),
            ("{{ labels.a.b }}", "undefined"),
            ("{{ query \"up\" | first | value }}", ""),
        ] {
            let text = fill(source);
            assert!(text.starts_with(&format!("{source} (template not filled in: ")), "{text}");
            assert!(text.contains(why), "{text}");
        }
        let error = Template::parse("a\n{{ valeu }}").unwrap_err();
        assert!(error.message.contains("valeu"), "{error}");
    }

    #[test]
    fn a_text_is_bounded() {
        for long in
            ["'a' * 9", "('a') * 9", "labels.value * 9", "9 * severity", "2 ** 9", "value * [1]", "'a' *9"]
        {
            let text = fill(&format!("{{{{ {long} }}}}"));
            assert!(text.contains("can be multiplied"), "{text}");
        }
        check("{{ value*2 }} * {{ value }}", "2469 * 1234.5");
        let text = fill(&format!("{{{{ 1 }}}}{}", "é".repeat(TEMPLATE_BYTES_MAX)));
        assert!(text.contains("at most"), "{text}");
    }
}
