//! A repository in either of the registries.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::{Answer, Request};

use crate::accept::Accept;

/// A repository of a running registry, whichever it is.
pub(crate) struct Remote {
    /// `http://127.0.0.1:<port>`
    registry: String,
    repository: String,
}

impl Remote {
    pub(crate) fn new(registry: &str, repository: &str) -> Self {
        Self { registry: registry.to_owned(), repository: repository.to_owned() }
    }

    fn request(&self, method: &str, rest: &str) -> Request {
        Request::new(method, &format!("{}/v2/{}/{rest}", self.registry, self.repository))
    }

    pub(crate) fn push_blob(&self, bytes: &[u8]) {
        let session = self.request("POST", "blobs/uploads/").send().expect(202);
        let location = session.expect_header("location");
        let joint = if location.contains('?') { '&' } else { '?' };
        let location = format!("{location}{joint}digest={}", sha256(bytes));
        let url = if location.starts_with('/') { format!("{}{location}", self.registry) } else { location };
        Request::new("PUT", &url).header("Content-Type", "application/octet-stream").body(bytes).send().expect(201);
    }

    pub(crate) fn put(&self, reference: &str, content_type: Option<&str>, manifest: &[u8]) -> Answer {
        let request = self.request("PUT", &format!("manifests/{reference}")).body(manifest);
        let typed = |content_type| request.clone().header("Content-Type", content_type);
        content_type.map_or_else(|| request.clone(), typed).send()
    }

    /// None when the registry crashes over it.
    pub(crate) fn pull(&self, method: &str, reference: &str, accept: &Accept) -> Option<Answer> {
        let lines = accept.header();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        self.request(method, &format!("manifests/{reference}")).accept(&lines).send_to_a_fragile_server()
    }

    /// The content of a blob; a redirect is followed.
    pub(crate) fn blob(&self, digest: &str) -> Vec<u8> {
        let answer = self.request("GET", &format!("blobs/{digest}")).send();
        match answer.status {
            307 => Request::new("GET", answer.expect_header("location")).send().expect(200).body,
            _ => answer.expect(200).body,
        }
    }
}
