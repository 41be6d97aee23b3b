//! `[channel]`: how channels are written, and their namespaces.

use std::collections::BTreeSet;

use crate::document::{Placed, Table, nearest};
use crate::hub::channel::{DataFormat, Namespace, Rules, SubscriptionType};
use crate::hub::options::Syntax;

use super::rules::{Defaults, FORMATS, Prefix, rules};
use super::value::{choice, count_to, lacking, seconds, text_or};

/// Namespaces that a configuration may have: each subscription looks through them.
const NAMESPACES_MAX: usize = 1_000;
/// Characters that a namespace's name must have, as in Centrifugo.
const NAME_CHARS_MIN: usize = 2;
/// Bytes that a channel's name may be allowed.
const CHANNEL_BYTES_MAX: i64 = 4_096;

/// What the section says.
#[derive(Debug, Default)]
pub(super) struct Channels {
    pub(super) syntax: Syntax,
    pub(super) without: Option<Rules>,
    pub(super) namespaces: Vec<Namespace>,
}

/// Whose file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// watchroom.toml.
    Ours,
    /// A file of Centrifugo.
    Centrifugos,
}

impl File {
    /// What holds without a namespace where nothing is said of it: Centrifugo has such channels all the same, and nothing
    /// is allowed there.
    fn without(self) -> Option<Rules> {
        match self {
            Self::Ours => None,
            Self::Centrifugos => Some(Rules::default()),
        }
    }
}

/// Reads the section.
pub(super) fn channel(table: &mut Table<'_>, file: File) -> Channels {
    let default = Syntax::default();
    let syntax = Syntax {
        max_length: count_to(table, "max_length", CHANNEL_BYTES_MAX).unwrap_or(default.max_length),
        private_prefix: text_or(table, "private_prefix", &default.private_prefix),
        namespace_boundary: text_or(table, "namespace_boundary", &default.namespace_boundary),
        user_boundary: text_or(table, "user_boundary", &default.user_boundary),
        user_separator: text_or(table, "user_separator", &default.user_separator),
    };
    let place = table.place("history_meta_ttl");
    let mut defaults = Defaults {
        history_meta_ttl: seconds(table, "history_meta_ttl").map(|read| read.value),
        data_format: choice(table, "publication_data_format", FORMATS).unwrap_or(DataFormat::Some),
        prefixes: Vec::new(),
    };
    if let (Some(_), Some(place)) = (defaults.history_meta_ttl, place) {
        let what =
            "`channel.history_meta_ttl` is only checked: an epoch lives as long as its channel's history";
        table.reader().warn(&place, what);
    }
    lacking(table, &["proxy"]);
    let without = table.table("without_namespace", |table| rules(table, &mut defaults));
    let without = without.or_else(|| file.without());
    let mut seen = BTreeSet::new();
    let namespaces = table.tables("namespaces", |table| {
        let name = name(table);
        if !name.value.is_empty() && !seen.insert(name.value.clone()) {
            table.reader().wrong(name.span, format!("there are two namespaces `{}`", name.value));
        }
        Namespace { name: name.value, rules: rules(table, &mut defaults) }
    });
    if NAMESPACES_MAX < namespaces.len() {
        let message = format!("{} namespaces, at most {NAMESPACES_MAX}", namespaces.len());
        let start = table.start();
        table.reader().wrong(start, message);
    }
    let channels = Channels { syntax, without, namespaces };
    for prefix in defaults.prefixes {
        channels.check_prefix(table, prefix);
    }
    channels
}

fn name(table: &mut Table<'_>) -> Placed<String> {
    let has = table.has("name");
    let name = table.need_text("name");
    let letters = name.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let span = name.span.clone();
    if !letters {
        table.reader().wrong(span, "a namespace's name has letters, digits, `-`, `_` and `.` only");
    } else if has && name.value.chars().count() < NAME_CHARS_MIN {
        table.reader().wrong(span, format!("a namespace's name has at least {NAME_CHARS_MIN} characters"));
    }
    name
}

impl Channels {
    /// What a file without the section means.
    pub(super) fn absent(file: File) -> Self {
        Self { without: file.without(), ..Self::default() }
    }

    /// What holds in a namespace; of channels without one, if the name is empty.
    pub(super) fn rules(&self, name: &str) -> Option<&Rules> {
        if name.is_empty() {
            return self.without.as_ref();
        }
        self.namespaces.iter().find(|namespace| namespace.name == name).map(|namespace| &namespace.rules)
    }

    /// Notes that a namespace is named that is not there.
    pub(super) fn unknown(&self, table: &mut Table<'_>, name: &Placed<String>) {
        let known: Vec<&str> = self.namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
        let message = if name.value.is_empty() {
            "channels without a namespace have no rules".to_owned()
        } else {
            format!("there is no namespace `{}`", name.value)
        };
        match nearest(&name.value, &known) {
            Some(near) => {
                table.reader().wrong_with(name.span.clone(), message, format!("did you mean `{near}`?"));
            }
            None => table.reader().wrong(name.span.clone(), message),
        }
    }

    /// Presence goes into maps of the right kind.
    fn check_prefix(&self, table: &mut Table<'_>, prefix: Prefix) {
        let Prefix { key, expected, text } = prefix;
        let name = text.value.split_once(&self.syntax.namespace_boundary).map_or("", |(name, _)| name);
        let name = Placed { value: name.to_owned(), span: text.span };
        match self.rules(&name.value) {
            Some(rules) if rules.subscription_type == expected => {}
            Some(_) => {
                let kind = if expected == SubscriptionType::MapUsers { "map_users" } else { "map_clients" };
                let message = format!("`{key}` must lead into a namespace of the type `{kind}`");
                table.reader().wrong(name.span, message);
            }
            None => self.unknown(table, &name),
        }
    }
}
