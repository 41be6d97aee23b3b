//! The words of the first screen. Words that script writes stand in `static/src/texts/`.

mod explore;
mod server;

use explore::ExploreTexts;
use server::ServerTexts;

/// The words of the first screen in one language.
#[derive(Debug)]
pub(crate) struct Texts {
    pub lang: &'static str,
    pub skip: &'static str,
    pub all_rooms: &'static str,
    pub rooms: &'static str,
    pub room: &'static str,
    pub find: &'static str,
    pub find_hint: &'static str,
    pub time: &'static str,
    pub range: &'static str,
    pub pause: &'static str,
    pub joining: &'static str,
    pub connection: &'static str,
    pub here: &'static str,
    pub theme: &'static str,
    pub keys: &'static str,
    pub close: &'static str,
    pub more: &'static str,
    pub fill: &'static str,
    pub time_line: &'static str,
    pub unread: &'static str,
    pub message: &'static str,
    pub send: &'static str,
    pub fold: &'static str,
    pub unfold: &'static str,
    pub of: &'static str,
    pub used: &'static str,
    pub in_legend: &'static str,
    pub pid: &'static str,
    pub process: &'static str,
    pub user: &'static str,
    pub cpu: &'static str,
    pub memory: &'static str,
    pub read: &'static str,
    pub write: &'static str,
    pub state: &'static str,
    pub push_title: &'static str,
    pub push_text: &'static str,
    pub push_waiting: &'static str,
    pub push_how: &'static str,
    pub push_text_how: &'static str,
    pub no_metrics: &'static str,
    pub one_metric: &'static str,
    pub many_metrics: &'static str,
    pub copy: &'static str,
    pub back: &'static str,
    pub letters: &'static str,
    pub main: &'static str,
    pub alerts: &'static str,
    pub skip_rules: &'static str,
    pub show: &'static str,
    pub rules: &'static str,
    pub rule: &'static str,
    pub day: &'static str,
    pub now: &'static str,
    pub changed: &'static str,
    pub goes_to: &'static str,
    pub all_rules: &'static str,
    pub runbook: &'static str,
    pub rule_text: &'static str,
    pub past: &'static str,
    pub silences: &'static str,
    pub loading: &'static str,
    pub sound: &'static str,
    pub sound_when: &'static str,
    /// Of the page of queries.
    pub explore: ExploreTexts,
    /// Of the page of the server.
    pub server: ServerTexts,
    pub key_groups: &'static [KeyGroup],
}

/// One group of the keys dialog: its heading, and what its keys do.
#[derive(Debug)]
pub(crate) struct KeyGroup {
    /// Heading.
    pub title: &'static str,
    /// What they do, and the keys.
    pub keys: &'static [(&'static str, &'static [&'static str])],
}

impl Texts {
    /// Says how many metrics there are.
    pub(crate) fn metrics(&self, count: usize) -> String {
        match count {
            0 => self.no_metrics.to_owned(),
            1 => self.one_metric.to_owned(),
            _ => format!("{count} {}", self.many_metrics),
        }
    }
}

/// English.
pub(crate) const EN: Texts = Texts {
    lang: "en",
    skip: "Skip to the panels",
    all_rooms: "watchroom, all rooms",
    rooms: "Rooms",
    room: "Room",
    find: "Find",
    find_hint: "A panel or a room",
    time: "Time",
    range: "Range",
    pause: "Pause",
    joining: "joining",
    connection: "Connection",
    here: "In this room",
    theme: "Theme",
    keys: "Keys",
    close: "Close",
    more: "more",
    fill: "Fill the screen",
    time_line: "Time line",
    unread: "new",
    message: "Message",
    send: "Send",
    fold: "Fold the room",
    unfold: "Open the room",
    of: "of",
    used: "used",
    in_legend: "The values are in the legend.",
    pid: "PID",
    process: "Process",
    user: "User",
    cpu: "CPU %",
    memory: "Memory",
    read: "Read/s",
    write: "Write/s",
    state: "State",
    push_title: "Nothing has been pushed yet",
    push_text: "Run this in any shell that reaches this host. The panel appears by itself.",
    push_waiting: "Waiting for the first sample",
    push_how: "How to push",
    push_text_how: "Run this in any shell that reaches this host. A panel appears in Pushed by itself.",
    no_metrics: "nothing yet",
    one_metric: "1 metric",
    many_metrics: "metrics",
    copy: "Copy",
    back: "All rooms",
    letters: "Letters are keys, but for fields",
    main: "Main",
    alerts: "Alerts",
    skip_rules: "Skip to the rules",
    show: "Show",
    rules: "Rules",
    rule: "Rule",
    day: "24\u{a0}h, limit dashed",
    now: "Now",
    changed: "Changed",
    goes_to: "Goes to",
    all_rules: "All rules",
    runbook: "Runbook",
    rule_text: "Text",
    past: "Past",
    silences: "Silences",
    loading: "loading",
    sound: "Sound",
    sound_when: "A tone for critical alerts",
    explore: explore::EN,
    server: server::EN,
    key_groups: &[
        KeyGroup {
            title: "Time",
            keys: &[
                ("Pause, go on", &["space"]),
                ("Shorter, longer range", &["[", "]"]),
                ("Back to live", &["Home"]),
                ("Crosshair by 1 s, by 10 s", &["←", "→", "⇧"]),
            ],
        },
        KeyGroup {
            title: "Pointer",
            keys: &[("Zoom", &["drag"]), ("Shift", &["⇧ drag"]), ("Back to live", &["double click"])],
        },
        KeyGroup {
            title: "Panels, rows",
            keys: &[("Next, previous", &["j", "k"]), ("Fill the screen", &["f"])],
        },
        KeyGroup { title: "Alerts", keys: &[("Next that fires", &["n"]), ("Ack, silence", &["a", "s"])] },
        KeyGroup {
            title: "Room",
            keys: &[("Comment at the crosshair", &["c"]), ("Write", &["m"]), ("Fold, unfold", &["r"])],
        },
        KeyGroup {
            title: "A query",
            keys: &[("Run", &["Enter"]), ("New line", &["⇧ Enter"]), ("Complete", &["Ctrl space"])],
        },
        KeyGroup {
            title: "Anywhere",
            keys: &[("Find", &["/"]), ("Explore", &["e"]), ("Close", &["Esc"]), ("These keys", &["?"])],
        },
    ],
};
