//! `/explore`: queries of one's own. Script fills it by the query API and by live queries.

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{HOME, RANGE, RANGES, all, boot, clock, now::Now, origin, page, room_view, script, version};
use crate::http::view::{EN, ExplorePage, RangeView};
use crate::http::{Answer, Shared};

/// The frame of the page.
pub(in crate::http) async fn explore(State(site): State<Shared>, headers: HeaderMap) -> Answer<Response> {
    let dashboards = all(&site);
    let boot = boot::boot(&site, &Now::default(), (None, RANGE), &dashboards, std::iter::empty());
    page(&ExplorePage {
        texts: &EN,
        version: version(),
        clock: clock(site.clock.now_ms()),
        home: HOME.to_owned(),
        origin: origin(&headers),
        rooms: dashboards.iter().map(|dashboard| room_view(&site, dashboard, None)).collect(),
        ranges: ranges(RANGE),
        boot: script(&boot)?,
    })
}

/// The ranges of the top bar; the page opens with `current`.
pub(super) fn ranges(current: &str) -> Vec<RangeView> {
    let view = |id: &str, title: &str| RangeView {
        id: id.to_owned(),
        title: title.to_owned(),
        current: id == current,
    };
    RANGES.iter().map(|(id, title, _, _)| view(id, title)).collect()
}
