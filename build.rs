//! Says what to run when the page has not been built yet: the binary carries it.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=static/dist");
    println!("cargo::rerun-if-changed=dashboards");
    println!("cargo::rerun-if-changed=templates");
    if !Path::new("static/dist/app.js").exists() {
        println!(
            "cargo::error=the page is not built yet: run `make page` first (or `make run`, which does both)"
        );
        std::process::exit(1);
    }
}
