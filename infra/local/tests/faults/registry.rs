//! A registry whose stores fail when they are told to.

use std::net::SocketAddr;
use std::time::Duration;

use local::faults::{Faults, Service};
use local::{Data, FunctionsMode, Options, Stack};
use protocol::Digest;
use serde_json::json;
use storage::{Credentials, Policy, Storage};

use crate::http::{Answer, Request};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Very long for a part of 8 MiB, and short for somebody who waits for nothing.
const S3_ATTEMPT: Duration = Duration::from_secs(8);

pub(crate) struct Registry {
    pub(crate) stack: Stack,
    pub(crate) faults: Faults,
    /// Past the faults.
    pub(crate) storage: Storage,
}

/// How often a scrub begins anew when the stores didn't answer in time; it only keeps a test from waiting for ever.
const PATIENCE: usize = 20;

const POLICY: Policy = Policy { create_on_push: true, sparse_manifests: false };

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
            policy: POLICY,
            login: None,
            collection: None,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: Some(faults.clone()),
        };
        let stack = Stack::start(options).await.unwrap();
        let [dynamodb, s3] = [Service::DynamoDb, Service::S3].map(|service| faults.behind(service).unwrap());
        Self { stack, storage: Self::storage(dynamodb, s3), faults }
    }

    /// One over stores at these addresses.
    pub(crate) fn storage(dynamodb: SocketAddr, s3: SocketAddr) -> Storage {
        Storage::new(&storage::Config {
            table: "registry".to_owned(),
            bucket: "registry".to_owned(),
            region: "us-east-1".to_owned(),
            credentials: Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-registry-on-loopback".to_owned(),
                session_token: None,
            },
            dynamodb_endpoint: Some(format!("http://{dynamodb}")),
            s3_endpoint: Some(format!("http://{s3}")),
            policy: POLICY,
            s3_attempt_timeout: Some(S3_ATTEMPT),
            observer: None,
        })
    }

    /// Everything that anything refers to is there, byte for byte, and every record says what it should.
    pub(crate) async fn scrub(&self) {
        let options = scrub::Options { repair: false, content: true, sparse_manifests: POLICY.sparse_manifests };
        let (mut found, mut patience) = (Vec::new(), PATIENCE);
        loop {
            let mut tell = |news: scrub::News<'_>| {
                if let scrub::News::Found(finding) = news {
                    found.push(finding.to_string());
                }
            };
            // On the heap: it is large, and a test's stack isn't.
            let scope = scrub::Scope::All { after: None };
            match Box::pin(scrub::scrub(&self.storage, scope, options, &mut tell)).await {
                Ok(_) => break,
                // On a machine that is busy with others.
                Err(storage::Error::Unavailable(_)) if patience > 0 => patience -= 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(found.is_empty(), "{found:#?}");
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
