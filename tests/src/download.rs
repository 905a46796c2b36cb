//! Blobs that are too large to be held in memory.

use crate::content::digest;
use crate::registry::Registry;

/// The digest and the length of what a client gets that asks for a blob and follows the redirect.
#[track_caller]
pub fn download(registry: &Registry, repository: &str, blob: &str) -> (String, Option<u64>) {
    let client = reqwest::blocking::Client::builder().timeout(None).build().expect("a client");
    let mut answer = client.get(registry.url(&format!("/v2/{repository}/blobs/{blob}"))).send().expect("an answer");
    assert_eq!(answer.status(), 200);
    let length = answer.content_length();
    (digest(&mut answer), length)
}
