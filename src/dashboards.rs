//! What is drawn: dashboards from TOML files, and the one that pushed metrics make.

mod file;
pub mod folder;
pub mod pushed;

pub use file::parse;
pub use folder::Dashboards;
pub use pushed::Pushed;

use crate::query::Plan;

/// Dashboards of one node.
pub const DASHBOARDS_MAX: usize = 200;
/// Panels of one dashboard.
pub const PANELS_MAX: usize = 100;
/// Queries of one panel.
pub const QUERIES_MAX: usize = 12;

/// One dashboard; its room has the same id.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The file's name without its ending.
    pub id: String,
    /// The title.
    pub title: String,
    /// Its place among others.
    pub order: i64,
    /// The panels, in the order of the page.
    pub panels: Vec<Panel>,
}

/// The rooms that there are: one of each dashboard, and that of pushed metrics, which is always there.
pub fn rooms(dashboards: &[Dashboard]) -> Vec<String> {
    let own = dashboards.iter().map(|dashboard| dashboard.id.clone());
    own.chain([pushed::ID.to_owned()]).collect()
}

/// How a panel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Lines.
    Line,
    /// Areas on top of each other.
    Stack,
    /// Areas above and below zero.
    Mirror,
    /// One bar for each series.
    Bars,
    /// One number.
    Stat,
    /// Rows.
    Table,
    /// A strip for each series, darker where the value is higher.
    Heat,
}

impl Kind {
    /// Every kind, by its word.
    pub const ALL: [(&'static str, Self); 7] = [
        ("line", Self::Line),
        ("stack", Self::Stack),
        ("mirror", Self::Mirror),
        ("bars", Self::Bars),
        ("stat", Self::Stat),
        ("table", Self::Table),
        ("heat", Self::Heat),
    ];
}

/// One panel.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Unique on its dashboard.
    pub id: String,
    /// The title.
    pub title: String,
    /// The unit as shown; `{of}` stands for [`Panel::of`].
    pub unit: String,
    /// An expression of one number that the unit shows.
    pub of: Option<Expression>,
    /// How it is drawn.
    pub kind: Kind,
    /// Columns of twelve.
    pub width: u8,
    /// Whether it is taller than others.
    pub tall: bool,
    /// The foot of the scale, if it is fixed.
    pub min: Option<f64>,
    /// The top of the scale, if it is fixed.
    pub max: Option<f64>,
    /// Digits after the point.
    pub decimals: Option<u8>,
    /// Multiplies every value.
    pub scale: f64,
    /// The name of the legend's sum.
    pub total: Option<String>,
    /// A line at a limit.
    pub limit: Option<Limit>,
    /// The name of what is left to the limit.
    pub rest: Option<String>,
    /// Where a table's rows come from, if not from queries.
    pub source: Option<String>,
    /// What is said beside the title.
    pub more: Option<String>,
    /// What is said when no series matches.
    pub empty: Option<String>,
    /// What is drawn.
    pub queries: Vec<PanelQuery>,
}

/// A line at a limit.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Where.
    pub at: LimitAt,
    /// What it is.
    pub label: String,
}

/// Where a limit stands.
#[derive(Debug, Clone)]
pub enum LimitAt {
    /// At a number.
    Number(f64),
    /// At the value of an expression when the page is opened.
    Expression(Expression),
}

/// One query of a panel.
#[derive(Debug, Clone)]
pub struct PanelQuery {
    /// What is evaluated.
    pub expr: Expression,
    /// The series' names: a template over labels.
    pub legend: String,
    /// A colour of the palette, 1 to 8.
    pub color: Option<u8>,
    /// Whether a mirrored panel draws it downwards.
    pub negative: bool,
}

/// An expression that was parsed.
#[derive(Debug, Clone)]
pub struct Expression {
    /// As written.
    pub text: String,
    /// What it means; nothing where the text is wrong, which `check` has said.
    pub plan: Option<Plan>,
}
