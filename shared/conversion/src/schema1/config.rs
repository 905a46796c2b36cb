//! What schema 1 takes from an image config (image specification, "Image Configuration"; the same in Docker's formats).

use serde_json::value::RawValue;

use crate::json::{Node, Object};
use crate::{ParseError, Refusal};

/// How deep Go's encoding/json reads (`maxNestingDepth`), and so every client of schema 1.
const MAX_DEPTH: usize = 10_000;

/// An image config, as docker-registry's schema 1 builder reads it.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) architecture: String,
    /// When the image was made; None when the config doesn't say.
    pub(super) created: Option<String>,
    pub(super) diff_ids: usize,
    /// Windows: the layer below the first one, which lies in no registry.
    pub(super) base_layer: Option<String>,
    /// The oldest first.
    pub(super) history: Vec<Entry>,
    document: Object<'a>,
}

/// One step of the image's history.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// In Go's spelling.
    pub(super) created: Option<String>,
    pub(super) created_by: String,
    pub(super) author: String,
    pub(super) comment: String,
    pub(super) empty_layer: bool,
}

impl<'a> Config<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let invalid = |error: ParseError| match error {
            ParseError::NotJson(problem) => Refusal::Config(format!("is not JSON: {problem}")),
            other => Refusal::Config(format!("is malformed: {other}")),
        };
        let document = Node::document(bytes).and_then(|document| document.object()).map_err(invalid)?;
        if depth(bytes) > MAX_DEPTH {
            return Err(Refusal::Config(format!("is nested more than {MAX_DEPTH} levels deep")));
        }
        let rootfs = document.get("rootfs").map_err(invalid)?.ok_or(Refusal::NoRootfs)?;
        let read = || {
            let rootfs = rootfs.object()?;
            let history = document.read("history", Node::array)?.unwrap_or_default();
            Ok(Self {
                architecture: document.read("architecture", Node::string)?.unwrap_or_default(),
                created: document.read("created", created)?,
                diff_ids: rootfs.read("diff_ids", Node::array)?.map_or(0, |ids| ids.len()),
                base_layer: rootfs.read("base_layer", Node::string)?.filter(|layer| !layer.is_empty()),
                history: history.iter().map(entry).collect::<Result<_, _>>()?,
                document: document.clone(),
            })
        };
        read().map_err(invalid)
    }

    /// The top-level fields in their spelling.
    pub(super) fn fields(&self) -> &[(String, &'a RawValue)] {
        self.document.fields()
    }
}

/// How many arrays and objects stand in each other in a JSON document.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            b'"' if !escaped => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        escaped = *byte == b'\\' && !escaped;
        deepest = deepest.max(depth);
    }
    deepest
}

fn entry(node: &Node<'_>) -> Result<Entry, ParseError> {
    let entry = node.object()?;
    let text = |key| Ok(entry.read(key, Node::string)?.unwrap_or_default());
    Ok(Entry {
        created: entry.read("created", created)?,
        created_by: text("created_by")?,
        author: text("author")?,
        comment: text("comment")?,
        empty_layer: entry.read("empty_layer", Node::boolean)?.unwrap_or_default(),
    })
}

/// A time, in Go's spelling.
pub(super) fn created(node: &Node<'_>) -> Result<String, ParseError> {
    let text = node.string()?;
    super::time::in_go(&text).ok_or_else(|| node.error(format!("{text:?} is not a time (RFC 3339)")))
}
