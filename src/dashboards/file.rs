//! A dashboard's TOML file; `docs/dashboards.md` describes it.

use super::{Dashboard, Expression, Kind, Limit, LimitAt, PANELS_MAX, Panel, PanelQuery, QUERIES_MAX};
use crate::document::{self, Placed, Problems, Table};
use crate::query::Plan;

/// In an expression it stands for the instance that the page is about, ready for a text in double quotes.
const INSTANCE: &str = "$instance";
/// Columns that a panel can be wide.
const WIDTHS: [u8; 6] = [2, 3, 4, 6, 8, 12];

/// Reads a dashboard; `name` is the file's, for problems, `id` the dashboard's, and `instance` the machine that it
/// is about.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn parse(name: &str, id: &str, text: &str, instance: &str) -> Result<Dashboard, Problems> {
    let instance = quoted(instance);
    document::read(name, text, |table| {
        let title = table.need_text("title").value;
        let order = table.whole("order", 0..=1_000).unwrap_or(100);
        let panels = table.tables("panel", |table| panel(table, &instance));
        let span = table.span();
        if PANELS_MAX < panels.len() {
            table.reader().wrong(span, format!("{} panels, at most {PANELS_MAX}", panels.len()));
        }
        let mut ids: Vec<&Placed<String>> = panels.iter().map(|(id, _)| id).collect();
        ids.sort_by(|a, b| (&a.value, a.span.start).cmp(&(&b.value, b.span.start)));
        for pair in ids.windows(2) {
            if let [first, second] = pair
                && first.value == second.value
            {
                let message = format!("a second panel with the id `{}`", second.value);
                table.reader().wrong(second.span.clone(), message);
            }
        }
        let panels = panels.into_iter().map(|(_, panel)| panel).collect();
        Dashboard { id: id.to_owned(), title, order, panels }
    })
}

fn panel(table: &mut Table<'_>, instance: &str) -> (Placed<String>, Panel) {
    let id = table.need_text("id");
    let kind = kind(table);
    let queries = table.tables("query", |table| query(table, instance));
    let source = table.text("source");
    let span = table.span();
    match &source {
        Some(source) if source.value != "processes" => {
            table.reader().wrong_with(
                source.span.clone(),
                format!("no source `{}`", source.value),
                "there is `processes`",
            );
        }
        Some(_) => {}
        None if queries.is_empty() => {
            table.reader().wrong(span.start..span.start + 1, "a panel without a `[[panel.query]]`");
        }
        None => {}
    }
    if QUERIES_MAX < queries.len() {
        table.reader().wrong(span, format!("{} queries, at most {QUERIES_MAX}", queries.len()));
    }
    let (min, max) = (table.number("min"), table.number("max"));
    if let (Some(min), Some(max)) = (&min, &max)
        && max.value <= min.value
    {
        table.reader().wrong(max.span.clone(), "`max` must be above `min`");
    }
    let limit = table.table("limit", |table| limit(table, instance));
    let panel = Panel {
        id: id.value.clone(),
        title: table.need_text("title").value,
        unit: text(table, "unit").unwrap_or_default(),
        of: table.text("of").map(|text| expression(table, &text, instance)),
        kind,
        width: width(table),
        tall: table.flag("tall").unwrap_or_default(),
        min: min.map(|number| number.value),
        max: max.map(|number| number.value),
        decimals: table.whole("decimals", 0..=6).and_then(|digits| u8::try_from(digits).ok()),
        scale: table.number("scale").map_or(1.0, |number| number.value),
        total: text(table, "total"),
        rest: rest(table, limit.is_some()),
        limit,
        source: source.map(|source| source.value),
        more: text(table, "more"),
        empty: text(table, "empty"),
        queries,
    };
    (id, panel)
}

fn text(table: &mut Table<'_>, key: &'static str) -> Option<String> {
    table.text(key).map(|text| text.value)
}

fn kind(table: &mut Table<'_>) -> Kind {
    let Some(word) = table.text("kind") else { return Kind::Line };
    if let Some((_, kind)) = Kind::ALL.iter().find(|(name, _)| *name == word.value) {
        return *kind;
    }
    let names: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
    let help = document::nearest(&word.value, &names)
        .map_or_else(|| format!("there are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
    table.reader().wrong_with(word.span, format!("no kind of panel is called `{}`", word.value), help);
    Kind::Line
}

fn width(table: &mut Table<'_>) -> u8 {
    let Some(width) = table.number("width") else { return 4 };
    let found = WIDTHS.iter().find(|known| f64::from(**known) == width.value);
    found.copied().unwrap_or_else(|| {
        let known = WIDTHS.map(|width| width.to_string()).join(", ");
        table.reader().wrong(width.span, format!("`width` is one of {known}"));
        4
    })
}

fn limit(table: &mut Table<'_>, instance: &str) -> Limit {
    let label = text(table, "label").unwrap_or_default();
    let span = table.span();
    let at = match (table.number("at"), table.text("expr")) {
        (Some(number), None) => LimitAt::Number(number.value),
        (None, Some(text)) => LimitAt::Expression(expression(table, &text, instance)),
        (Some(_), Some(_)) | (None, None) => {
            table.reader().wrong(span, "a limit has either `at` or `expr`");
            LimitAt::Number(0.0)
        }
    };
    Limit { at, label }
}

/// The name of what is left to the limit, which must then be there.
fn rest(table: &mut Table<'_>, limited: bool) -> Option<String> {
    let rest = table.text("rest")?;
    if !limited {
        table.reader().wrong(rest.span, "`rest` is what is left to a `limit`, and there is none");
    }
    Some(rest.value)
}

fn query(table: &mut Table<'_>, instance: &str) -> PanelQuery {
    let text = table.need_text("expr");
    PanelQuery {
        expr: expression(table, &text, instance),
        legend: legend(table),
        color: table.whole("color", 1..=8).and_then(|color| u8::try_from(color).ok()),
        negative: table.flag("negative").unwrap_or_default(),
    }
}

/// Escapes a name for a text in double quotes of PromQL.
fn quoted(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

/// A template such as `{{cpu}} of {{instance}}`.
fn legend(table: &mut Table<'_>) -> String {
    let Some(text) = table.text("legend") else { return String::new() };
    let mut rest = text.value.as_str();
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            let help = "write it like {{instance}}";
            table.reader().wrong_with(text.span.clone(), "`{{` without `}}`", help);
            break;
        };
        if name.trim().is_empty() || name.contains('{') {
            table.reader().wrong(text.span.clone(), format!("`{{{{{name}}}}}` names no label"));
        }
        rest = behind;
    }
    text.value
}

fn expression(table: &mut Table<'_>, text: &Placed<String>, instance: &str) -> Expression {
    let trimmed = text.value.trim().replace(INSTANCE, instance);
    // As written, so that places are those of the file; the name of a machine makes no expression wrong.
    let plan = if trimmed.is_empty() { None } else { checked(table, text, &text.value, &trimmed) };
    Expression { text: trimmed, plan }
}

/// Parses an expression, and says what is wrong with it at its place in the file.
fn checked(table: &mut Table<'_>, text: &Placed<String>, written: &str, meant: &str) -> Option<Plan> {
    match Plan::parse(written).and_then(|_| Plan::parse(meant)) {
        Ok(plan) => Some(plan),
        Err(error) => {
            error.note(table.reader(), text, (written, 0));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let problems = parse("host.toml", "host", text, "box").err().unwrap_or_default();
        let lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.contains(expected), "{line} is not {expected}");
        }
    }

    #[test]
    fn a_panel_is_typed_and_checked() {
        let panel = "title = 'T'\n[[panel]]\nid = 'a'\ntitle = 'A'\n";
        check(&format!("{panel}[[panel.query]]\nexpr = 'up'\n"), &[]);
        check(&format!("{panel}kind = 'lien'\n[[panel.query]]\nexpr = 'up'\n"), &["host.toml:5:8: no kind"]);
        check(&format!("{panel}[[panel.query]]\nexpr = 'sum('\n"), &["host.toml:6:12: the expression"]);
        check(
            &format!("{panel}[[panel.query]]\nexpr = '''\nup +\n(a b)'''\n"),
            &["host.toml:8:4: the expression"],
        );
        check(
            &format!(
                "{panel}width = 5\nmin = 5\nmax = 1\n[[panel.query]]\nexpr = 'up'\nlegend = '{{{{a}}'\n"
            ),
            &[
                "host.toml:5:9: `width` is one of 2, 3, 4, 6, 8, 12",
                "host.toml:7:7: `max` must be above",
                "host.toml:10:10: `{{` without",
            ],
        );
        check(panel, &["host.toml:2:1: a panel without"]);
    }

    #[test]
    fn an_expression_is_about_one_instance() {
        let text = "title = 'T'\n[[panel]]\nid = 'a'\ntitle = 'A'\n[[panel.query]]\nexpr = 'up{instance=\"$instance\"}'\n";
        let dashboard = parse("host.toml", "host", text, "a\\b\"c").unwrap();
        let expr = &dashboard.panels[0].queries[0].expr;
        assert_eq!(expr.text, r#"up{instance="a\\b\"c"}"#);
        assert!(expr.plan.is_some());
    }

    #[test]
    fn what_is_left_is_left_to_a_limit() {
        let panel = "title = 'T'\n[[panel]]\nid = 'a'\ntitle = 'A'\nrest = 'free'\nempty = 'No sensors.'\n";
        let query = "[[panel.query]]\nexpr = 'up'\n";
        check(&format!("{panel}{query}"), &["host.toml:5:8: `rest` is what is left"]);
        check(&format!("{panel}limit = {{ at = 3 }}\n{query}"), &[]);
        check(&format!("{panel}limit = {{ at = 3 }}\nmore = 5\n{query}"), &["host.toml:8"]);
    }

    #[test]
    fn panels_have_one_id_each() {
        let panel = "[[panel]]\nid = 'a'\ntitle = 'A'\n[[panel.query]]\nexpr = 'up'\n";
        check(&format!("title = 'T'\n{panel}{panel}"), &["host.toml:8:6: a second panel"]);
    }
}
