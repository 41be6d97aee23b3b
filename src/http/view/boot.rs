//! The JSON that a page boots from: the other end is `static/src/boot.ts`.

use std::collections::BTreeMap;

use serde::Serialize;

/// What script is sent with; written into the page by [`boot_json`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Boot {
    /// Version of the server.
    pub version: String,
    /// Name of this node.
    pub node: String,
    /// The server's time when the page was made, ms since the epoch.
    pub now: i64,
    /// Language of the page.
    pub lang: String,
    /// This room; `None` on the list of all.
    pub room: Option<BootRoom>,
    /// All rooms.
    pub rooms: Vec<BootRoom>,
    /// Ranges, shortest first.
    pub ranges: Vec<BootRange>,
    /// Id of the range that the page opens with.
    pub range: String,
    /// Panels, in their order.
    pub panels: Vec<BootPanel>,
    /// The instance that this page is about.
    pub instance: String,
    /// Channel of the busiest processes, `@top:<instance>`; empty when there is none.
    pub top: String,
    /// Path of the socket.
    pub socket: String,
}

/// A room, as far as a link to it goes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BootRoom {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Address of its page.
    pub href: String,
}

/// A range.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BootRange {
    /// Id, such as `15m`.
    pub id: String,
    /// Length, s.
    pub seconds: u32,
    /// Step, ms.
    pub step: u32,
}

/// A panel, as in the dashboard's file, with `{of}` and the limit's value filled in. `pushed` (rpc) answers with these.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BootPanel {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Unit, with `{of}` filled in. A stat with the unit `duration` shows seconds as a length of time.
    pub unit: String,
    /// `line`, `stack`, `mirror`, `bars`, `stat`, `table` or `heat`.
    pub kind: String,
    /// Columns of twelve.
    pub width: u8,
    /// More height on a phone; from width 6 on the legend at the side.
    pub tall: bool,
    /// Least value of the axis.
    pub min: Option<f64>,
    /// Greatest value of the axis.
    pub max: Option<f64>,
    /// Decimals; `None` writes three figures.
    pub decimals: Option<u8>,
    /// Multiplies every value.
    pub scale: f64,
    /// Name of the legend's sum; empty for none.
    pub total: String,
    /// Limit, with its expression evaluated.
    pub limit: Option<BootLimit>,
    /// Name of what is left to the limit; empty for none.
    pub rest: String,
    /// `processes`, or empty.
    pub source: String,
    /// One sentence about the panel; may be empty.
    pub more: String,
    /// What is said when no series matches; empty for the usual words.
    pub empty: String,
    /// Queries, in their order.
    pub queries: Vec<BootQuery>,
}

/// A dashed line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BootLimit {
    /// Value, scaled already.
    pub at: f64,
    /// Words after the value.
    pub label: String,
}

/// A query of a panel.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BootQuery {
    /// Expression.
    pub expr: String,
    /// Template of its series' names; may be empty.
    pub legend: String,
    /// Colour of its first series, 1 to 8.
    pub color: Option<u8>,
    /// Whether it is drawn downwards.
    pub negative: bool,
    /// Channel for each step of `ranges`, and for 1000; the key is the step in ms.
    pub channels: BTreeMap<u32, String>,
    /// Other expressions for steps at which `expr` would look too narrowly; may be empty. Their channels are theirs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exprs: BTreeMap<u32, String>,
}

/// Makes JSON safe inside a script element: nothing in it can end the element or begin a comment.
///
/// Takes valid JSON, where `<`, `>`, `&` and the two line separators occur in strings alone, and stays valid JSON.
pub(crate) fn boot_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}
