//! Embedded stores for one test, and what tests ask of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use local::faults::{Faults, Service};
use protocol::{Digest, MediaType, RepositoryName};
use storage::{BodyStream, Config, Credentials, NewManifest, Storage, StoredManifest, StreamError};
use tokio::net::TcpListener;

const NAME: &str = "registry";
pub(crate) const MIB: usize = 1024 * 1024;

/// A storage over stores of its own, in memory. They go with the test's runtime.
pub(crate) struct Stores {
    pub(crate) storage: Storage,
    /// Between the storage and the stores.
    pub(crate) faults: Faults,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
}

impl Stores {
    pub(crate) async fn start() -> Self {
        let s3 = local::s3::Store::open(local::s3::Medium::Memory).unwrap();
        s3.create_bucket(NAME).unwrap();
        let keys = local::s3::Credentials { access_key: "test".into(), secret_key: "test".into() };
        let (s3_listener, s3_address) = listen().await;
        tokio::spawn(async move { s3.serve(s3_listener, &keys, std::future::pending()).await });

        let dynamodb = local::dynamodb::Store::open(local::dynamodb::Medium::Memory).unwrap();
        dynamodb.create_table(NAME).unwrap();
        let (dynamodb_listener, dynamodb_address) = listen().await;
        tokio::spawn(async move { dynamodb.serve(dynamodb_listener, std::future::pending()).await });

        let faults = Faults::default();
        let s3_before = stand_before(&faults, Service::S3, s3_address).await;
        let dynamodb_before = stand_before(&faults, Service::DynamoDb, dynamodb_address).await;

        let config = Config {
            table: NAME.into(),
            bucket: NAME.into(),
            region: "us-east-1".into(),
            credentials: Credentials {
                access_key_id: "test".into(),
                secret_access_key: "test".into(),
                session_token: None,
            },
            dynamodb_endpoint: Some(dynamodb_before),
            s3_endpoint: Some(s3_before),
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            s3_attempt_timeout: None,
            observer: None,
        };
        let keys = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test");
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_s3::config::Region::new("us-east-1"))
            .credentials_provider(keys.clone())
            .endpoint_url(format!("http://{s3_address}"))
            .force_path_style(true)
            .build();
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
            .credentials_provider(keys)
            .endpoint_url(format!("http://{dynamodb_address}"))
            .build();
        Self {
            storage: Storage::new(&config),
            faults,
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
        }
    }

    /// Every object's key and length.
    pub(crate) async fn objects(&self) -> BTreeMap<String, i64> {
        let listed = self.s3.list_objects_v2().bucket(NAME).send().await.unwrap();
        listed.contents().iter().map(|object| (object.key().unwrap().into(), object.size().unwrap())).collect()
    }

    /// How many multipart uploads are open.
    pub(crate) async fn open_multiparts(&self) -> usize {
        self.s3.list_multipart_uploads().bucket(NAME).send().await.unwrap().uploads().len()
    }

    /// Completes the one open multipart upload with the parts that S3 has.
    pub(crate) async fn complete_multipart(&self) {
        use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
        let uploads = self.s3.list_multipart_uploads().bucket(NAME).send().await.unwrap();
        let [upload] = uploads.uploads() else { panic!("{} uploads", uploads.uploads().len()) };
        let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
        let parts = self.s3.list_parts().bucket(NAME).key(key).upload_id(id).send().await.unwrap();
        let parts = parts.parts().iter().map(|part| {
            CompletedPart::builder().part_number(part.part_number().unwrap()).e_tag(part.e_tag().unwrap()).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self.s3.complete_multipart_upload().bucket(NAME).key(key).upload_id(id);
        request.multipart_upload(parts).send().await.unwrap();
    }

    /// The numbers of the parts that S3 has.
    pub(crate) async fn parts_in_s3(&self) -> Vec<i32> {
        let uploads = self.s3.list_multipart_uploads().bucket(NAME).send().await.unwrap();
        let [upload] = uploads.uploads() else { panic!("{} uploads", uploads.uploads().len()) };
        let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
        let parts = self.s3.list_parts().bucket(NAME).key(key).upload_id(id).send().await.unwrap();
        parts.parts().iter().map(|part| part.part_number().unwrap()).collect()
    }

    /// Opens a session.
    pub(crate) async fn start_upload(&self, name: &RepositoryName) -> protocol::UploadId {
        let id = storage::new_upload_id().unwrap();
        self.storage.start_upload(name, &id).await.unwrap();
        id
    }

    /// Every item whose partition key starts with `pk` and sort key with `sk`.
    pub(crate) async fn items(&self, pk: &str, sk: &str) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        let scanned = self.dynamodb.scan().table_name(NAME).consistent_read(true).send().await.unwrap();
        let starts = |item: &std::collections::HashMap<String, AttributeValue>, name: &str, prefix: &str| {
            item[name].as_s().unwrap().starts_with(prefix)
        };
        scanned.items().iter().filter(|item| starts(item, "pk", pk) && starts(item, "sk", sk)).cloned().collect()
    }

    /// Writes an item that has nothing but its key.
    pub(crate) async fn put_item(&self, key: storage::keys::Key) {
        let put = self.dynamodb.put_item().table_name(NAME).item("pk", AttributeValue::S(key.pk));
        put.item("sk", AttributeValue::S(key.sk)).send().await.unwrap();
    }

    /// Lets a session's lease run out, as if its holder had died long ago.
    pub(crate) async fn expire_lease(&self, name: &RepositoryName, id: &protocol::UploadId) {
        let key = storage::keys::upload(name, id);
        self.dynamodb
            .update_item()
            .table_name(NAME)
            .key("pk", AttributeValue::S(key.pk))
            .key("sk", AttributeValue::S(key.sk))
            .update_expression("SET lease = :past")
            .condition_expression("attribute_exists(lease)")
            .expression_attribute_values(":past", AttributeValue::N("1".into()))
            .send()
            .await
            .unwrap();
    }

    /// Stores a manifest of these bytes, without references.
    pub(crate) async fn put(&self, name: &RepositoryName, bytes: &[u8], tag: Option<&str>) -> Digest {
        let digest = Digest::sha256(bytes);
        let tag = tag.map(|tag| tag.parse().unwrap());
        let new = NewManifest {
            repository: name,
            digest: &digest,
            manifest: stored(bytes),
            tags: tag.as_slice(),
            blobs: &[],
            manifests: &[],
            descendants: &[],
            referrer: None,
        };
        self.storage.put_manifest(&new).await.unwrap();
        digest
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The endpoint of a service that fails as a test wants it.
async fn stand_before(faults: &Faults, service: Service, upstream: SocketAddr) -> String {
    let (listener, address) = listen().await;
    let faults = faults.clone();
    tokio::spawn(async move { faults.serve(service, listener, upstream, std::future::pending()).await });
    format!("http://{address}")
}

pub(crate) fn repository(name: &str) -> RepositoryName {
    name.parse().unwrap()
}

pub(crate) fn stored(bytes: &[u8]) -> StoredManifest {
    StoredManifest { media_type: MediaType::OciManifest, bytes: Bytes::copy_from_slice(bytes) }
}

/// Bytes that repeat nowhere near.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

pub(crate) fn body(bytes: &[u8]) -> BodyStream {
    let pieces: Vec<_> = bytes.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(futures_util::stream::iter(pieces))
}

/// A body that breaks off after these bytes.
pub(crate) fn broken_body(bytes: &[u8]) -> BodyStream {
    use futures_util::StreamExt as _;
    let end = futures_util::stream::iter([Err(StreamError("connection reset".into()))]);
    Box::pin(body(bytes).chain(end))
}
