//! Filters of subscribers by the tags of publications. Pure.
//!
//! What is written and what it means are Centrifugo's; the limits are ours, as each publication is held against the
//! filter of each subscriber.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::wire::centrifugo::FilterNode;

/// Levels of a filter. A condition within `and`, `or` and `not` has four.
pub const FILTER_DEPTH_MAX: usize = 16;
/// Nodes of a filter: a microsecond or two for each publication and subscriber.
pub const FILTER_NODES_MAX: usize = 256;
/// Bytes of all keys and values of a filter: 256 subscriptions of one connection take 4 MiB.
pub const FILTER_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a number, and its digits after the point, as in Centrifugo. What is longer is not a number.
const NUMBER_BYTES_MAX: usize = 200;
const FRACTION_DIGITS_MAX: usize = 19;

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Neither `and`, `or`, `not` nor a comparison.
    #[error("unknown op `{0}`")]
    Op(String),
    /// No comparison, or none that there is.
    #[error("unknown cmp `{0}`")]
    Cmp(String),
    /// A comparison without the tag that it is about.
    #[error("`{0}` without a key")]
    Key(&'static str),
    /// A comparison without a value, or with one that it has no use for.
    #[error("`{0}` with other values than it takes")]
    Values(&'static str),
    /// `and` and `or` take one node at least, `not` takes one.
    #[error("`{0}` with {1} nodes")]
    Nodes(&'static str, usize),
    /// More than [`FILTER_DEPTH_MAX`] levels.
    #[error("more than {FILTER_DEPTH_MAX} levels")]
    TooDeep,
    /// More than [`FILTER_NODES_MAX`] nodes.
    #[error("more than {FILTER_NODES_MAX} nodes")]
    TooMany,
    /// Keys and values of more than [`FILTER_BYTES_MAX`].
    #[error("keys and values of more than {FILTER_BYTES_MAX} bytes")]
    TooBig,
}

/// A filter that is well-formed and within the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Tag { key: String, test: Test },
}

/// What a tag's value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equal(String),
    NotEqual(String),
    /// One of these, which are sorted. A tag that is not there has the value "".
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Number(Compare, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Filter {
    /// Checks a filter.
    ///
    /// # Errors
    ///
    /// [`FilterError`]: the first thing that is wrong with it.
    pub fn new(node: FilterNode) -> Result<Self, FilterError> {
        Builder { nodes: 0, bytes: 0 }.node(node, 1).map(Self)
    }

    /// Whether a publication with these tags is wanted.
    pub fn matches(&self, tags: &BTreeMap<String, String>) -> bool {
        self.0.matches(tags)
    }
}

impl Node {
    fn matches(&self, tags: &BTreeMap<String, String>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(tags)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(tags)),
            Self::Not(node) => !node.matches(tags),
            Self::Tag { key, test } => test.holds(tags.get(key).map(String::as_str)),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let is_in = |of: &[String]| {
            let value = value.unwrap_or_default();
            of.binary_search_by(|each| each.as_str().cmp(value)).is_ok()
        };
        match self {
            Self::Equal(to) => value == Some(to),
            Self::NotEqual(to) => value != Some(to),
            Self::In(of) => is_in(of),
            Self::NotIn(of) => !is_in(of),
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::StartsWith(with) => value.is_some_and(|value| value.starts_with(with.as_str())),
            Self::EndsWith(with) => value.is_some_and(|value| value.ends_with(with.as_str())),
            Self::Contains(part) => value.is_some_and(|value| value.contains(part.as_str())),
            Self::Number(compare, to) => {
                let order = value.and_then(Decimal::parse).zip(Decimal::parse(to));
                order.is_some_and(|(value, to)| compare.holds(value.order(to)))
            }
        }
    }
}

impl Compare {
    const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// Counts what a filter has while it is built.
struct Builder {
    nodes: usize,
    bytes: usize,
}

impl Builder {
    fn node(&mut self, node: FilterNode, depth: usize) -> Result<Node, FilterError> {
        self.nodes += 1;
        self.bytes += node.key.len() + node.val.len() + node.vals.iter().map(String::len).sum::<usize>();
        // An empty value is a string all the same.
        self.bytes += node.vals.len();
        if FILTER_DEPTH_MAX < depth {
            return Err(FilterError::TooDeep);
        }
        if FILTER_NODES_MAX < self.nodes {
            return Err(FilterError::TooMany);
        }
        if FILTER_BYTES_MAX < self.bytes {
            return Err(FilterError::TooBig);
        }
        match node.op.as_str() {
            "" => comparison(node),
            "and" => self.some(node.nodes, "and", depth).map(Node::All),
            "or" => self.some(node.nodes, "or", depth).map(Node::Any),
            "not" => match <[_; 1]>::try_from(node.nodes) {
                Ok([node]) => Ok(Node::Not(Box::new(self.node(node, depth + 1)?))),
                Err(nodes) => Err(FilterError::Nodes("not", nodes.len())),
            },
            _ => Err(FilterError::Op(node.op)),
        }
    }

    fn some(
        &mut self,
        nodes: Vec<FilterNode>,
        op: &'static str,
        depth: usize,
    ) -> Result<Vec<Node>, FilterError> {
        if nodes.is_empty() {
            return Err(FilterError::Nodes(op, 0));
        }
        nodes.into_iter().map(|node| self.node(node, depth + 1)).collect()
    }
}

fn comparison(node: FilterNode) -> Result<Node, FilterError> {
    let FilterNode { key, cmp, val, mut vals, .. } = node;
    let (has_one, has_many) = (!val.is_empty(), !vals.is_empty());
    vals.sort_unstable();
    let (name, test) = match cmp.as_str() {
        "eq" => ("eq", Test::Equal(val)),
        "neq" => ("neq", Test::NotEqual(val)),
        "in" => ("in", Test::In(vals)),
        "nin" => ("nin", Test::NotIn(vals)),
        "ex" => ("ex", Test::Exists),
        "nex" => ("nex", Test::Missing),
        "sw" => ("sw", Test::StartsWith(val)),
        "ew" => ("ew", Test::EndsWith(val)),
        "ct" => ("ct", Test::Contains(val)),
        "lt" => ("lt", Test::Number(Compare::Below, val)),
        "lte" => ("lte", Test::Number(Compare::AtMost, val)),
        "gt" => ("gt", Test::Number(Compare::Above, val)),
        "gte" => ("gte", Test::Number(Compare::AtLeast, val)),
        _ => return Err(FilterError::Cmp(cmp)),
    };
    let (takes_one, takes_many, needs_key) = match test {
        Test::Exists | Test::Missing => (false, false, false),
        Test::In(_) | Test::NotIn(_) => (false, true, true),
        _ => (true, false, true),
    };
    if (has_one, has_many) != (takes_one, takes_many) {
        return Err(FilterError::Values(name));
    }
    if needs_key && key.is_empty() {
        return Err(FilterError::Key(name));
    }
    Ok(Node::Tag { key, test })
}

/// A decimal number in its digits, so that it is compared exactly.
#[derive(Debug, Clone, Copy)]
struct Decimal<'a> {
    is_negative: bool,
    /// Without zeros in front.
    whole: &'a str,
    /// Without zeros behind.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// A sign or none, digits, and perhaps a point and more digits; nothing for any other text.
    fn parse(text: &'a str) -> Option<Self> {
        if NUMBER_BYTES_MAX < text.len() {
            return None;
        }
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || FRACTION_DIGITS_MAX < fraction.len() {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, whole, fraction })
    }

    fn order(self, other: Self) -> Ordering {
        let size = |number: Self| (number.whole.len(), number.whole, number.fraction);
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> FilterNode {
        serde_json::from_str(json).unwrap()
    }

    fn tags() -> BTreeMap<String, String> {
        let tags = [("env", "prod"), ("cpu", "12.50"), ("low", "-3"), ("empty", ""), ("word", "12px")];
        tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    /// `key cmp value`, or values that are parted by commas.
    #[track_caller]
    fn check(text: &str, expected: bool) {
        let mut parts = text.split(' ');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let mut node = FilterNode { key: next(), cmp: next(), val: next(), ..FilterNode::default() };
        if node.cmp == "in" || node.cmp == "nin" {
            node.vals = std::mem::take(&mut node.val).split(',').map(str::to_owned).collect();
        }
        assert_eq!(Filter::new(node).unwrap().matches(&tags()), expected, "{text}");
    }

    #[track_caller]
    fn refused(json: &str, expected: &FilterError) {
        assert_eq!(Filter::new(parse(json)), Err(expected.clone()), "{json}");
    }

    #[test]
    fn text_is_compared() {
        check("env eq prod", true);
        check("env eq test", false);
        check("none eq prod", false);
        check("env neq prod", false);
        check("none neq prod", true);
        check("env sw pr", true);
        check("env ew od", true);
        check("env ct ro", true);
        check("none sw a", false);
        check("empty ct a", false);
    }

    #[test]
    fn presence_and_membership() {
        check("env ex", true);
        check("empty ex", true);
        check("none ex", false);
        check("none nex", true);
        check("env in test,prod,dev", true);
        check("env nin test,dev", true);
        check("env in test,dev", false);
        // What is not there is "".
        check("none in a,", true);
        check("none nin a", true);
        check("none nin a,", false);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        check("cpu gt 9", true);
        check("cpu gte 12.5", true);
        check("cpu gt 12.5", false);
        check("cpu lte +012.5000", true);
        check("cpu lt 12.51", true);
        check("low lt -2.9", true);
        check("low gt -10", true);
        check("low lt 0", true);
        for compare in ["gt", "gte", "lt", "lte"] {
            check(&format!("none {compare} 1"), false);
            check(&format!("word {compare} 1"), false);
            check(&format!("cpu {compare} many"), false);
            check(&format!("cpu {compare} 1e1"), false);
            check(&format!("cpu {compare} 1."), false);
            check(&format!("cpu {compare} 1.00000000000000000000"), false);
        }
        assert_eq!(Decimal::parse("-0.0").unwrap().order(Decimal::parse("0").unwrap()), Ordering::Equal);
    }

    #[test]
    fn nodes_join() {
        let json = r#"{"op":"and","nodes":[
            {"op":"or","nodes":[{"key":"env","cmp":"eq","val":"test"},{"key":"cpu","cmp":"gt","val":"10"}]},
            {"op":"not","nodes":[{"key":"none","cmp":"ex"}]}]}"#;
        let filter = Filter::new(parse(json)).unwrap();
        assert!(filter.matches(&tags()));
        assert!(!filter.matches(&BTreeMap::new()));
    }

    #[test]
    fn what_is_malformed_is_named() {
        refused("{}", &FilterError::Cmp(String::new()));
        refused(r#"{"key":"a","cmp":"like","val":"b"}"#, &FilterError::Cmp("like".into()));
        refused(r#"{"op":"xor"}"#, &FilterError::Op("xor".into()));
        refused(r#"{"cmp":"eq","val":"b"}"#, &FilterError::Key("eq"));
        refused(r#"{"key":"a","cmp":"eq"}"#, &FilterError::Values("eq"));
        refused(r#"{"key":"a","cmp":"gt","val":"1","vals":["1"]}"#, &FilterError::Values("gt"));
        refused(r#"{"key":"a","cmp":"in"}"#, &FilterError::Values("in"));
        refused(r#"{"key":"a","cmp":"nin","vals":["1"],"val":"1"}"#, &FilterError::Values("nin"));
        refused(r#"{"key":"a","cmp":"ex","val":"1"}"#, &FilterError::Values("ex"));
        refused(r#"{"op":"and"}"#, &FilterError::Nodes("and", 0));
        refused(r#"{"op":"not","nodes":[{"cmp":"ex"},{"cmp":"ex"}]}"#, &FilterError::Nodes("not", 2));
    }

    #[test]
    fn filters_have_limits() {
        let leaf = || parse(r#"{"key":"a","cmp":"ex"}"#);
        let not = |node| FilterNode { op: "not".into(), nodes: vec![node], ..FilterNode::default() };
        let deep = |levels| (1..levels).fold(leaf(), |node, _| not(node));
        assert!(Filter::new(deep(FILTER_DEPTH_MAX)).is_ok());
        assert_eq!(Filter::new(deep(FILTER_DEPTH_MAX + 1)), Err(FilterError::TooDeep));
        let wide =
            |nodes| FilterNode { op: "or".into(), nodes: vec![leaf(); nodes], ..FilterNode::default() };
        assert!(Filter::new(wide(FILTER_NODES_MAX - 1)).is_ok());
        assert_eq!(Filter::new(wide(FILTER_NODES_MAX)), Err(FilterError::TooMany));
        let long =
            FilterNode { key: "a".repeat(FILTER_BYTES_MAX + 1), cmp: "ex".into(), ..FilterNode::default() };
        assert_eq!(Filter::new(long), Err(FilterError::TooBig));
    }

    proptest::proptest! {
        #[test]
        fn decimals_are_ordered_as_numbers(a in -100_000_i32..100_000, b in -100_000_i32..100_000) {
            let text = |n: i32| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1_000, n.abs() % 1_000);
            let (left, right) = (text(a), text(b));
            let order = Decimal::parse(&left).unwrap().order(Decimal::parse(&right).unwrap());
            proptest::prop_assert_eq!(order, a.cmp(&b));
        }
    }
}
