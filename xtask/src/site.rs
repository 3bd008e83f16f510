//! The documentation as a site.

use std::path::Path;

use crate::command::{exists, run, skipped};

/// Builds the site where mdbook is installed: in `target/book`, as `book.toml` says.
pub fn build(root: &Path) -> Result<(), String> {
    if !exists("mdbook") {
        skipped("site", "mdbook");
        return Ok(());
    }
    run("mdbook", &["build"])?;
    // mdBook leaves a page out that it cannot read, and says so among other lines.
    let page = root.join("target/book/index.html");
    match page.is_file() {
        true => Ok(()),
        false => Err(format!("mdbook wrote no {}", page.display())),
    }
}
