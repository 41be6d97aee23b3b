//! Reading `alerts.toml`; `docs/alerts.md` describes it.

mod record;

use std::{collections::BTreeSet, path::Path};

pub use record::RECORDS_MAX;

use super::{
    Condition, OnNoData, Record, Rule, TEMPLATE_BYTES_MAX, Template, TemplateError, limits::Limits, measure,
    rule::Templates,
};
use crate::document::{self, FileError, Placed, Problems, Table};

/// The file's name.
pub const FILE: &str = "alerts.toml";
/// Rules of one file.
pub const RULES_MAX: usize = 2_000;
/// Labels that a rule adds.
pub const LABELS_MAX: usize = 16;
/// Characters of a rule's name, which is a label's value and a heading.
pub(super) const NAME_CHARS_MAX: usize = 120;
/// Characters of a unit.
pub(super) const UNIT_CHARS_MAX: usize = 16;
/// Bytes of the address of a runbook.
pub(super) const RUNBOOK_BYTES_MAX: usize = 2_048;
/// Rooms that a rule names.
pub(super) const ROOMS_MAX: usize = 16;
/// The longest `for` and `keep_firing_for`, ms: 90 days, as long as anything here is kept.
pub(super) const FOR_MS_MAX: i64 = 90 * 86_400_000;

/// The rules that come with the program; a file in the folder takes their place.
const BUILT_IN: &str = include_str!("../../alerts.toml");

/// What the file says.
#[derive(Debug, Clone, Default)]
pub struct RuleFile {
    /// What is an alert, in the order of the file.
    pub rules: Vec<Rule>,
    /// What is recorded, each after those that it reads.
    pub records: Vec<Record>,
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// They are wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads the rules of a folder; those that are built in if there is no file. `rooms` are the ids of the dashboards there are, if they are
/// known: then a rule can name no other.
///
/// # Errors
///
/// [`RulesError`]; all problems at once.
pub fn read(folder: &Path, rooms: Option<&[String]>) -> Result<RuleFile, RulesError> {
    let path = folder.join(FILE);
    match document::text(&path)? {
        Some(text) => Ok(parse(&path.to_string_lossy(), &text, rooms)?),
        // Whether their rooms are there is nobody's mistake.
        None => Ok(parse(&format!("{FILE} (built in)"), BUILT_IN, None)?),
    }
}

/// Reads the rules of a text, as [`read`] does; `name` is the file's, for problems.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn parse(name: &str, text: &str, rooms: Option<&[String]>) -> Result<RuleFile, Problems> {
    document::read(name, text, |table| {
        let mut names = BTreeSet::new();
        let mut starts = Vec::new();
        let rules = table.tables("rule", |table| {
            starts.push(table.span());
            rule(table, &mut names, rooms)
        });
        let span = table.span();
        if RULES_MAX < rules.len() {
            table.reader().wrong(span, format!("{} rules, at most {RULES_MAX}", rules.len()));
        }
        let ends = starts.iter().skip(1).map(|next| next.start).chain([text.len()]);
        let places = starts.iter().zip(ends).map(|(span, end)| written(text, span, end));
        let rules = rules.into_iter().zip(places);
        let rules = rules.filter_map(|(rule, (text, line))| Some(Rule { text, line, ..rule? })).collect();
        RuleFile { rules, records: record::read_all(table, text) }
    })
}

/// A rule's table as written, without what stands between it and the next, and its line.
fn written(text: &str, span: &std::ops::Range<usize>, next: usize) -> (String, usize) {
    let line = text[..span.start].matches('\n').count() + 1;
    // Of `[[rule]]` only the heading is marked; a table in braces is marked to its end.
    let end = if text[span.clone()].starts_with('{') { span.end } else { next.max(span.end) };
    let whole = text.get(span.start..end).unwrap_or_default();
    let mut lines: Vec<&str> = whole.lines().collect();
    let is_between = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    while lines.last().is_some_and(is_between) {
        lines.pop();
    }
    (lines.join("\n"), line)
}

fn rule(table: &mut Table<'_>, names: &mut BTreeSet<String>, rooms: Option<&[String]>) -> Option<Rule> {
    let name = name(table, names);
    let limits = Limits::read(table);
    let measured = measure::read(table, &limits);
    let condition = measured.as_ref().map_or(Condition::Present, |measured| measured.condition);
    let levels = limits.levels(table, condition);
    let for_ms = duration(table, "for");
    let keep_firing_ms = duration(table, "keep_firing_for");
    let is_present = measured.is_some() && levels.iter().all(|level| level.condition == Condition::Present);
    let on_no_data = on_no_data(table, is_present);
    let labels = labels(table);
    let summary = template(table, "summary");
    let description = template(table, "description");
    let runbook = runbook(table);
    let unit = short(table, "unit", UNIT_CHARS_MAX);
    let rooms = named_rooms(table, rooms);
    Some(Rule {
        id: Rule::id_of(&name),
        name,
        value: measured?.value,
        levels,
        for_ms,
        keep_firing_ms,
        on_no_data,
        templates: Templates::new(&summary, &description, &labels),
        labels,
        summary,
        description,
        runbook,
        unit,
        rooms,
        text: String::new(),
        line: 1,
    })
}

fn name(table: &mut Table<'_>, names: &mut BTreeSet<String>) -> String {
    let name = table.need_text("name");
    if is_blank(&name.value) {
        // A name that is missing is said already.
        if !name.value.is_empty() || name.span != table.span() {
            table.reader().wrong(name.span, "a rule needs a name");
        }
    } else if !names.insert(name.value.clone()) {
        table.reader().wrong(name.span, format!("a second rule with the name `{}`", name.value));
    } else if NAME_CHARS_MAX < name.value.chars().count() || name.value.contains(char::is_control) {
        let message = format!("a name is one line of at most {NAME_CHARS_MAX} characters");
        table.reader().wrong(name.span, message);
    }
    name.value
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn duration(table: &mut Table<'_>, key: &'static str) -> i64 {
    let span = table.span();
    let ms = table.duration_ms(key).unwrap_or(0);
    if FOR_MS_MAX < ms {
        table.reader().wrong(span.start..span.start + 1, format!("`{key}` is longer than 90 days"));
    }
    ms.min(FOR_MS_MAX)
}

fn on_no_data(table: &mut Table<'_>, is_present: bool) -> OnNoData {
    let Some(word) = table.text("on_no_data") else { return OnNoData::default() };
    let chosen = match word.value.as_str() {
        "keep" => OnNoData::Keep,
        "resolve" => OnNoData::Resolve,
        "alert" => OnNoData::Alert,
        other => {
            let message = format!("`on_no_data` cannot be `{other}`");
            table.reader().wrong_with(word.span, message, "there are `keep`, `resolve` and `alert`");
            return OnNoData::default();
        }
    };
    if is_present && chosen != OnNoData::Resolve {
        let message = "without a limit, no value means that all is well";
        let help = "compare with a number, or add `above`, `below` or `outside`";
        table.reader().wrong_with(word.span, message, help);
    }
    chosen
}

fn labels(table: &mut Table<'_>) -> Vec<(String, String)> {
    let pairs = table.pairs("labels");
    if LABELS_MAX < pairs.len() {
        let span = table.span();
        let message = format!("{} labels, at most {LABELS_MAX}", pairs.len());
        table.reader().wrong(span.start..span.start + 1, message);
    }
    let mut labels = Vec::new();
    for (name, value) in pairs {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name == "severity" || name == "alertname" {
            let message = format!("`{name}` is set by the rule itself");
            table.reader().wrong(value.span.clone(), message);
        } else if !is_name || name.starts_with("__") {
            let help = "letters, digits and `_`, the first one no digit";
            table.reader().wrong_with(value.span.clone(), format!("`{name}` is no label's name"), help);
        }
        if check_template(table, &value).is_some_and(|template| template.names_value()) {
            let message = format!("`{name}` names the value: each sample would be an alert of its own");
            let help =
                "an alert is told from others by its labels; name the value in `summary` or `description`";
            table.reader().wrong_with(value.span.clone(), message, help);
        }
        labels.push((name, value.value));
    }
    labels
}

fn template(table: &mut Table<'_>, key: &'static str) -> String {
    let Some(text) = table.text(key) else { return String::new() };
    check_template(table, &text);
    text.value
}

/// The template, if it is one.
fn check_template(table: &mut Table<'_>, text: &Placed<String>) -> Option<Template> {
    let TemplateError { message, line } = match Template::parse(&text.value) {
        Ok(template) => return Some(template),
        Err(error) => error,
    };
    let reader = table.reader();
    let long = TEMPLATE_BYTES_MAX < text.value.len();
    let span = match line {
        Some(line) if 1 < line && !long => reader.place_in(text, line, 1),
        _ => text.span.clone(),
    };
    reader.wrong(span, format!("the template: {message}"));
    None
}

fn runbook(table: &mut Table<'_>) -> String {
    let Some(text) = table.text("runbook") else { return String::new() };
    let is_address = text.value.starts_with("https://") || text.value.starts_with("http://");
    if !is_address || text.value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        table.reader().wrong(text.span.clone(), "`runbook` is an address, http:// or https://");
    } else if RUNBOOK_BYTES_MAX < text.value.len() {
        let message = format!("`runbook` is longer than {RUNBOOK_BYTES_MAX} bytes");
        table.reader().wrong(text.span.clone(), message);
    }
    text.value
}

fn short(table: &mut Table<'_>, key: &'static str, chars_max: usize) -> String {
    let Some(text) = table.text(key) else { return String::new() };
    if chars_max < text.value.chars().count() || text.value.contains(char::is_control) {
        table.reader().wrong(text.span, format!("`{key}` is longer than {chars_max} characters"));
    }
    text.value
}

fn named_rooms(table: &mut Table<'_>, known: Option<&[String]>) -> Vec<String> {
    let rooms = table.texts("rooms").unwrap_or_default();
    if let Some(first) = rooms.get(ROOMS_MAX) {
        table.reader().wrong(first.span.clone(), format!("more than {ROOMS_MAX} rooms"));
    }
    for room in &rooms {
        let Some(known) = known else { continue };
        if known.contains(&room.value) {
            continue;
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = document::nearest(&room.value, &known).map_or_else(
            || format!("there are {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("there is no dashboard `{}`, and so no room", room.value);
        table.reader().wrong_with(room.span.clone(), message, help);
    }
    rooms.into_iter().map(|room| room.value).collect()
}

#[cfg(test)]
mod tests;
