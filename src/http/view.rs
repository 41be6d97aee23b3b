//! The pages: what each template is filled with, and the JSON that a page boots from.
//!
//! Everything here is plain text and numbers. Whoever serves a page fills these structs; `templates/` writes them, and
//! `static/src/boot.ts` reads [`Boot`]. Values of the first screen are written by [`number`], by the rules of
//! `static/src/format/number.ts`, so that nothing changes when the script takes over.

mod boot;
mod format;
mod texts;

use askama::Template;

pub(super) use boot::{Boot, BootLimit, BootPanel, BootQuery, BootRange, BootRoom, boot_json};
pub(super) use format::{amounts, bytes, colors, distinct_names, duration_parts, legend_name, number, shown};
pub(super) use texts::{EN, Texts};

use format::NBSP;
pub(super) use format::NONE;

/// The page of one room.
#[derive(Debug, Template)]
#[template(path = "dashboard.html")]
pub(super) struct DashboardPage {
    /// Words of the reader's language.
    pub texts: &'static Texts,
    /// Version of the server.
    pub version: String,
    /// The server's own clock, `01:12:46 UTC`; script writes the reader's.
    pub clock: String,
    /// Where all rooms are listed, such as `/`.
    pub home: String,
    /// Scheme, host and port that this page was asked at; for the push example.
    pub origin: String,
    /// This room.
    pub room: RoomView,
    /// All rooms, in their order.
    pub rooms: Vec<RoomView>,
    /// Ranges of the top bar.
    pub ranges: Vec<RangeView>,
    /// Panels, in their order. Stats that follow each other share one row.
    pub panels: Vec<PanelView>,
    /// Whether this is the room of pushed metrics and has no panel yet.
    pub first_push: bool,
    /// [`boot_json`].
    pub boot: String,
}

/// The list of all rooms.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(super) struct HomePage {
    /// Words of the reader's language.
    pub texts: &'static Texts,
    /// Version of the server.
    pub version: String,
    /// Where this page is, such as `/`.
    pub home: String,
    /// Scheme, host and port that this page was asked at; for the push example.
    pub origin: String,
    /// All rooms, in their order.
    pub rooms: Vec<RoomCard>,
    /// [`boot_json`], with the stats of all rooms as panels.
    pub boot: String,
}

/// The rules, their alerts, the silences: script fills it.
#[derive(Debug, Template)]
#[template(path = "alerts.html")]
pub(super) struct AlertsPage {
    /// Words of the reader's language.
    pub texts: &'static Texts,
    /// Where all rooms are listed, such as `/`.
    pub home: String,
    /// Scheme, host and port that this page was asked at; for the push example.
    pub origin: String,
    /// All rooms, in their order.
    pub rooms: Vec<RoomView>,
    /// [`boot_json`], without panels.
    pub boot: String,
}

/// What runs: connections, channels, nodes. Script fills it.
#[derive(Debug, Template)]
#[template(path = "server.html")]
pub(super) struct ServerPage {
    /// Words of the reader's language.
    pub texts: &'static Texts,
    /// Where all rooms are listed, such as `/`.
    pub home: String,
    /// Scheme, host and port that this page was asked at; for the push example.
    pub origin: String,
    /// All rooms, in their order.
    pub rooms: Vec<RoomView>,
    /// [`boot_json`], without panels.
    pub boot: String,
}

/// Queries of one's own: script fills it.
#[derive(Debug, Template)]
#[template(path = "explore.html")]
pub(super) struct ExplorePage {
    /// Words of the reader's language.
    pub texts: &'static Texts,
    /// Version of the server.
    pub version: String,
    /// The server's own clock, `01:12:46 UTC`; script writes the reader's.
    pub clock: String,
    /// Where all rooms are listed, such as `/`.
    pub home: String,
    /// Scheme, host and port that this page was asked at; for the push example.
    pub origin: String,
    /// All rooms, in their order.
    pub rooms: Vec<RoomView>,
    /// Ranges of the top bar.
    pub ranges: Vec<RangeView>,
    /// [`boot_json`], without panels.
    pub boot: String,
}

/// A page that says what went wrong, and what to do.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    /// Words of the reader's language.
    pub texts: &'static Texts,
    /// Where all rooms are listed.
    pub home: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, such as `No such room`.
    pub title: String,
    /// What to do, one sentence.
    pub text: String,
}

/// A room, as far as links and titles go.
#[derive(Clone, Debug)]
pub(super) struct RoomView {
    /// Id: the name of its file, or `pushed`.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it shows, such as the host's name; may be empty.
    pub subtitle: String,
    /// Address of its page.
    pub href: String,
    /// Whether it is the page's own.
    pub current: bool,
}

/// A room in the list of all, with some of its numbers.
#[derive(Debug)]
pub(super) struct RoomCard {
    /// The room.
    pub room: RoomView,
    /// At most four of its stats; their ids are `<room>.<panel>`, as in the boot JSON of this page.
    pub stats: Vec<PanelView>,
}

/// A range of the top bar.
#[derive(Debug)]
pub(super) struct RangeView {
    /// Id, such as `15m`.
    pub id: String,
    /// What its button says, such as `15 m`, with a no-break space.
    pub title: String,
    /// Whether the page opens with it.
    pub current: bool,
}

/// A panel as the first screen shows it.
#[derive(Debug)]
pub(super) struct PanelView {
    /// Id, the same as in the boot JSON.
    pub id: String,
    /// Title.
    pub title: String,
    /// Unit, with `{of}` filled in; may be empty. A stat carries its unit in [`StatPart`].
    pub unit: String,
    /// Columns of twelve: 2, 3, 4, 6, 8 or 12.
    pub width: u8,
    /// Whether it gets more height on a phone, and from width 6 on its legend at its side.
    pub tall: bool,
    /// What it shows.
    pub body: PanelBody,
}

/// What a panel shows.
#[derive(Debug)]
pub(super) enum PanelBody {
    /// Kinds line, stack and mirror.
    Chart {
        /// Series in the order of the queries: the foot of a stack first.
        legend: Vec<LegendView>,
        /// Name and value of the legend's sum.
        total: Option<(String, String)>,
        /// Name and value of what is left to the limit.
        rest: Option<(String, String)>,
        /// Whether swatches are squares: stack and mirror.
        areas: bool,
    },
    /// Kind heat: names and values of its facts (least, median, most).
    Heat {
        /// Names and values.
        facts: Vec<(String, String)>,
        /// Value of the last shade.
        max: String,
    },
    /// Kind stat.
    Stat(Vec<StatPart>),
    /// Kind bars.
    Bars(Vec<BarView>),
    /// Kind table: the busiest processes.
    Processes(Vec<ProcessView>),
}

/// One series in a legend.
#[derive(Debug)]
pub(super) struct LegendView {
    /// Name: [`legend_name`], or the panel's title when that is empty.
    pub name: String,
    /// Colour, 1 to 8: the query's own for its first series, otherwise the next that no query of the panel names.
    pub color: u8,
    /// Value: [`number`].
    pub value: String,
}

/// A number, and the small words after it.
#[derive(Debug)]
pub(super) struct StatPart {
    /// Value: [`number`].
    pub value: String,
    /// Unit; may be empty.
    pub unit: String,
}

/// One bar.
#[derive(Debug)]
pub(super) struct BarView {
    /// Name.
    pub name: String,
    /// Amount, such as `46.1`.
    pub used: String,
    /// The whole, such as `98.0`, with its unit where the rows have their own: `98.0 GB`.
    pub whole: String,
    /// Share, 0 to 1.
    pub share: f64,
}

/// One process, each value as it is written.
#[derive(Debug)]
pub(super) struct ProcessView {
    pub pid: u32,
    pub name: String,
    pub args: String,
    pub user: String,
    /// Percent of one core, such as `96.4`.
    pub cpu: String,
    /// Length of its bar, 0 to 1: of the largest, or of one core when none is larger.
    pub cpu_share: f64,
    /// Such as `8.4 %`.
    pub memory: String,
    /// Length of its bar, 0 to 1: of the largest, or of a tenth when none is larger.
    pub memory_share: f64,
    /// Bytes a second: [`bytes()`].
    pub read: String,
    pub write: String,
    pub state: String,
}

/// What the grid holds: rows of stats, and panels.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// Stats that follow each other, at most eight.
    Stats(Vec<(&'a PanelView, &'a [StatPart])>),
    /// Any other panel, and its place among all.
    Panel(usize, &'a PanelView),
}

/// Columns of the grid.
const COLUMNS: u8 = 12;
/// Most stats in one row.
const STATS_MAX: usize = 8;

impl DashboardPage {
    /// Groups stats that follow each other.
    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        for (place, panel) in self.panels.iter().enumerate() {
            let PanelBody::Stat(parts) = &panel.body else {
                blocks.push(Block::Panel(place, panel));
                continue;
            };
            match blocks.last_mut() {
                Some(Block::Stats(row)) if row.len() < STATS_MAX => row.push((panel, parts)),
                _ => blocks.push(Block::Stats(vec![(panel, parts)])),
            }
        }
        blocks
    }

    /// Counts the rows of panels in twelve columns, and those of stats; heights follow from them alone.
    fn rows(&self) -> (usize, usize) {
        let (mut rows, mut stats, mut left) = (0, 0, 0);
        for block in self.blocks() {
            let Block::Panel(_, panel) = block else {
                stats += 1;
                left = 0;
                continue;
            };
            if left < panel.width {
                rows += 1;
                left = COLUMNS;
            }
            left -= panel.width.min(COLUMNS);
        }
        (rows, stats)
    }

    /// Gives an empty panel: script copies it for panels that appear while the page is open.
    fn blank(&self) -> PanelView {
        PanelView {
            id: String::new(),
            title: String::new(),
            unit: String::new(),
            width: 4,
            tall: false,
            body: PanelBody::Chart { legend: Vec::new(), total: None, rest: None, areas: false },
        }
    }
}

impl PanelView {
    /// Whether the legend stands at the side, from the top of the stack to its foot.
    fn has_side(&self) -> bool {
        self.tall && self.width >= 6
    }

    /// The class of its width and height in the grid.
    fn class(&self) -> String {
        let mut class = format!("w-{}", self.width);
        if self.tall {
            class.push_str(" tall");
        }
        if matches!(self.body, PanelBody::Bars(_) | PanelBody::Processes(_)) {
            class.push_str(" grow");
        }
        class
    }

    /// The number and unit parts of a stat; empty for other kinds.
    fn stat_parts(&self) -> &[StatPart] {
        match &self.body {
            PanelBody::Stat(parts) => parts,
            _ => &[],
        }
    }
}

impl BarView {
    /// Share in percent without decimals.
    fn percent(&self) -> String {
        format!("{}{NBSP}%", number(self.share * 100.0, Some(0)))
    }

    /// Length of the bar as an SVG attribute.
    fn length(&self) -> String {
        length(self.share)
    }
}

/// Writes a share as the length of a bar: an SVG attribute, because the policy of the page allows no styles in markup.
fn length(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    format!("{:.1}%", share * 100.0)
}

impl ProcessView {
    /// Length of the bar of `cpu`.
    fn cpu_length(&self) -> String {
        length(self.cpu_share)
    }

    /// Length of the bar of `memory`.
    fn memory_length(&self) -> String {
        length(self.memory_share)
    }
}
