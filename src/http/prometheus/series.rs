//! What series there are: `series`, `labels`, `label/{name}/values`, `metadata`.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Request, State};

use super::{
    answer::{Answer, ApiError, Success, cut},
    parameters::Parameters,
};
use crate::http::Shared;
use crate::model::{Labels, Matcher, Metadata};

/// Series that a call asks for.
struct Asked {
    matchers: Vec<Vec<Matcher>>,
    /// Those without a sample since then are not meant, ms.
    since: Option<i64>,
    limit: usize,
}

impl Asked {
    async fn of(request: Request) -> Result<Self, ApiError> {
        let parameters = Parameters::of(request).await?;
        let since = parameters.time("start")?;
        if let (Some(start), Some(end)) = (since, parameters.time("end")?)
            && end < start
        {
            return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
        }
        Ok(Self { matchers: parameters.matchers()?, since, limit: parameters.limit()? })
    }

    /// Whether all series are meant, of all times.
    fn is_all(&self) -> bool {
        self.matchers.is_empty() && self.since.is_none()
    }

    /// The series, each once, sorted.
    fn series(&self, site: &Shared) -> BTreeSet<Labels> {
        let store = site.live.store();
        let since = self.since.unwrap_or(i64::MIN);
        if self.matchers.is_empty() {
            return store.series_since(&[], since).into_iter().collect();
        }
        self.matchers.iter().flat_map(|matchers| store.series_since(matchers, since)).collect()
    }
}

/// Answers with the first of sorted things, and says whether there are more.
fn first<T: serde::Serialize>(mut list: Vec<T>, limit: usize) -> Answer {
    let is_cut = cut(&mut list, limit);
    Success::new(list).truncated(is_cut).response(0)
}

/// `/api/v1/series`
pub(in crate::http) async fn series(State(site): State<Shared>, request: Request) -> Answer {
    let asked = Asked::of(request).await?;
    if asked.matchers.is_empty() {
        return Err(ApiError::bad("no match[] parameter provided"));
    }
    first(asked.series(&site).into_iter().collect(), asked.limit)
}

/// `/api/v1/labels`
pub(in crate::http) async fn labels(State(site): State<Shared>, request: Request) -> Answer {
    let asked = Asked::of(request).await?;
    if asked.is_all() {
        return first(site.live.store().label_names(&[]), asked.limit);
    }
    let series = asked.series(&site);
    let names: BTreeSet<_> = series.iter().flat_map(Labels::iter).map(|label| &label.name).collect();
    first(names.into_iter().collect(), asked.limit)
}

/// `/api/v1/label/{name}/values`
pub(in crate::http) async fn values(
    State(site): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let name = unescaped(&name);
    if name.is_empty() {
        return Err(ApiError::bad("invalid label name: \"\""));
    }
    let asked = Asked::of(request).await?;
    if asked.is_all() {
        return first(site.live.store().label_values(&name, &[]), asked.limit);
    }
    let series = asked.series(&site);
    let values: BTreeSet<_> = series.iter().filter_map(|labels| labels.get(&name)).collect();
    first(values.into_iter().collect(), asked.limit)
}

/// A label's name of an address: with `U__` before it, `_2e_` stands for the character of that hexadecimal number, and two
/// underscores for one.
fn unescaped(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut plain = String::new();
    while let Some(at) = rest.find('_') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(end) = rest.find('_') else { return name.to_owned() };
        match &rest[..end] {
            "" => plain.push('_'),
            hex => match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
                Some(c) => plain.push(c),
                None => return name.to_owned(),
            },
        }
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    plain
}

/// `/api/v1/metadata`
pub(in crate::http) async fn metadata(State(site): State<Shared>, request: Request) -> Answer {
    let parameters = Parameters::of(request).await?;
    let metric = parameters.get("metric").filter(|name| !name.is_empty());
    let mut known: BTreeMap<String, Metadata> = site.catalog.read(metric);
    for (name, metadata) in site.registry.metadata() {
        if metric.is_none_or(|metric| metric == name) {
            known.insert(name.to_owned(), metadata);
        }
    }
    let limit = parameters.limit()?;
    let wanted = if limit == 0 { usize::MAX } else { limit };
    // One entry for each: what was said last.
    let listed: BTreeMap<&String, [&Metadata; 1]> =
        known.iter().take(wanted).map(|(name, metadata)| (name, [metadata])).collect();
    Success::new(listed).response(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_addresses_may_be_escaped() {
        assert_eq!(unescaped("job"), "job");
        assert_eq!(unescaped("U__http_2e_status__code"), "http.status_code");
        assert_eq!(unescaped("U__broken_2e"), "U__broken_2e");
        assert_eq!(unescaped("U__broken_zz_"), "U__broken_zz_");
    }
}
