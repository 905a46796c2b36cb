//! A repository as a client without any wishes of its own fills and reads it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::digest::sha256;
use crate::http::{Answer, Request};
use crate::registry::Registry;

/// Reading the layers of a small image takes milliseconds. This only keeps a registry that never ends from hanging the
/// run.
const CONVERSION_LIMIT: Duration = Duration::from_secs(60);

/// A repository of a running registry.
pub struct Repository<'a> {
    registry: &'a Registry,
    /// Its name.
    pub name: String,
}

impl<'a> Repository<'a> {
    /// The repository of that name, which needn't exist.
    pub fn new(registry: &'a Registry, name: &str) -> Self {
        Self { registry, name: name.to_owned() }
    }

    /// A request for what lies behind `/v2/<name>/`.
    pub fn request(&self, method: &str, rest: &str) -> Request {
        Request::new(method, &self.registry.url(&format!("/v2/{}/{rest}", self.name)))
    }

    /// A request for a `Location` that the registry gave, which has to be on the registry itself.
    #[track_caller]
    pub fn follow(&self, method: &str, location: &str) -> Request {
        assert!(location.starts_with('/'), "{location} doesn't stay on the host that the client came to");
        Request::new(method, &self.registry.url(location))
    }

    /// GET, without any `Accept`.
    #[track_caller]
    pub fn get(&self, rest: &str) -> Answer {
        self.request("GET", rest).send()
    }

    /// HEAD, without any `Accept`.
    #[track_caller]
    pub fn head(&self, rest: &str) -> Answer {
        self.request("HEAD", rest).send()
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, rest: &str) -> Answer {
        self.request("DELETE", rest).send()
    }

    /// GET of a manifest with these lines of `Accept`.
    #[track_caller]
    pub fn pull(&self, reference: &str, accept: &[&str]) -> Answer {
        self.request("GET", &format!("manifests/{reference}")).accept(accept).send()
    }

    /// The same for an image that was pushed as schema 1: its layers are read in the background, and as long as that takes
    /// the client is told to come back.
    #[track_caller]
    pub fn pull_converted(&self, reference: &str, accept: &[&str]) -> Answer {
        let asked = Instant::now();
        loop {
            let answer = self.pull(reference, accept);
            if answer.status != 503 {
                return answer;
            }
            let message = answer.expect_error(503, "UNAVAILABLE");
            assert!(message.contains("is being converted"), "{message}");
            assert_eq!(answer.expect_header("retry-after"), "5");
            assert!(asked.elapsed() < CONVERSION_LIMIT, "{} is never converted", answer.request);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Opens an upload session and returns its location.
    #[track_caller]
    pub fn start_upload(&self) -> String {
        let answer = self.request("POST", "blobs/uploads/").send().expect(202);
        answer.expect_header("location").to_owned()
    }

    /// Pushes a blob, as containerd does it, and returns its digest.
    #[track_caller]
    pub fn push_blob(&self, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        let location = format!("{}?digest={digest}", self.start_upload());
        self.follow("PUT", &location).body(bytes).send().expect(201);
        digest
    }

    /// The content of a blob, by way of the redirect.
    #[track_caller]
    pub fn blob(&self, digest: &str) -> Vec<u8> {
        let redirect = self.get(&format!("blobs/{digest}")).expect(307);
        Request::new("GET", redirect.expect_header("location")).send().expect(200).body
    }

    /// Whether a blob is there.
    #[track_caller]
    pub fn has_blob(&self, digest: &str) -> bool {
        self.registry.has_blob(&self.name, digest)
    }

    /// PUT of a manifest under a tag or digest.
    #[track_caller]
    pub fn put(&self, reference: &str, media_type: &str, manifest: &[u8]) -> Answer {
        self.request("PUT", &format!("manifests/{reference}")).header("Content-Type", media_type).body(manifest).send()
    }

    /// Stores a manifest and returns the digest that the registry gave it.
    #[track_caller]
    pub fn push(&self, reference: &str, media_type: &str, manifest: &[u8]) -> String {
        self.put(reference, media_type, manifest).expect(201).expect_header("docker-content-digest").to_owned()
    }

    /// Every tag.
    #[track_caller]
    pub fn tags(&self) -> Vec<String> {
        strings(&self.get("tags/list").expect(200).json()["tags"])
    }

    /// Whether the repository exists: the first manifest creates it.
    #[track_caller]
    pub fn exists(&self) -> bool {
        let catalog = Request::new("GET", &self.registry.url("/v2/_catalog")).send().expect(200).json();
        let exists = strings(&catalog["repositories"]).contains(&self.name);
        let tags = self.get("tags/list");
        assert_eq!(tags.status == 200, exists, "tags of {}: {}, but the catalog has {catalog}", self.name, tags.status);
        exists
    }
}

/// A JSON array of strings.
#[track_caller]
pub fn strings(array: &Value) -> Vec<String> {
    let strings = array.as_array().unwrap_or_else(|| panic!("not an array: {array}"));
    strings
        .iter()
        .map(|string| string.as_str().unwrap_or_else(|| panic!("not a string: {string}")).to_owned())
        .collect()
}
