//! A registry whose stores fail when they are told to.

use std::time::Duration;

use local::faults::Faults;
use local::{Data, FunctionsMode, Options, Stack};
use protocol::Digest;
use serde_json::json;

use crate::http::{Answer, Request};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Very long for a part of 8 MiB, and short for somebody who waits for nothing.
const S3_ATTEMPT: Duration = Duration::from_secs(8);

pub(crate) struct Registry {
    pub(crate) stack: Stack,
    pub(crate) faults: Faults,
}

impl Registry {
    /// One whose client of S3 loses patience sooner.
    pub(crate) async fn start() -> Self {
        Self::with(Faults::default().with_s3_attempt_timeout(S3_ATTEMPT), true).await
    }

    pub(crate) async fn with(faults: Faults, front: bool) -> Self {
        let options = Options {
            port: 0,
            data: Data::Memory,
            front,
            functions: FunctionsMode::InProcess,
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            login: None,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: Some(faults.clone()),
        };
        Self { stack: Stack::start(options).await.unwrap(), faults }
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        request.send(self.stack.address()).await
    }

    pub(crate) async fn get(&self, path: impl Into<String>) -> Answer {
        self.send(&Request::new("GET", path)).await
    }

    pub(crate) async fn push_blob(&self, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::sha256(blob);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.send(&Request::new("POST", path).body(blob)).await.expect(201);
        digest
    }

    pub(crate) async fn start_upload(&self, repository: &str) -> String {
        let opened = self.send(&Request::new("POST", format!("/v2/{repository}/blobs/uploads/"))).await.expect(202);
        opened.expect_header("location").to_owned()
    }

    /// The bytes of a blob, by way of the redirect; None when it isn't there.
    pub(crate) async fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        let found = self.get(format!("/v2/{repository}/blobs/{digest}")).await;
        if found.status == 404 {
            return None;
        }
        let found = found.expect(307);
        let bytes = Request::new("GET", found.expect_header("location")).send_to_its_host().await;
        Some(bytes.expect(200).body)
    }
}

/// An image: its manifest and the blobs that it names.
pub(crate) struct Image {
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) blobs: Vec<Vec<u8>>,
}

impl Image {
    /// One that shares nothing with an image of another name. `padding` makes its manifest longer.
    pub(crate) fn new(name: &str, padding: usize, subject: Option<&Self>) -> Self {
        let blobs = vec![format!("{{\"name\":\"{name}\"}}").into_bytes(), format!("layer of {name}").into_bytes()];
        let descriptor = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": Digest::sha256(bytes), "size": bytes.len()});
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &blobs[0]),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &blobs[1])],
            "annotations": {"padding": "x".repeat(padding)},
        });
        if let Some(subject) = subject {
            manifest["subject"] = descriptor(MANIFEST, &subject.manifest);
        }
        let manifest = manifest.to_string().into_bytes();
        Self { digest: Digest::sha256(&manifest), manifest, blobs }
    }

    pub(crate) async fn push_blobs(&self, registry: &Registry, repository: &str) {
        for blob in &self.blobs {
            registry.push_blob(repository, blob).await;
        }
    }

    /// PUT of the manifest alone.
    pub(crate) fn put(&self, repository: &str, reference: &str) -> Request {
        let put = Request::new("PUT", format!("/v2/{repository}/manifests/{reference}"));
        put.header("Content-Type", MANIFEST).body(&self.manifest)
    }

    pub(crate) async fn push(&self, registry: &Registry, repository: &str, reference: &str) {
        self.push_blobs(registry, repository).await;
        registry.send(&self.put(repository, reference)).await.expect(201);
    }
}

/// Bytes that nothing of another name has.
pub(crate) fn content(name: &str, length: usize) -> Vec<u8> {
    let digest = Digest::sha256(name.as_bytes());
    let mut bytes = digest.encoded().as_bytes().repeat(length.div_ceil(64));
    bytes.truncate(length);
    for (number, piece) in (0_u32..).zip(bytes.chunks_mut(1 << 16)) {
        piece.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, digit)| *byte = digit);
    }
    bytes
}
