//! The built page: scripts, styles, icons, inside the binary.

use axum::{
    extract::{Path, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

use super::{Answer, error::Failure};

#[derive(Debug, RustEmbed)]
#[folder = "static/dist/"]
struct Dist;

/// One file, with a tag of its content: a browser asks again and is told that nothing changed.
pub(super) async fn asset(Path(path): Path<String>, request: Request) -> Answer<Response> {
    let file = Dist::get(&path).ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "no such file"))?;
    let tag: String = file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
