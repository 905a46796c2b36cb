//! Documents of the product, whose commands are run as they are printed.

use std::fs;
use std::path::Path;

/// A path below the product's directory.
#[track_caller]
fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks for a shell between a heading of the second level and the next one.
///
/// # Panics
/// When the document has no such heading.
#[track_caller]
pub fn shell_blocks(path: &str, heading: &str) -> Vec<String> {
    let text = read(path);
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).expect("the section's heading");
    blocks(section.split("\n## ").next().unwrap_or_default())
}

/// All blocks for a shell of a document.
///
/// # Panics
/// When it has none.
#[track_caller]
pub fn all_shell_blocks(path: &str) -> Vec<String> {
    let blocks = blocks(&read(path));
    assert!(!blocks.is_empty(), "{path}: no commands");
    blocks
}

/// A block in a list is indented like the list.
fn blocks(text: &str) -> Vec<String> {
    let (mut blocks, mut indentation) = (Vec::new(), None);
    for line in text.lines() {
        match indentation {
            None => {
                indentation = line.strip_suffix("```sh").filter(|before| before.trim().is_empty());
                blocks.extend(indentation.map(|_| String::new()));
            }
            Some(_) if line.trim_start() == "```" => indentation = None,
            Some(before) => {
                if let Some(block) = blocks.last_mut() {
                    *block += line.strip_prefix(before).unwrap_or(line);
                    block.push('\n');
                }
            }
        }
    }
    blocks
}
