//! Tables and their versions.

/// The steps from an empty file to this version; step `n` makes `user_version` n + 1.
///
/// A row of `chunk` is found by (series, `t_min`) and deleted by id, which is the order of sealing:
/// the file's pages fill one after the other, and retention frees them whole.
///
/// From version 3 on the bodies of `chunk`, `carried` and `pending` may have histograms. A program that does not know
/// them must not open such a file, as it would leave them out and write them away: this is all that the version does.
pub const MIGRATIONS: &[&str] = &[
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE series (id INTEGER PRIMARY KEY, labels BLOB NOT NULL) STRICT;
     CREATE TABLE chunk (
       id INTEGER PRIMARY KEY,
       series INTEGER NOT NULL,
       t_min INTEGER NOT NULL,
       span INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;
     CREATE INDEX chunk_by_series ON chunk (series, t_min, span);
     CREATE TABLE pending (id INTEGER PRIMARY KEY, t_max INTEGER NOT NULL, body BLOB NOT NULL) STRICT;",
    "CREATE TABLE carried (
       series INTEGER PRIMARY KEY,
       t_max INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;",
    "",
];
