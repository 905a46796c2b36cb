//! What schema 1 tells of an image: the history in its `v1Compatibility` strings (image specification of Docker 1.0,
//! "Image JSON Description").

use protocol::Digest;

use super::config::{Entry, created};
use crate::json::{Node, Object};
use crate::{Manifest, ParseError, Refusal};

/// The history of a schema 1 manifest.
pub(super) struct History {
    /// As the manifest says it, not its history.
    pub(super) architecture: String,
    /// The newest entry's `v1Compatibility`, a JSON object: the config of its time.
    pub(super) newest: String,
    /// The newest first.
    pub(super) steps: Vec<Step>,
}

/// A step of the history and the blob that it came with.
pub(super) struct Step {
    pub(super) blob: Digest,
    pub(super) entry: Entry,
}

impl History {
    /// Reads the history of a manifest that was let in.
    pub(super) fn of(source: &Manifest) -> Result<Self, Refusal> {
        let payload = source.schema1_payload().unwrap_or_default();
        let document = Node::document(payload).and_then(|document| document.object()).map_err(Refusal::Result)?;
        let (blobs, texts) = read(&document).map_err(Refusal::Result)?;
        let step = |(index, (blob, text)): (usize, (Digest, &String))| match entry(text) {
            Ok(entry) => Ok(Step { blob, entry }),
            Err(error) => Err(Refusal::Compatibility { entry: index, problem: error.to_string() }),
        };
        Ok(Self {
            architecture: document.read("architecture", Node::string).map_err(Refusal::Result)?.unwrap_or_default(),
            steps: blobs.into_iter().zip(&texts).enumerate().map(step).collect::<Result<_, _>>()?,
            newest: texts.into_iter().next().ok_or(Refusal::NoHistory)?,
        })
    }

    /// When the image was made, in Go's spelling; None when it doesn't say.
    pub(super) fn created(&self) -> Option<&str> {
        self.steps.first()?.entry.created.as_deref()
    }

    /// The blobs that hold files, the oldest first. What was thrown away holds none (`throwaway`; schema 1 has a blob for
    /// every entry, so these name that of an empty archive).
    pub(super) fn layers(&self) -> impl Iterator<Item = &Digest> {
        self.steps.iter().rev().filter(|step| !step.entry.empty_layer).map(|step| &step.blob)
    }
}

/// Blobs and `v1Compatibility` of the manifest, the newest first.
fn read(manifest: &Object<'_>) -> Result<(Vec<Digest>, Vec<String>), ParseError> {
    let blobs = manifest.require_array("fsLayers")?;
    let history = manifest.require_array("history")?;
    let blob = |node: &Node<'_>| node.object()?.require("blobSum")?.digest();
    let text = |node: &Node<'_>| node.object()?.require("v1Compatibility")?.string();
    Ok((blobs.iter().map(blob).collect::<Result<_, _>>()?, history.iter().map(text).collect::<Result<_, _>>()?))
}

/// What a `v1Compatibility` says about its step.
fn entry(text: &str) -> Result<Entry, ParseError> {
    let compatibility = Node::document(text.as_bytes())?.object()?;
    let text = |key| Ok(compatibility.read(key, Node::string)?.unwrap_or_default());
    Ok(Entry {
        created: compatibility.read("created", created)?,
        created_by: compatibility.read("container_config", command)?.unwrap_or_default(),
        author: text("author")?,
        comment: text("comment")?,
        empty_layer: compatibility.read("throwaway", Node::boolean)?.unwrap_or_default(),
    })
}

/// The command that made the step, as Docker shows it: its words with spaces between them.
fn command(container_config: &Node<'_>) -> Result<String, ParseError> {
    let words = container_config.object()?.read("Cmd", Node::strings)?;
    Ok(words.unwrap_or_default().join(" "))
}
