//! The parameters of a call.

use std::time::Duration;

use axum::{
    Form,
    extract::{FromRequest, Query, Request},
};
use http::Method;

use super::{
    answer::ApiError,
    evaluate::QUERY_TIME_MAX,
    time::{self, duration},
};
use crate::model::{Matcher, limits::LOOKBACK_MS};
use crate::query::Plan;

/// The parameters of every call; a form in a POST, the address otherwise, and where both say something both count, the
/// form first.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// When they are no form.
    pub(super) async fn of(request: Request) -> Result<Self, ApiError> {
        let wrong = |error: &dyn std::fmt::Display| ApiError::bad(format!("parameters: {error}"));
        let Query(address) =
            Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map_err(|error| wrong(&error))?;
        let mut pairs = Vec::new();
        if *request.method() == Method::POST {
            let Form(form) =
                Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|e| wrong(&e))?;
            pairs = form;
        }
        pairs.extend(address);
        Ok(Self(pairs))
    }

    /// The first value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is `true` or `false`, and false where it is absent.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name).unwrap_or_default() {
            "" | "false" | "0" => Ok(false),
            "true" | "1" => Ok(true),
            other => Err(ApiError::parameter(name, format_args!("{other:?} is neither true nor false"))),
        }
    }

    /// A time, ms.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, ApiError> {
        time::parse(name, self.get(name))
    }

    /// A time that must be there, ms.
    ///
    /// # Errors
    ///
    /// When it is none, or absent.
    pub(super) fn need_time(&self, name: &str) -> Result<i64, ApiError> {
        self.time(name)?.ok_or_else(|| ApiError::parameter(name, "cannot parse \"\" to a valid timestamp"))
    }

    /// `limit`: how many results are wanted at most; 0 for all.
    ///
    /// # Errors
    ///
    /// When it is no whole number.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.get("limit").filter(|text| !text.is_empty()) else { return Ok(0) };
        let number: i64 =
            text.parse().map_err(|_| ApiError::parameter("limit", format_args!("{text:?} is no number")))?;
        usize::try_from(number).map_err(|_| ApiError::parameter("limit", "limit must be non-negative"))
    }

    /// How far an instant selector looks back, ms.
    ///
    /// # Errors
    ///
    /// When `lookback_delta` is no duration above zero.
    pub(super) fn lookback(&self) -> Result<i64, ApiError> {
        match self.get("lookback_delta") {
            None | Some("") => Ok(LOOKBACK_MS),
            Some(text) => match duration("lookback_delta", text)? {
                0 => Err(ApiError::parameter("lookback_delta", "it must be above zero")),
                lookback => Ok(lookback),
            },
        }
    }

    /// How long the evaluation may take.
    ///
    /// # Errors
    ///
    /// When `timeout` is no duration.
    pub(super) fn timeout(&self) -> Result<Duration, ApiError> {
        match self.get("timeout") {
            None | Some("") => Ok(QUERY_TIME_MAX),
            Some(text) => {
                let ms = u64::try_from(duration("timeout", text)?).unwrap_or_default();
                Ok(Duration::from_millis(ms).min(QUERY_TIME_MAX))
            }
        }
    }

    /// The query.
    ///
    /// # Errors
    ///
    /// When it is not PromQL.
    pub(super) fn plan(&self) -> Result<Plan, ApiError> {
        parse("query", self.get("query").unwrap_or_default())
    }

    /// The selectors of `match[]`: a series that satisfies one is meant.
    ///
    /// # Errors
    ///
    /// When one is no selector.
    pub(super) fn matchers(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        self.all("match[]")
            .map(|text| {
                let plan = parse("match[]", text)?;
                plan.selector().map(<[Matcher]>::to_vec).ok_or_else(|| {
                    ApiError::parameter("match[]", format_args!("{text:?} is more than a selector of series"))
                })
            })
            .collect()
    }
}

/// The plan of a parameter. Of an error the first line is as Prometheus's; below it stands the text with a caret.
fn parse(name: &str, text: &str) -> Result<Plan, ApiError> {
    Plan::parse(text).map_err(|error| ApiError::parameter(name, error.explain(text)))
}
