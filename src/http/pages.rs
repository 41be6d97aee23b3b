//! The pages, with real values before any script runs.

mod alerts;
mod boot;
mod explore;
mod now;
mod panel;
mod server;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};

use super::{
    Answer, Shared, Site,
    error::Failure,
    view::{DashboardPage, EN, ErrorPage, HomePage, RoomCard, RoomView, boot_json},
};
use crate::dashboards::{Dashboard, Expression, Kind, Panel, pushed};
use crate::live::Live;
use crate::query::Plan;
pub(super) use alerts::alerts;
pub(super) use explore::explore;
use now::Now;
pub(super) use server::server;

/// Where the list of rooms is.
const HOME: &str = "/";
/// Stats of a room on the list of all.
const STATS_SHOWN: usize = 4;

/// A window that holds two samples of a source of this machine: a rate over it is exact, and at the ends of an outage
/// there is none, where a wider window would show a part of the truth.
const RATE_WINDOW: &str = "[2s]";

/// A range of the page: its id, its words, its length in seconds, its step in ms.
const RANGES: [(&str, &str, u32, u32); 5] = [
    ("5m", "5\u{a0}m", 300, 1_000),
    ("15m", "15\u{a0}m", 900, 1_000),
    ("1h", "1\u{a0}h", 3_600, 5_000),
    ("6h", "6\u{a0}h", 21_600, 30_000),
    ("24h", "24\u{a0}h", 86_400, 120_000),
];
/// The range that a page opens with, and the one while its samples do not fill the first third of that.
const RANGE: &str = "15m";
const RANGE_YOUNG: &str = "5m";
const YOUNG_MS: i64 = 300_000;

/// `/`: all rooms.
pub(super) async fn home(State(site): State<Shared>, headers: HeaderMap) -> Answer<Response> {
    let dashboards = all(&site);
    let mut shown: Vec<Dashboard> = Vec::new();
    for dashboard in &dashboards {
        shown.push(if dashboard.id == pushed::ID {
            newest(&site, dashboard).await?
        } else {
            stats(dashboard)
        });
    }
    let now = Now::evaluate(&site, shown.iter()).await?;
    let rooms = shown
        .iter()
        .zip(&dashboards)
        .map(|(stats, dashboard)| RoomCard {
            room: room_view(&site, dashboard, None),
            stats: stats.panels.iter().map(|panel| panel::view(&now, panel)).collect(),
        })
        .collect();
    let panels = shown.iter().flat_map(|dashboard| &dashboard.panels);
    let boot = boot::boot(&site, &now, (None, RANGE), &dashboards, panels);
    page(&HomePage {
        texts: &EN,
        version: version(),
        home: HOME.to_owned(),
        origin: origin(&headers),
        rooms,
        boot: script(&boot)?,
    })
}

/// A room's first stats, with ids that are unique among all rooms.
fn stats(dashboard: &Dashboard) -> Dashboard {
    let mut stats = dashboard.clone();
    stats.panels.retain(|panel| panel.kind == Kind::Stat);
    stats.panels.truncate(STATS_SHOWN);
    for panel in &mut stats.panels {
        panel.id = format!("{}.{}", dashboard.id, panel.id);
    }
    stats
}

/// Pushed metrics as stats, those with a value first. Of a metric with many series, their number.
async fn newest(site: &Site, dashboard: &Dashboard) -> Answer<Dashboard> {
    let now = Now::evaluate(site, std::iter::once(dashboard)).await?;
    let mut shown = dashboard.clone();
    let series = |panel: &Panel| panel.queries.first().map_or(0, |query| now.vector(&query.expr).len());
    shown.panels.sort_by_key(|panel| series(panel) == 0);
    shown.panels.truncate(STATS_SHOWN);
    for panel in &mut shown.panels {
        panel.id = format!("{}.{}", dashboard.id, panel.id);
        panel.kind = Kind::Stat;
        panel.unit = if panel.unit.starts_with("per second") { "/s".to_owned() } else { String::new() };
        if 1 < series(panel)
            && let Some(query) = panel.queries.first_mut()
        {
            let text = format!("count({})", query.expr.text);
            query.expr = Expression { plan: Plan::parse(&text).ok(), text };
            panel.unit = "series".to_owned();
            panel.decimals = Some(0);
        }
    }
    Ok(shown)
}

/// Scheme, host and port that a page was asked at.
fn origin(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}

/// `/rooms/{id}`: one room.
pub(super) async fn room(
    State(site): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let dashboards = all(&site);
    let Some(dashboard) = dashboards.iter().find(|dashboard| dashboard.id == id) else {
        return Ok(not_found());
    };
    let now = Now::evaluate(&site, std::iter::once(dashboard)).await?;
    let range = if Now::reaches(&site, dashboard, YOUNG_MS).await? { RANGE } else { RANGE_YOUNG };
    let boot = boot::boot(&site, &now, (Some(dashboard), range), &dashboards, dashboard.panels.iter());
    page(&DashboardPage {
        texts: &EN,
        version: version(),
        clock: clock(site.clock.now_ms()),
        home: HOME.to_owned(),
        origin: origin(&headers),
        room: room_view(&site, dashboard, Some(&id)),
        rooms: dashboards.iter().map(|dashboard| room_view(&site, dashboard, Some(&id))).collect(),
        ranges: explore::ranges(range),
        panels: dashboard.panels.iter().map(|panel| panel::view(&now, panel)).collect(),
        first_push: id == pushed::ID && dashboard.panels.is_empty(),
        boot: script(&boot)?,
    })
}

/// What is nowhere.
pub(super) fn not_found() -> Response {
    let error = ErrorPage {
        texts: &EN,
        home: HOME.to_owned(),
        status: 404,
        title: "No such page".to_owned(),
        text: "The rooms that there are stand on the first page.".to_owned(),
    };
    match error.render() {
        Ok(html) => (StatusCode::NOT_FOUND, Html(html)).into_response(),
        Err(error) => Failure::internal(&error).into_response(),
    }
}

/// The answer to the call `pushed`.
pub fn pushed_panels(pushed: &crate::dashboards::Pushed) -> String {
    let panels: Vec<_> =
        pushed.dashboard().panels.iter().map(|panel| boot::panel(&Now::default(), panel)).collect();
    serde_json::json!({ "panels": panels }).to_string()
}

fn page(template: &impl Template) -> Answer<Response> {
    let html = template.render().map_err(|error| Failure::internal(&error))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response())
}

fn script(boot: &super::view::Boot) -> Answer<String> {
    serde_json::to_string(boot).map(|json| boot_json(&json)).map_err(|error| Failure::internal(&error))
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Those of the folder, and the one that pushes make.
fn all(site: &Site) -> Vec<Dashboard> {
    let mut dashboards = site.dashboards.all().to_vec();
    dashboards.push(site.pushed.dashboard());
    dashboards
}

fn room_view(site: &Site, dashboard: &Dashboard, current: Option<&str>) -> RoomView {
    RoomView {
        id: dashboard.id.clone(),
        title: dashboard.title.clone(),
        subtitle: match dashboard.id.as_str() {
            "host" => site.instance.clone(),
            pushed::ID => EN.metrics(site.pushed.len()),
            _ => String::new(),
        },
        href: format!("/rooms/{}", dashboard.id),
        current: current == Some(dashboard.id.as_str()),
    }
}

fn clock(now: i64) -> String {
    let seconds = now.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// The name of a query's channel at each step of the page, and where the expression differs, that.
fn channels(
    expr: &str,
) -> (std::collections::BTreeMap<u32, String>, std::collections::BTreeMap<u32, String>) {
    let mut channels = std::collections::BTreeMap::new();
    let mut exprs = std::collections::BTreeMap::new();
    for (_, _, _, step) in RANGES {
        let wide = widened(expr, step);
        channels.insert(step, Live::channel(&wide, i64::from(step)));
        if wide != expr {
            exprs.insert(step, wide);
        }
    }
    (channels, exprs)
}

/// An expression whose windows of [`RATE_WINDOW`] are as wide as the step, so that a long range misses nothing.
fn widened(expr: &str, step: u32) -> String {
    if step <= 1_000 { expr.to_owned() } else { expr.replace(RATE_WINDOW, &format!("[{}s]", step / 1_000)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ranges_look_through_wider_windows() {
        assert_eq!(widened("rate(a[2s])", 1_000), "rate(a[2s])");
        assert_eq!(widened("rate(a[2s]) + rate(b[1m])", 30_000), "rate(a[30s]) + rate(b[1m])");
    }

    #[test]
    fn the_clock_is_utc() {
        assert_eq!(clock(1_435_781_451_781), "20:10:51 UTC");
    }
}
