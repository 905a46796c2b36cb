//! A registry, and a collector of its stores.

use std::time::Duration;

use collector::{Finding, Outcome, Report, Terms};
use local::faults::{Faults, Service};
use local::{Collection, Data, FunctionsMode, Options, Stack};
use protocol::{Digest, RepositoryName};
use runtime::{CollectFrom, Deadline};
use storage::{Credentials, Policy, Storage};

use crate::http::{Answer, Request};
use crate::image::Image;

/// Of table and bucket.
pub(crate) const NAME: &str = "registry";
pub(crate) const ACCESS_KEY: &str = "local";
pub(crate) const SECRET_KEY: &str = "local-registry-on-loopback";

/// Longer than any test.
const AGES: Duration = Duration::from_secs(24 * 60 * 60);

/// The terms of a run that removes whatever is marked.
pub(crate) const WITHOUT_GRACE: Grace = Grace(Duration::ZERO);
/// The terms of a run that removes nothing that somebody may be about to refer to.
pub(crate) const WITH_GRACE: Grace = Grace(AGES);

#[derive(Clone, Copy)]
pub(crate) struct Grace(Duration);

impl Grace {
    pub(crate) fn terms(self) -> Terms {
        Terms { grace: self.0, dry_run: false, until: Deadline::after(AGES) }
    }
}

pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) faults: Faults,
    /// Past the faults.
    pub(crate) storage: Storage,
}

pub(crate) fn repository(name: &str) -> RepositoryName {
    name.parse().unwrap()
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(collection: Option<Collection>) -> Self {
        let faults = Faults::default();
        let options = Options {
            port: 0,
            data: Data::Memory,
            front: true,
            functions: FunctionsMode::InProcess,
            policy: policy(),
            login: None,
            collection,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: Some(faults.clone()),
        };
        let stack = Stack::start(options).await.unwrap();
        let storage = Storage::new(&config(endpoint(&faults, Service::DynamoDb), endpoint(&faults, Service::S3)));
        Self { stack, faults, storage }
    }

    /// A run from the beginning to the end.
    pub(crate) async fn collect(&self, grace: Grace) -> Report {
        let (outcome, _) = self.collect_from(CollectFrom::default(), grace.terms()).await;
        assert_eq!(outcome.next, None);
        assert_eq!(outcome.report.failed, 0);
        outcome.report
    }

    pub(crate) async fn collect_from(&self, from: CollectFrom, terms: Terms) -> (Outcome, Vec<Finding>) {
        let mut findings = Vec::new();
        let mut tell = |finding: &Finding| findings.push(finding.clone());
        let outcome = collector::collect(&self.storage, terms, from, &mut tell).await.unwrap();
        (outcome, findings)
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.send(self.stack.address()).await
    }

    pub(crate) async fn push_blob(&self, name: &str, blob: &[u8]) -> Digest {
        let digest = Digest::sha256(blob);
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        self.send(Request::new("POST", path).body(blob)).await.expect(201);
        digest
    }

    pub(crate) async fn has_blob(&self, name: &str, digest: &Digest) -> bool {
        self.storage.blob(&repository(name), digest).await.unwrap().is_some()
    }

    /// The manifest alone.
    pub(crate) async fn put(&self, name: &str, reference: &str, image: &Image) {
        let put = Request::new("PUT", format!("/v2/{name}/manifests/{reference}"));
        self.send(put.header("Content-Type", image.media_type).body(&image.manifest)).await.expect(201);
    }

    pub(crate) async fn push(&self, name: &str, reference: &str, image: &Image) {
        for blob in &image.blobs {
            self.push_blob(name, blob).await;
        }
        self.put(name, reference, image).await;
    }

    /// By its digest alone.
    pub(crate) async fn push_untagged(&self, name: &str, image: &Image) {
        self.push(name, &image.digest.to_string(), image).await;
    }

    /// A tag, or a manifest by its digest.
    pub(crate) async fn delete(&self, name: &str, reference: &str) {
        self.send(Request::new("DELETE", format!("/v2/{name}/manifests/{reference}"))).await.expect(202);
    }

    pub(crate) async fn has(&self, name: &str, image: &Image) -> bool {
        self.storage.manifest(&repository(name), &image.digest).await.unwrap().is_some()
    }

    /// The image, and everything that it names.
    pub(crate) async fn is_whole(&self, name: &str, image: &Image) -> bool {
        let mut whole = self.has(name, image).await;
        for blob in &image.blobs {
            let read = self.storage.blob_bytes(&repository(name), &Digest::sha256(blob), 1 << 20).await.unwrap();
            whole &= read.is_some_and(|bytes| bytes.as_ref() == blob);
        }
        whole
    }
}

fn policy() -> Policy {
    Policy { create_on_push: true, sparse_manifests: false }
}

pub(crate) fn endpoint(faults: &Faults, service: Service) -> String {
    format!("http://{}", faults.behind(service).unwrap())
}

/// What a storage over these endpoints is told.
pub(crate) fn config(dynamodb: String, s3: String) -> storage::Config {
    storage::Config {
        table: NAME.to_owned(),
        bucket: NAME.to_owned(),
        region: "us-east-1".to_owned(),
        credentials: Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: SECRET_KEY.to_owned(),
            session_token: None,
        },
        dynamodb_endpoint: Some(dynamodb),
        s3_endpoint: Some(s3),
        policy: policy(),
        s3_attempt_timeout: None,
        observer: None,
    }
}
