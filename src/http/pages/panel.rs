//! One panel's first screen.

use super::{boot::limit_at, now::Now};
use crate::collect::TopProcesses;
use crate::dashboards::{Kind, Panel, PanelQuery};
use crate::http::view::{
    BarView, EN, LegendView, NONE, PanelBody, PanelView, ProcessView, StatPart, amounts, bytes, colors,
    distinct_names, duration_parts, legend_name, number, shown,
};
use crate::model::Labels;

/// The unit of bars that are written in bytes, each with the prefix of its whole.
const BYTES: &str = "bytes";

/// The panel with what it says now.
pub(super) fn view(now: &Now, panel: &Panel) -> PanelView {
    PanelView {
        id: panel.id.clone(),
        title: panel.title.clone(),
        unit: if in_bytes(panel) { EN.used.to_owned() } else { unit(now, panel) },
        width: panel.width,
        tall: panel.tall,
        body: body(now, panel),
    }
}

/// The unit with `{of}` filled in; a stat shows it behind its value.
pub(super) fn unit(now: &Now, panel: &Panel) -> String {
    let of = panel.of.as_ref().and_then(|of| now.number(of));
    let of = of.map_or_else(|| NONE.to_owned(), |of| number(of, Some(0)));
    shown(&panel.unit.replace("{of}", &of))
}

/// Whether the panel is one of bars that are written in bytes.
fn in_bytes(panel: &Panel) -> bool {
    panel.kind == Kind::Bars && panel.unit == BYTES
}

fn body(now: &Now, panel: &Panel) -> PanelBody {
    match panel.kind {
        Kind::Line => chart(now, panel, false),
        Kind::Stack | Kind::Mirror => chart(now, panel, true),
        Kind::Heat => heat(now, panel),
        Kind::Stat => PanelBody::Stat(stat(now, panel)),
        Kind::Bars => PanelBody::Bars(bars(now, panel)),
        Kind::Table => PanelBody::Processes(processes(&now.top)),
    }
}

fn name(query: &PanelQuery, labels: &Labels) -> String {
    let pairs: Vec<(&str, &str)> = labels.iter().map(|label| (&*label.name, &*label.value)).collect();
    legend_name(&query.legend, pairs.iter().copied())
}

fn chart(now: &Now, panel: &Panel, areas: bool) -> PanelBody {
    let counts: Vec<(Option<u8>, usize)> =
        panel.queries.iter().map(|query| (query.color, now.vector(&query.expr).len())).collect();
    let mut legend = Vec::new();
    let mut sum = None;
    let names = names(now, panel);
    let mut names = names.into_iter();
    for (query, colors) in panel.queries.iter().zip(colors(&counts)) {
        for ((_, value), color) in by_bucket(now.vector(&query.expr)).into_iter().zip(colors) {
            let value = value * panel.scale;
            sum = Some(sum.unwrap_or(0.0) + value);
            let name = names.next().unwrap_or_default();
            legend.push(LegendView { name, color, value: number(value, panel.decimals) });
        }
    }
    let written = |sum: Option<f64>| sum.map_or_else(|| NONE.to_owned(), |sum| number(sum, panel.decimals));
    let total = panel.total.as_ref().map(|total| (total.clone(), written(sum)));
    let limit = panel.limit.as_ref().and_then(|limit| limit_at(now, &limit.at));
    let left = limit.zip(sum).map(|(limit, sum)| limit - sum);
    let rest = panel.rest.as_ref().map(|rest| (rest.clone(), written(left)));
    PanelBody::Chart { legend, total, rest, areas }
}

/// The names of a panel's series, by which they can be told apart.
fn names(now: &Now, panel: &Panel) -> Vec<String> {
    let mut series = Vec::new();
    for query in &panel.queries {
        for (labels, _) in by_bucket(now.vector(&query.expr)) {
            let name = name(query, labels);
            let pairs = labels.iter().map(|label| (&*label.name, &*label.value)).collect();
            series.push((if name.is_empty() { panel.title.clone() } else { name }, pairs));
        }
    }
    distinct_names(&series)
}

/// The buckets of a histogram in the order of their limits; other series as they come.
fn by_bucket(series: &[(Labels, f64)]) -> Vec<&(Labels, f64)> {
    let limit = |labels: &Labels| labels.get("le").and_then(|le| le.parse::<f64>().ok());
    let mut sorted: Vec<_> = series.iter().collect();
    if series.iter().all(|(labels, _)| limit(labels).is_some()) {
        sorted
            .sort_by(|(a, _), (b, _)| limit(a).unwrap_or_default().total_cmp(&limit(b).unwrap_or_default()));
    }
    sorted
}

fn heat(now: &Now, panel: &Panel) -> PanelBody {
    let mut values: Vec<f64> = panel
        .queries
        .first()
        .map_or(&[][..], |query| now.vector(&query.expr))
        .iter()
        .map(|(_, value)| value * panel.scale)
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| {
        values.get(place).map_or_else(|| NONE.to_owned(), |value| number(*value, panel.decimals))
    };
    let facts = vec![
        ("least".to_owned(), at(0)),
        ("median".to_owned(), at(values.len() / 2)),
        ("most".to_owned(), at(values.len().wrapping_sub(1))),
    ];
    PanelBody::Heat { facts, max: number(panel.max.unwrap_or(100.0), Some(0)) }
}

fn stat(now: &Now, panel: &Panel) -> Vec<StatPart> {
    let value = |query: &PanelQuery| now.number(&query.expr).map(|value| value * panel.scale);
    let Some(first) = panel.queries.first() else { return Vec::new() };
    let mut parts = match value(first) {
        Some(seconds) if panel.unit == "duration" => duration_parts(seconds),
        Some(value) => vec![StatPart { value: number(value, panel.decimals), unit: unit(now, panel) }],
        None => vec![StatPart { value: NONE.to_owned(), unit: String::new() }],
    };
    if let Some(second) = panel.queries.get(1)
        && let Some(value) = value(second)
        && let Some(part) = parts.last_mut()
    {
        let space = if part.unit.is_empty() { "" } else { " " };
        part.unit = format!("{}{space}{} {}", part.unit, number(value, panel.decimals), second.legend);
    }
    parts
}

fn bars(now: &Now, panel: &Panel) -> Vec<BarView> {
    let [used, whole, ..] = panel.queries.as_slice() else { return Vec::new() };
    let wholes: Vec<(String, f64)> =
        now.vector(&whole.expr).iter().map(|(labels, value)| (name(whole, labels), *value)).collect();
    let mut bars = Vec::new();
    for (labels, value) in now.vector(&used.expr) {
        let name = name(used, labels);
        let Some((_, whole)) = wholes.iter().find(|(other, _)| *other == name) else { continue };
        let (used, whole_words) = if in_bytes(panel) {
            amounts(value * panel.scale, whole * panel.scale)
        } else {
            (number(value * panel.scale, panel.decimals), number(whole * panel.scale, panel.decimals))
        };
        bars.push(BarView { name, used, whole: whole_words, share: value / whole });
    }
    bars
}

fn processes(top: &TopProcesses) -> Vec<ProcessView> {
    let most_cpu = top.rows.iter().map(|row| row.cpu).fold(100.0, f64::max);
    let most_memory = top.rows.iter().map(|row| row.memory).fold(0.1, f64::max);
    let rate = |rate: Option<f64>| rate.map_or_else(|| NONE.to_owned(), bytes);
    top.rows
        .iter()
        .map(|row| ProcessView {
            pid: row.pid,
            name: shown(&row.name),
            args: shown(&row.args),
            user: shown(&row.user),
            cpu: number(row.cpu, Some(1)),
            cpu_share: row.cpu / most_cpu,
            memory: format!("{}\u{a0}%", number(row.memory * 100.0, Some(1))),
            memory_share: row.memory / most_memory,
            read: rate(row.read),
            write: rate(row.write),
            state: row.state.to_owned(),
        })
        .collect()
}
