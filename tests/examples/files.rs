//! The files of the examples.

use std::fs;
use std::path::{Path, PathBuf};

/// A path in infra/examples.
pub(crate) fn example(path: &str) -> PathBuf {
    repository("infra/examples").join(path)
}

/// A path in this repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The text of a file.
#[track_caller]
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything below infra/examples that has this extension.
#[track_caller]
pub(crate) fn with_extension(extension: &str) -> Vec<PathBuf> {
    let (mut found, mut directories) = (Vec::new(), vec![example("")]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the examples") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => directories.push(path),
                false if path.extension().is_some_and(|found| found == extension) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The one block among these with this word.
#[track_caller]
pub(crate) fn block_with<'a>(blocks: &'a [String], word: &str) -> &'a str {
    let mut found = blocks.iter().filter(|block| block.contains(word));
    let block = found.next().unwrap_or_else(|| panic!("no block with {word:?}: {blocks:?}"));
    assert!(found.next().is_none(), "several blocks with {word:?}");
    block
}
