//! Builds the library that makes a disk slow and full.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Builds it into `folder`, for a child's `LD_PRELOAD`; `slowdisk.c` says what it listens to.
pub(crate) fn build(folder: &Path) -> PathBuf {
    let library = folder.join("slowdisk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/slowdisk.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .expect("a C compiler");
    assert!(built.success());
    library
}
