//! A registry, hands that reach behind its back, and a scrub.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use local::faults::{Faults, Service};
use local::{Data, FunctionsMode, Options, Stack};
use protocol::{Digest, RepositoryName};
use scrub::{News, Outcome, Problem, Scope, Subject, Summary};
use storage::keys::{self, Key};
use storage::{Credentials, Policy, Storage};
use tokio::net::TcpListener;

use crate::http::{Answer, Request};
use crate::image::Image;

const STORE: &str = "registry";
const ACCESS_KEY: &str = "local";
const SECRET_KEY: &str = "local-registry-on-loopback";

/// Where everything is in these tests.
pub(crate) const NAME: &str = "team/app";

pub(crate) fn name() -> RepositoryName {
    NAME.parse().unwrap()
}

/// What reads everything.
pub(crate) const FULL: scrub::Options = scrub::Options { repair: false, content: true, sparse_manifests: false };

pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) storage: Storage,
    faults: Faults,
    table: aws_sdk_dynamodb::Client,
    bucket: aws_sdk_s3::Client,
}

fn storage(table: String, bucket: String) -> Storage {
    Storage::new(&storage::Config {
        table: STORE.to_owned(),
        bucket: STORE.to_owned(),
        region: "us-east-1".to_owned(),
        credentials: Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: SECRET_KEY.to_owned(),
            session_token: None,
        },
        dynamodb_endpoint: Some(table),
        s3_endpoint: Some(bucket),
        policy: Policy { create_on_push: true, sparse_manifests: false },
        s3_attempt_timeout: None,
        observer: None,
    })
}

/// A finding, without the repository that all of them are in.
pub(crate) type Found = (Subject, Problem, Outcome);

impl Bench {
    pub(crate) async fn start() -> Self {
        let faults = Faults::default();
        let policy = Policy { create_on_push: true, sparse_manifests: false };
        let options = Options {
            port: 0,
            data: Data::Memory,
            front: true,
            functions: FunctionsMode::InProcess,
            policy,
            login: None,
            collection: None,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: Some(faults.clone()),
        };
        let stack = Stack::start(options).await.unwrap();
        let endpoint = |service| format!("http://{}", faults.behind(service).unwrap());
        let storage = storage(endpoint(Service::DynamoDb), endpoint(Service::S3));
        let region = aws_sdk_dynamodb::config::Region::new("us-east-1");
        let credentials = aws_sdk_dynamodb::config::Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test");
        let table = aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .endpoint_url(endpoint(Service::DynamoDb));
        let bucket = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .region(region)
            .credentials_provider(credentials)
            .endpoint_url(endpoint(Service::S3))
            .force_path_style(true);
        Self {
            stack,
            storage,
            faults: faults.clone(),
            table: aws_sdk_dynamodb::Client::from_conf(table.build()),
            bucket: aws_sdk_s3::Client::from_conf(bucket.build()),
        }
    }

    /// A storage whose calls are counted.
    pub(crate) async fn metered(&self) -> (Storage, Faults) {
        let meter = Faults::default().metered();
        let mut endpoints = Vec::new();
        for service in [Service::DynamoDb, Service::S3] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            endpoints.push(format!("http://{}", listener.local_addr().unwrap()));
            let (meter, behind) = (meter.clone(), self.faults.behind(service).unwrap());
            tokio::spawn(async move { meter.serve(service, listener, behind, std::future::pending()).await });
        }
        let [table, bucket] = <[String; 2]>::try_from(endpoints).unwrap();
        (storage(table, bucket), meter)
    }

    /// Everything, with what was found in `team/app` and nowhere else.
    pub(crate) async fn scrub(&self, options: scrub::Options) -> (Vec<Found>, Summary) {
        let mut found = Vec::new();
        let mut tell = |news: News<'_>| match news {
            News::Found(finding) => {
                assert_eq!(finding.repository.as_str(), NAME, "{finding}");
                found.push((finding.subject.clone(), finding.problem.clone(), finding.outcome));
            }
            News::Through(_) => {}
        };
        let summary = scrub::scrub(&self.storage, Scope::All { after: None }, options, &mut tell).await.unwrap();
        let told = [Outcome::Repairable, Outcome::Repaired, Outcome::Lost]
            .map(|outcome| found.iter().filter(|(_, _, other)| *other == outcome).count() as u64);
        assert_eq!([summary.repairable, summary.repaired, summary.lost], told);
        (found, summary)
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self, (found, summary): &(Vec<Found>, Summary)) {
        assert_eq!(found, &[], "{summary:?}");
        assert!(summary.is_clean());
    }

    pub(crate) async fn is_clean(&self) {
        self.assert_clean(&self.scrub(FULL).await);
    }

    /// It is found and nothing else, repaired when that is wanted, and then all is well.
    pub(crate) async fn is_repaired(&self, subject: Subject, problem: Problem) {
        let expected = |outcome| vec![(subject.clone(), problem.clone(), outcome)];
        assert_eq!(self.scrub(FULL).await.0, expected(Outcome::Repairable));
        assert_eq!(self.scrub(FULL).await.0, expected(Outcome::Repairable), "nothing was changed");
        assert_eq!(self.scrub(scrub::Options { repair: true, ..FULL }).await.0, expected(Outcome::Repaired));
        self.is_clean().await;
    }

    /// It is found, nothing else is, and it stays.
    pub(crate) async fn is_lost(&self, expected: &[(Subject, Problem)]) {
        let expected: Vec<Found> = expected.iter().cloned().map(|(s, p)| (s, p, Outcome::Lost)).collect();
        assert_eq!(self.scrub(FULL).await.0, expected);
        assert_eq!(self.scrub(scrub::Options { repair: true, ..FULL }).await.0, expected);
        assert_eq!(self.scrub(FULL).await.0, expected);
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.send(self.stack.address()).await
    }

    pub(crate) async fn push_blob(&self, repository: &str, blob: &[u8]) {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", Digest::sha256(blob));
        self.send(Request::new("POST", path).body(blob)).await.expect(201);
    }

    pub(crate) fn put(repository: &str, reference: &str, image: &Image) -> Request {
        let put = Request::new("PUT", format!("/v2/{repository}/manifests/{reference}"));
        put.header("Content-Type", image.media_type).body(&image.manifest)
    }

    pub(crate) async fn push_to(&self, repository: &str, reference: &str, image: &Image) {
        for blob in &image.blobs {
            self.push_blob(repository, blob).await;
        }
        self.send(Self::put(repository, reference, image)).await.expect(201);
    }

    pub(crate) async fn push(&self, reference: &str, image: &Image) {
        self.push_to(NAME, reference, image).await;
    }

    /// An image under the tag `latest`.
    pub(crate) async fn with_image(&self) -> Image {
        let image = Image::new("app", "base", None);
        self.push("latest", &image).await;
        self.is_clean().await;
        image
    }

    fn key(key: Key) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_owned(), AttributeValue::S(key.pk)), ("sk".to_owned(), AttributeValue::S(key.sk))])
    }

    pub(crate) async fn item(&self, key: Key) -> HashMap<String, AttributeValue> {
        let get = self.table.get_item().table_name(STORE).set_key(Some(Self::key(key))).consistent_read(true);
        get.send().await.unwrap().item.unwrap()
    }

    pub(crate) async fn text(&self, key: Key, attribute: &str) -> String {
        self.item(key).await[attribute].as_s().unwrap().clone()
    }

    pub(crate) async fn remove(&self, key: Key) {
        self.item(key.clone()).await;
        self.table.delete_item().table_name(STORE).set_key(Some(Self::key(key))).send().await.unwrap();
    }

    pub(crate) async fn put_item(&self, key: Key) {
        self.table.put_item().table_name(STORE).set_item(Some(Self::key(key))).send().await.unwrap();
    }

    /// Changes an item that is there. `value` is `:value` in the update.
    pub(crate) async fn change(&self, key: Key, update: &str, value: Option<AttributeValue>) {
        let values = value.map(|value| HashMap::from([(":value".to_owned(), value)]));
        let request =
            self.table.update_item().table_name(STORE).set_key(Some(Self::key(key))).update_expression(update);
        let request = request.condition_expression("attribute_exists(pk)").set_expression_attribute_values(values);
        request.send().await.unwrap();
    }

    /// The key of the object that a blob is in.
    pub(crate) async fn object_of(&self, blob: &[u8]) -> String {
        self.text(keys::blob(&name(), &Digest::sha256(blob)), "object_key").await
    }

    pub(crate) async fn remove_object(&self, key: &str) {
        self.bucket.delete_object().bucket(STORE).key(key).send().await.unwrap();
    }

    pub(crate) async fn put_object(&self, key: &str, bytes: &[u8]) {
        let body = ByteStream::from(bytes.to_vec());
        self.bucket.put_object().bucket(STORE).key(key).body(body).send().await.unwrap();
    }
}
