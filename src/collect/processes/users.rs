//! Users' names by number.

use std::{fs, time::SystemTime};

use rustc_hash::FxHashMap;

/// Where names stand. Users of a directory service (LDAP) are not in it and are shown by number:
/// asking the service could hang the collector.
const PASSWD: &str = "/etc/passwd";

/// The names of `/etc/passwd`, read again when it changed.
#[derive(Debug, Default)]
pub struct Users {
    changed: Option<SystemTime>,
    names: FxHashMap<u32, String>,
}

impl Users {
    /// Reads the names again when the file changed.
    pub fn refresh(&mut self) {
        let changed = fs::metadata(PASSWD).and_then(|meta| meta.modified()).ok();
        if changed != self.changed || self.names.is_empty() {
            self.changed = changed;
            self.names = parse(&fs::read_to_string(PASSWD).unwrap_or_default());
        }
    }

    /// The name of a user, or its number.
    pub fn name(&self, uid: u32) -> String {
        self.names.get(&uid).cloned().unwrap_or_else(|| uid.to_string())
    }
}

/// `root:x:0:0:root:/root:/bin/bash` a line; of two names the first counts.
fn parse(text: &str) -> FxHashMap<u32, String> {
    let mut names = FxHashMap::default();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(Ok(uid))) = (fields.next(), fields.nth(1).map(str::parse)) {
            names.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number() {
        let users = Users { changed: None, names: parse("root:x:0:0::/:/bin/sh\ntoor:x:0:0\nodd\na:x:7\n") };
        assert_eq!(users.name(0), "root");
        assert_eq!(users.name(7), "a");
        assert_eq!(users.name(9), "9");
    }
}
