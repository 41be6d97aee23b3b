//! The open mode: no people, so only this machine's own browser and programs may speak to it.
//!
//! - Host must be a loopback name, or a page elsewhere could reach us by a name that resolves to 127.0.0.1 (DNS
//!   rebinding).
//! - Origin, where there is one, must be ours; `null` is not.
//! - A forwarding header means that a proxy would publish us to others.
//! - A fetch from another site is refused, but for a person who follows a link to a page.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority};

use super::error::Failure;
use crate::hub::channel::is_like;

/// Headers that proxies add.
const FORWARDING: [&str; 9] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-original-host",
    "via",
];
/// What the names of others begin with, such as `x-forwarded-for`.
const FORWARDED: &str = "x-forwarded";

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No Host, or one that is not this machine.
    #[error("the Host header must name this machine: localhost, 127.0.0.1 or [::1]")]
    Host,
    /// Another Origin.
    #[error("the Origin header is not this site's")]
    Origin,
    /// A proxy.
    #[error("requests through a proxy are refused while everyone may do everything here; reach it directly")]
    Forwarded,
    /// A fetch by another site's page.
    #[error("requests from other sites' pages are refused")]
    CrossSite,
}

/// Lets a client of the hub in, or says why not; returns the origin of the other site's page that it is, if it is one.
///
/// # Errors
///
/// [`Refused`].
pub fn admit_client(headers: &HeaderMap, allowed: &[String]) -> Result<Option<HeaderValue>, Refused> {
    let admitted = admit(&Method::GET, headers);
    // Our own pages are ours, also where every origin may come.
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| admitted.is_err()) else {
        return admitted.map(|()| None);
    };
    let is_allowed = origin.to_str().is_ok_and(|origin| {
        let origin = origin.to_ascii_lowercase();
        allowed.iter().any(|pattern| is_like(pattern.as_bytes(), origin.as_bytes()))
    });
    if !is_allowed {
        return admitted.map(|()| None);
    }
    // Only what is said of the other site is let pass.
    let mut own = headers.clone();
    own.remove(header::ORIGIN);
    own.remove("sec-fetch-site");
    admit(&Method::GET, &own).map(|()| Some(origin.clone()))
}

/// The cookie by which a page of this server is known where clients need tokens.
const PAGE_COOKIE: &str = "watchroom-page";

/// Gives a page the cookie that lets its script in without a token: a program that is let reach the socket alone, such as
/// through a proxy, can say any Origin, but has no page.
pub async fn with_page_cookie(State(key): State<Arc<str>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let cookie = format!("{PAGE_COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a request has the cookie of a page of this process.
pub fn has_page_cookie(headers: &HeaderMap, key: &str) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.any(|(name, value)| name == PAGE_COOKIE && is_same(value.as_bytes(), key.as_bytes()))
}

/// Compares in a time that does not tell where the two differ.
pub fn is_same(said: &[u8], key: &[u8]) -> bool {
    said.len() == key.len() && said.iter().zip(key).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Lets a request in, or says why not.
///
/// # Errors
///
/// [`Refused`].
pub fn admit(method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(Refused::Host)?;
    if !is_loopback(host) || 1 < headers.get_all(header::HOST).iter().count() {
        return Err(Refused::Host);
    }
    if FORWARDING.iter().any(|name| headers.contains_key(*name))
        || headers.keys().any(|name| name.as_str().starts_with(FORWARDED))
    {
        return Err(Refused::Forwarded);
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://")) != Some(host)
    {
        return Err(Refused::Origin);
    }
    let says = |name: &'static str, words: &[&str]| {
        headers
            .get(HeaderName::from_static(name))
            .is_some_and(|value| words.iter().any(|word| value == *word))
    };
    let follows_link = *method == Method::GET
        && says("sec-fetch-mode", &["navigate"])
        && says("sec-fetch-dest", &["document"]);
    if headers.contains_key("sec-fetch-site")
        && !says("sec-fetch-site", &["same-origin", "none"])
        && !follows_link
    {
        return Err(Refused::CrossSite);
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    // User information would make the name ambiguous.
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The check of every request and upgrade.
pub async fn open_mode(request: Request, next: Next) -> Response {
    match admit(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            tracing::debug!(reason = ?refused, "request refused");
            Failure::new(StatusCode::FORBIDDEN, refused.to_string()).into_response()
        }
    }
}

/// The headers of every answer: nothing but our own scripts runs, and no other page frames us.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[(&'static str, &'static str)], expected: Result<(), Refused>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        assert_eq!(admit(&Method::GET, &headers), expected, "{lines:?}");
    }

    #[test]
    fn only_this_machine_is_let_in() {
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST", "127.0.0.2"] {
            check(&[("host", host)], Ok(()));
        }
        for host in [
            "example.com",
            "127.0.0.1.example.com",
            "localhost.example.com:8080",
            "10.0.0.1",
            "a@localhost",
            "",
        ] {
            check(&[("host", host)], Err(Refused::Host));
        }
        check(&[], Err(Refused::Host));
        check(&[("host", "localhost"), ("host", "example.com")], Err(Refused::Host));
    }

    #[test]
    fn other_origins_are_refused() {
        check(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")], Ok(()));
        for origin in ["null", "http://localhost:9090", "https://localhost:8080", "http://example.com"] {
            check(&[("host", "localhost:8080"), ("origin", origin)], Err(Refused::Origin));
        }
    }

    #[test]
    fn a_page_is_known_by_its_cookie() {
        let has = |cookie: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", HeaderValue::from_static(cookie));
            has_page_cookie(&headers, "key")
        };
        assert!(has("watchroom-page=key") && has("a=b; watchroom-page=key"));
        assert!(!has("watchroom-page=kez") && !has("watchroom-page=") && !has("a=key"));
        assert!(!has_page_cookie(&HeaderMap::new(), "key"));
    }

    #[test]
    fn pages_of_other_sites_come_in_where_they_are_named() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost:8000"));
        headers.insert("origin", HeaderValue::from_static("https://app.Example.com"));
        headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        let admitted = |allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|one| (*one).to_owned()).collect();
            admit_client(&headers, &allowed).map(|origin| origin.is_some())
        };
        for pattern in ["*", "https://*.example.com", "https://ap?.example.com"] {
            assert_eq!(admitted(&[pattern]), Ok(true), "{pattern}");
        }
        for pattern in ["https://example.com", "http://*", "", "https://app.example.co"] {
            assert_eq!(admitted(&[pattern]), Err(Refused::Origin), "{pattern}");
        }
        assert_eq!(admitted(&[]), Err(Refused::Origin));
        headers.insert("host", HeaderValue::from_static("example.com"));
        assert_eq!(admit_client(&headers, &["*".to_owned()]), Err(Refused::Host));
    }

    #[test]
    fn proxies_are_refused() {
        for name in
            FORWARDING.into_iter().chain(["x-forwarded-for", "x-forwarded-port", "x-forwarded-server"])
        {
            check(&[("host", "localhost"), (name, "1.2.3.4")], Err(Refused::Forwarded));
        }
    }

    #[test]
    fn other_sites_pages_may_link_but_not_fetch() {
        check(&[("host", "localhost"), ("sec-fetch-site", "same-origin")], Ok(()));
        for site in ["cross-site", "same-site"] {
            check(&[("host", "localhost"), ("sec-fetch-site", site)], Err(Refused::CrossSite));
            check(
                &[
                    ("host", "localhost"),
                    ("sec-fetch-site", site),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                Ok(()),
            );
        }
    }
}
