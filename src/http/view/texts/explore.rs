//! The words of the first screen of the page of queries.

/// The words of the page of queries in one language.
#[derive(Debug)]
pub(crate) struct ExploreTexts {
    pub title: &'static str,
    pub skip: &'static str,
    pub needs_script: &'static str,
    pub queries: &'static str,
    pub add: &'static str,
    pub run: &'static str,
    pub make_panel: &'static str,
    pub copy_link: &'static str,
    pub metrics: &'static str,
    pub results: &'static str,
    pub graph: &'static str,
    pub table: &'static str,
    pub step: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub show: &'static str,
    pub stretch: &'static str,
    pub search_metrics: &'static str,
    pub filter: &'static str,
    pub label_columns: &'static str,
    pub copy_csv: &'static str,
}

/// English.
pub(super) const EN: ExploreTexts = ExploreTexts {
    title: "Explore",
    skip: "Skip to the result",
    needs_script: "This page is written by script: allow it for this address.",
    queries: "Queries",
    add: "Add query",
    run: "Run",
    make_panel: "Make a panel",
    copy_link: "Copy link",
    metrics: "Metrics",
    results: "Result",
    graph: "Graph",
    table: "Table",
    step: "Step",
    from: "From",
    to: "To",
    show: "Show",
    stretch: "From, to",
    search_metrics: "Part of a metric’s name",
    filter: "Part of a row",
    label_columns: "A column for each label",
    copy_csv: "Copy as CSV",
};
