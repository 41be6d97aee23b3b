//! The dashboards of a folder, or those that are built in.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rust_embed::RustEmbed;

use super::{DASHBOARDS_MAX, Dashboard, file, pushed};
use crate::document::{self, Problems};

/// The dashboards that come with the program; a file of the same name in the folder takes their place.
#[derive(Debug, RustEmbed)]
#[folder = "dashboards/"]
#[include = "*.toml"]
struct BuiltIn;

/// Every dashboard, replaced whole when a file changes. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub struct Dashboards(Arc<RwLock<Arc<Vec<Dashboard>>>>);

/// Why a folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Files that are wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] document::FileError),
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
    pub fn replace(&self, dashboards: Vec<Dashboard>) -> Vec<String> {
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
    /// [`FolderError`]; problems of all files together.
    pub fn read(&self) -> Result<Vec<Dashboard>, FolderError> {
        let mut dashboards = Vec::new();
        let mut problems = Problems::default();
        let mut take = |name: &str, text: &str| {
            let id = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".toml").to_owned();
            match file::parse(name, &id, text, &self.instance) {
                Ok(dashboard) => {
                    dashboards.retain(|other: &Dashboard| other.id != dashboard.id);
                    dashboards.push(dashboard);
                }
                Err(found) => problems.0.extend(found.0),
            }
        };
        for name in BuiltIn::iter() {
            if let Some(file) = BuiltIn::get(&name)
                && !self.path.join(&*name).exists()
            {
                take(&name, &String::from_utf8_lossy(&file.data));
            }
        }
        for path in files(&self.path)? {
            if let Some(text) = document::text(&path)? {
                take(&path.to_string_lossy(), &text);
            }
        }
        if !problems.0.is_empty() {
            return Err(problems.into());
        }
        if DASHBOARDS_MAX < dashboards.len() {
            return Err(FolderError::TooMany(dashboards.len()));
        }
        dashboards.sort_by(|a, b| (a.order, &a.title).cmp(&(b.order, &b.title)));
        Ok(dashboards)
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

    #[test]
    fn the_built_in_dashboards_are_right() {
        let dashboards = Folder { path: "/nonexistent".into(), instance: "box".into() }
            .read()
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(dashboards.iter().any(|dashboard| dashboard.id == "host"), "{dashboards:?}");
    }

    #[test]
    fn a_file_takes_the_place_of_a_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let text = "title = 'Mine'\n[[panel]]\nid = 'a'\ntitle = 'A'\n[[panel.query]]\nexpr = 'up'\n";
        std::fs::write(folder.path().join("host.toml"), text).unwrap();
        let dashboards = Folder { path: folder.path().into(), instance: "box".into() }.read().unwrap();
        let mine: Vec<_> = dashboards.iter().filter(|dashboard| dashboard.id == "host").collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0].title, "Mine");
    }
}
