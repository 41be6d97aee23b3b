//! Tables, their versions, and the epochs of a file.

use rusqlite::Connection;

/// The steps from an empty file to this version; step `n` makes `user_version` n + 1.
///
/// An event's row number rises with each commit, over all streams: retention takes the oldest from the front.
pub(super) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO meta VALUES ('generation', random());
     CREATE TABLE stream (
       id INTEGER PRIMARY KEY,
       channel TEXT NOT NULL UNIQUE,
       epoch TEXT NOT NULL,
       newest INTEGER NOT NULL,
       events INTEGER NOT NULL,
       bytes INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE event (
       id INTEGER PRIMARY KEY,
       stream INTEGER NOT NULL,
       place INTEGER NOT NULL,
       at INTEGER NOT NULL,
       info TEXT,
       data TEXT NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX event_by_place ON event (stream, place);
     CREATE TABLE author_key (
       stream INTEGER NOT NULL,
       key TEXT NOT NULL,
       place INTEGER NOT NULL,
       at INTEGER NOT NULL,
       PRIMARY KEY (stream, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX author_key_by_age ON author_key (at);
     CREATE TABLE record (
       kind TEXT NOT NULL,
       key TEXT NOT NULL,
       value TEXT NOT NULL,
       expires INTEGER,
       PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX record_by_end ON record (expires) WHERE expires IS NOT NULL;
     CREATE TABLE local (
       kind TEXT NOT NULL,
       key TEXT NOT NULL,
       value TEXT NOT NULL,
       PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;",
    // Our own channels got names that no namespace of a user can have.
    "UPDATE stream SET channel = '@' || channel WHERE channel NOT LIKE '@%'",
];

/// The random number that the file got when it was made: epochs of its streams derive from it.
///
/// # Errors
///
/// When the file fails.
pub(super) fn generation(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE name = 'generation'", [], |row| row.get(0))
}

/// The epoch that a channel's stream has in a file.
pub(super) fn epoch(generation: i64, channel: &str) -> String {
    let seed = u64::from_ne_bytes(generation.to_ne_bytes());
    format!("{:08x}", xxhash_rust::xxh3::xxh3_64_with_seed(channel.as_bytes(), seed) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite;

    #[test]
    fn streams_of_an_older_file_get_their_new_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.sqlite");
        let older = sqlite::open(&path, &MIGRATIONS[..1]).unwrap();
        older.execute("INSERT INTO stream VALUES (1, 'room:host', 'e', 7, 7, 70)", []).unwrap();
        drop(older);
        let newer = sqlite::open(&path, MIGRATIONS).unwrap();
        let row = newer.query_row("SELECT channel, epoch, newest FROM stream", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        });
        assert_eq!(row.unwrap(), ("@room:host".to_owned(), "e".to_owned(), 7));
    }
}
