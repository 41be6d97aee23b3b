//! What the page's script is told.

use super::{RANGES, channels, now::Now, panel::unit};
use crate::dashboards::{Dashboard, Kind, LimitAt, Panel, PanelQuery};
use crate::http::Site;
use crate::http::view::{Boot, BootLimit, BootPanel, BootQuery, BootRange, BootRoom};

/// The whole of it.
pub(super) fn boot<'a>(
    site: &Site,
    now: &Now,
    (current, range): (Option<&Dashboard>, &str),
    dashboards: &[Dashboard],
    panels: impl Iterator<Item = &'a Panel>,
) -> Boot {
    let room = |dashboard: &Dashboard| BootRoom {
        id: dashboard.id.clone(),
        title: dashboard.title.clone(),
        href: format!("/rooms/{}", dashboard.id),
    };
    Boot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: site.instance.clone(),
        now: site.clock.now_ms(),
        lang: "en".to_owned(),
        room: current.map(room),
        rooms: dashboards.iter().map(room).collect(),
        ranges: RANGES
            .iter()
            .map(|(id, _, seconds, step)| BootRange { id: (*id).to_owned(), seconds: *seconds, step: *step })
            .collect(),
        range: range.to_owned(),
        panels: panels.map(|one| panel(now, one)).collect(),
        instance: site.instance.clone(),
        top: format!("{}{}", crate::hub::channel::TOP, site.instance),
        socket: "/connection/websocket".to_owned(),
    }
}

/// One panel.
pub(super) fn panel(now: &Now, panel: &Panel) -> BootPanel {
    let kind = Kind::ALL.iter().find(|(_, kind)| *kind == panel.kind).map_or("line", |(name, _)| name);
    let limit = panel
        .limit
        .as_ref()
        .and_then(|limit| limit_at(now, &limit.at).map(|at| BootLimit { at, label: limit.label.clone() }));
    BootPanel {
        id: panel.id.clone(),
        title: panel.title.clone(),
        unit: unit(now, panel),
        kind: kind.to_owned(),
        width: panel.width,
        tall: panel.tall,
        min: panel.min,
        max: panel.max,
        decimals: panel.decimals,
        scale: panel.scale,
        total: panel.total.clone().unwrap_or_default(),
        limit,
        rest: panel.rest.clone().unwrap_or_default(),
        source: panel.source.clone().unwrap_or_default(),
        more: panel.more.clone().unwrap_or_default(),
        empty: panel.empty.clone().unwrap_or_default(),
        queries: panel.queries.iter().map(query).collect(),
    }
}

/// Where a limit stands now.
pub(super) fn limit_at(now: &Now, at: &LimitAt) -> Option<f64> {
    match at {
        LimitAt::Number(at) => Some(*at),
        LimitAt::Expression(expression) => now.number(expression),
    }
}

fn query(query: &PanelQuery) -> BootQuery {
    let (channels, exprs) = channels(&query.expr.text);
    BootQuery {
        expr: query.expr.text.clone(),
        legend: query.legend.clone(),
        color: query.color,
        negative: query.negative,
        channels,
        exprs,
    }
}
