//! The dashboards of a folder, or those that are built in.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rust_embed::RustEmbed;

use super::{DASHBOARDS_MAX, Dashboard, file, pushed};
use crate::document::{self, FileError, Problems};

/// Bytes of a dashboard's id.
const ID_BYTES_MAX: usize = 64;

/// The dashboards that come with the program; a file of the same name in the folder takes their place.
#[derive(Debug, RustEmbed)]
#[folder = "dashboards/"]
#[include = "*.toml"]
struct BuiltIn;

/// Every dashboard, replaced whole when a file changes. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub struct Dashboards(Arc<RwLock<Arc<Vec<Dashboard>>>>);

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Reading {
    /// Those that are right.
    pub dashboards: Vec<Dashboard>,
    /// Files that are wrong.
    pub wrong: Vec<Wrong>,
}

/// A file that is no dashboard.
#[derive(Debug)]
pub struct Wrong {
    /// The dashboard that it would be.
    pub id: String,
    /// What is wrong.
    pub error: WrongFile,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum WrongFile {
    /// What it says.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The file itself.
    #[error(transparent)]
    File(#[from] document::FileError),
}

/// Why a folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder itself.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Past [`DASHBOARDS_MAX`].
    #[error("{0} dashboards, at most {DASHBOARDS_MAX}")]
    TooMany(usize),
}

impl Dashboards {
    /// All of them, in their order.
    pub fn all(&self) -> Arc<Vec<Dashboard>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there is one of this id; that of pushed metrics is always there.
    pub fn has(&self, id: &str) -> bool {
        id == pushed::ID || self.all().iter().any(|dashboard| dashboard.id == id)
    }

    /// Puts others in their place; returns the ids of those that differ.
    pub fn replace(&self, mut dashboards: Vec<Dashboard>) -> Vec<String> {
        dashboards.sort_by(|a, b| (a.order, &a.title).cmp(&(b.order, &b.title)));
        let text = |dashboard: &Dashboard| format!("{dashboard:?}");
        let old = self.all();
        let same = |new: &&Dashboard| old.iter().any(|old| old.id == new.id && text(old) == text(new));
        let changed = dashboards.iter().filter(|new| !same(new)).map(|new| new.id.clone()).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(dashboards);
        changed
    }
}

/// Where dashboards are read from.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The folder, which need not exist.
    pub path: PathBuf,
    /// The machine that the dashboards are about.
    pub instance: String,
}

impl Folder {
    /// Reads the built-in dashboards and those of the folder.
    ///
    /// # Errors
    ///
    /// [`FolderError`]; what is wrong with single files is in the [`Reading`].
    pub fn read(&self) -> Result<Reading, FolderError> {
        let mut reading = Reading::default();
        for name in BuiltIn::iter() {
            if let Some(file) = BuiltIn::get(&name)
                && !self.path.join(&*name).exists()
            {
                let text = String::from_utf8_lossy(&file.data);
                let id = name.trim_end_matches(".toml");
                reading.take(id, file::parse(&name, id, &text, &self.instance).map_err(Into::into));
            }
        }
        for path in files(&self.path)? {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match self.file(&path, &id) {
                Ok(None) => {}
                Ok(Some(dashboard)) => reading.take(&id, Ok(dashboard)),
                Err(error) => reading.take(&id, Err(error)),
            }
        }
        if DASHBOARDS_MAX < reading.dashboards.len() {
            return Err(FolderError::TooMany(reading.dashboards.len()));
        }
        Ok(reading)
    }

    fn file(&self, path: &Path, id: &str) -> Result<Option<Dashboard>, WrongFile> {
        let name = |why| FileError::Name { path: path.to_owned(), why };
        if id == pushed::ID {
            return Err(name("the room `pushed` is that of pushed metrics; choose another name").into());
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.is_empty() || ID_BYTES_MAX < id.len() || !id.chars().all(is_plain) {
            let why = "the name is the room's id: at most 64 letters, digits, `-` and `_`";
            return Err(name(why).into());
        }
        let Some(text) = document::text(path)? else { return Ok(None) };
        Ok(Some(file::parse(&path.to_string_lossy(), id, &text, &self.instance)?))
    }
}

impl Reading {
    fn take(&mut self, id: &str, read: Result<Dashboard, WrongFile>) {
        match read {
            Ok(dashboard) => self.dashboards.push(dashboard),
            Err(error) => self.wrong.push(Wrong { id: id.to_owned(), error }),
        }
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |source| FolderError::Folder { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Reading {
        Folder { path: path.to_owned(), instance: "box".to_owned() }.read().unwrap()
    }

    const MINE: &str = "title = 'Mine'\n[[panel]]\nid = 'a'\ntitle = 'A'\n[[panel.query]]\nexpr = 'up'\n";

    #[test]
    fn the_built_in_dashboards_are_right() {
        let reading = read(Path::new("/nonexistent"));
        assert!(reading.wrong.is_empty(), "{:?}", reading.wrong);
        assert!(reading.dashboards.iter().any(|dashboard| dashboard.id == "host"), "{reading:?}");
    }

    #[test]
    fn a_file_takes_the_place_of_a_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host.toml"), MINE).unwrap();
        let reading = read(folder.path());
        let mine: Vec<_> = reading.dashboards.iter().filter(|dashboard| dashboard.id == "host").collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0].title, "Mine");
    }

    #[test]
    fn a_wrong_file_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("good.toml", MINE.as_bytes()),
            ("bytes.toml", b"\xff"),
            ("wrong.toml", b"titel = 'T'\n"),
            ("pushed.toml", MINE.as_bytes()),
            ("a b.toml", MINE.as_bytes()),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let reading = read(folder.path());
        assert!(reading.dashboards.iter().any(|dashboard| dashboard.id == "good"));
        let wrong: Vec<_> = reading.wrong.iter().map(|wrong| wrong.id.as_str()).collect();
        assert_eq!(wrong, ["a b", "bytes", "pushed", "wrong"]);
    }
}
