//! Stored schema 1 for clients that read newer formats. docker-registry has no such conversion.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Answer;
use serde_json::Value;

use crate::image::Format;
use crate::remote::Remote;
use crate::schema1::{Schema1, payload};

/// Whether an answer is the image that the stored schema 1 was made of, in this format.
pub(crate) fn check_upgraded(ours: &Answer, format: Format, stored: &Schema1, remote: &Remote) -> Result<(), String> {
    let right = |what: &str, right: bool| if right { Ok(()) } else { Err(format!("{}: {what}", format.media_type())) };
    let is = (ours.status, ours.header("content-type"));
    right("status and type", is == (200, Some(format.media_type())))?;
    right("digest", ours.header("docker-content-digest") == Some(&sha256(&ours.body)))?;
    let stored_digest = sha256(&payload(&stored.manifest));
    right("stored digest", ours.header("x-registry-stored-digest") == Some(&stored_digest))?;

    let manifest = value(&ours.body)?;
    let layers = manifest["layers"].as_array().ok_or("no layers")?;
    let digests: Vec<_> = layers.iter().filter_map(|layer| layer["digest"].as_str()).collect();
    let origin: Vec<_> = stored.origin.layers.iter().map(|layer| layer.content.digest.as_str()).collect();
    right("layers", digests == origin)?;
    let sizes = layers.iter().map(|layer| layer["size"].as_u64());
    right("sizes", sizes.eq(stored.origin.layers.iter().map(|layer| Some(layer.content.bytes.len() as u64))))?;

    let config = &manifest["config"];
    right("type of the config", config["mediaType"] == format.config_type())?;
    let bytes = remote.blob(config["digest"].as_str().ok_or("no config")?);
    right("size of the config", config["size"] == bytes.len())?;
    right("digest of the config", config["digest"] == sha256(&bytes).as_str())?;
    let config = value(&bytes)?;
    let diff_ids: Vec<_> = stored.origin.layers.iter().map(|layer| layer.content.diff_id.as_str()).collect();
    right("diff_ids", config["rootfs"]["diff_ids"] == Value::from(diff_ids))?;
    let history = config["history"].as_array().ok_or("no history")?;
    let old = value(&stored.manifest)?;
    right("length of the history", Some(history.len()) == old["history"].as_array().map(Vec::len))?;
    let with_a_layer = history.iter().filter(|entry| entry["empty_layer"] != true).count();
    right("history entries with a layer", with_a_layer == layers.len())?;
    right("architecture", config["architecture"] == old["architecture"])
}

/// The corpus has a number that serde_json has no type for.
fn value(json: &[u8]) -> Result<Value, String> {
    let json = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    serde_json::from_str(&json.replace("1e400", "1")).map_err(|error| error.to_string())
}
