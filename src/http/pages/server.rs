//! `/server`: what runs on all nodes. Script fills it by calls.

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{HOME, RANGE, all, boot, now::Now, origin, page, room_view, script};
use crate::http::view::{EN, ServerPage};
use crate::http::{Answer, Shared};

/// The frame of the page.
pub(in crate::http) async fn server(State(site): State<Shared>, headers: HeaderMap) -> Answer<Response> {
    let dashboards = all(&site);
    let boot = boot::boot(&site, &Now::default(), (None, RANGE), &dashboards, std::iter::empty());
    page(&ServerPage {
        texts: &EN,
        home: HOME.to_owned(),
        origin: origin(&headers),
        rooms: dashboards.iter().map(|dashboard| room_view(&site, dashboard, None)).collect(),
        boot: script(&boot)?,
    })
}
