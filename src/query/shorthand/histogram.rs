//! Native histograms in shorthand: `{{schema:1 count:5 sum:4 buckets:[1 2 1] offset:-1 z_bucket:1}}`, and
//! series of them: `{{…}}x3`, `{{…}}+{{…}}x3`.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{
    CounterReset, Histogram,
    histogram::{Layout, SCHEMA_CUSTOM},
};

use super::{Item, count};

/// The values of one word.
pub(super) fn expand(word: &str) -> Option<Vec<Item>> {
    let (first, rest) = one(word)?;
    let item = |histogram: &Histogram, has_hint| Item::Histogram {
        histogram: Arc::new(histogram.clone()),
        has_hint,
    };
    if rest.is_empty() {
        return Some(vec![item(&first.histogram, first.has_hint)]);
    }
    if let Some(times) = rest.strip_prefix('x') {
        return Some(vec![item(&first.histogram, first.has_hint); count(times)? + 1]);
    }
    let (sign, rest) = (rest.chars().next()?, rest.get(1..)?);
    let (rise, rest) = one(rest)?;
    let times = count(rest.strip_prefix('x')?)?;
    if first.histogram.layout.schema() > rise.histogram.layout.schema() {
        return None;
    }
    let mut histogram = first.histogram;
    let mut items = vec![item(&histogram, rise.has_hint)];
    for _ in 0..times {
        match sign {
            '+' => histogram.add(&rise.histogram).ok()?,
            '-' => histogram.subtract(&rise.histogram).ok()?,
            _ => return None,
        };
        items.push(item(&histogram, rise.has_hint));
    }
    Some(items)
}

struct One {
    histogram: Histogram,
    has_hint: bool,
}

/// The histogram at the start, and what follows it.
fn one(text: &str) -> Option<(One, &str)> {
    let inside = text.strip_prefix("{{")?;
    let end = inside.find("}}")?;
    let fields = fields(inside.get(..end)?)?;
    Some((build(&fields)?, inside.get(end + 2..)?))
}

/// Names and their texts; a list without its brackets.
fn fields(inside: &str) -> Option<BTreeMap<&str, &str>> {
    let mut found = BTreeMap::new();
    let mut rest = inside.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once(':')?;
        let (value, after) = match after.strip_prefix('[') {
            Some(list) => list.split_once(']')?,
            None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        if found.insert(name, value).is_some() {
            return None;
        }
        rest = after.trim_start();
    }
    Some(found)
}

fn build(fields: &BTreeMap<&str, &str>) -> Option<One> {
    const KNOWN: [&str; 11] = [
        "schema",
        "sum",
        "count",
        "z_bucket",
        "z_bucket_w",
        "custom_values",
        "counter_reset_hint",
        "buckets",
        "offset",
        "n_buckets",
        "n_offset",
    ];
    if !fields.keys().all(|name| KNOWN.contains(name)) {
        return None;
    }
    let number = |name: &str| fields.get(name).map_or(Some(0.0), |text| text.parse::<f64>().ok());
    let list = |name: &str| -> Option<Vec<f64>> {
        let text = fields.get(name).copied().unwrap_or_default();
        text.split_whitespace().map(|one| one.parse().ok()).collect()
    };
    let buckets = |name: &str, offset: &str| -> Option<Vec<(i32, f64)>> {
        let offset = fields.get(offset).map_or(Some(0), |text| text.parse::<i32>().ok())?;
        let numbered = (0i32..).zip(list(name)?);
        numbered.map(|(i, count)| Some((offset.checked_add(i)?, count))).collect()
    };
    let schema = fields.get("schema").map_or(Some(0), |text| text.parse::<i8>().ok())?;
    let layout = if schema == SCHEMA_CUSTOM {
        Layout::Custom { bounds: list("custom_values")?.into() }
    } else {
        Layout::Exponential { schema, zero_threshold: number("z_bucket_w")? }
    };
    let hint = match fields.get("counter_reset_hint") {
        None | Some(&"unknown") => CounterReset::Unknown,
        Some(&"reset") => CounterReset::Reset,
        Some(&"not_reset") => CounterReset::NotReset,
        Some(&"gauge") => CounterReset::Gauge,
        Some(_) => return None,
    };
    let histogram = Histogram {
        layout,
        hint,
        count: number("count")?,
        sum: number("sum")?,
        zero: number("z_bucket")?,
        positive: buckets("buckets", "offset")?,
        negative: buckets("n_buckets", "n_offset")?,
    };
    histogram.check_layout().ok()?;
    Some(One { histogram, has_hint: fields.contains_key("counter_reset_hint") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: &[&str]) {
        let items = expand(word).unwrap_or_default();
        let texts: Vec<String> = items
            .iter()
            .map(|item| match item {
                Item::Histogram { histogram, .. } => histogram.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(texts, expected, "{word}");
    }

    #[test]
    fn series_of_histograms() {
        check("{{}}", &["{count:0, sum:0}"]);
        let one = "{{schema:0 sum:4 count:3 buckets:[1 0 2] offset:-1}}";
        check(one, &["{count:3, sum:4, (0.25,0.5]:1, (1,2]:2}"]);
        check(&format!("{one}x1"), &["{count:3, sum:4, (0.25,0.5]:1, (1,2]:2}"; 2]);
        let rises = format!("{one}+{{{{count:1 buckets:[1] offset:1}}}}x1");
        check(
            &rises,
            &["{count:3, sum:4, (0.25,0.5]:1, (1,2]:2}", "{count:4, sum:4, (0.25,0.5]:1, (1,2]:3}"],
        );
        check(
            "{{schema:-53 custom_values:[5 10] count:2 buckets:[1 0 1]}}",
            &["{count:2, sum:0, [-Inf,5]:1, (10,+Inf]:1}"],
        );
    }

    #[test]
    fn what_is_none() {
        for wrong in [
            "{{",
            "{{count:x}}",
            "{{nope:1}}",
            "{{schema:9}}",
            "{{schema:-53 custom_values:[2 1]}}",
            "{{}}*2",
        ] {
            check(wrong, &[]);
        }
    }
}
