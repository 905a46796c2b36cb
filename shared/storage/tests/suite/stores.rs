//! A bucket and a table for one test, and what tests ask of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use bytes::Bytes;
use local::faults::{Faults, Service};
use protocol::{Digest, MediaType, RepositoryName};
use storage::{
    BodyStream, Config, Credentials, NewManifest, PutError, References, Storage, StoredManifest, StreamError,
};

use crate::backend::{Backend, Services, listen};

const REGION: &str = "us-east-1";
pub(crate) const MIB: usize = 1024 * 1024;

/// A storage over a bucket and a table of its own.
pub(crate) struct Stores {
    pub(crate) storage: Storage,
    /// Between the storage and the stores.
    pub(crate) faults: Faults,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    /// Of bucket and table.
    name: String,
    _services: Services,
}

impl Stores {
    pub(crate) async fn start(backend: Backend) -> Self {
        let services = Services::of(backend).await;
        let name = format!("registry-{}", uuid::Uuid::new_v4());
        let faults = Faults::default();
        let config = Config {
            table: name.clone(),
            bucket: name.clone(),
            region: REGION.into(),
            credentials: Credentials {
                access_key_id: "test".into(),
                secret_access_key: "test".into(),
                session_token: None,
            },
            dynamodb_endpoint: Some(stand_before(&faults, Service::DynamoDb, services.dynamodb).await),
            s3_endpoint: Some(stand_before(&faults, Service::S3, services.s3).await),
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            s3_attempt_timeout: None,
            observer: None,
        };
        let (s3, dynamodb) = (s3(services.s3), dynamodb(services.dynamodb));
        s3.create_bucket().bucket(&name).send().await.unwrap();
        create_table(&dynamodb, &name).await;
        Self { storage: Storage::new(&config), faults, s3, dynamodb, name, _services: services }
    }

    /// Every object's key and length.
    pub(crate) async fn objects(&self) -> BTreeMap<String, i64> {
        let listed = self.s3.list_objects_v2().bucket(&self.name).send().await.unwrap();
        listed.contents().iter().map(|object| (object.key().unwrap().into(), object.size().unwrap())).collect()
    }

    /// How many multipart uploads are open.
    pub(crate) async fn open_multiparts(&self) -> usize {
        self.s3.list_multipart_uploads().bucket(&self.name).send().await.unwrap().uploads().len()
    }

    /// Completes the one open multipart upload with the parts that S3 has.
    pub(crate) async fn complete_multipart(&self) {
        use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
        let uploads = self.s3.list_multipart_uploads().bucket(&self.name).send().await.unwrap();
        let [upload] = uploads.uploads() else { panic!("{} uploads", uploads.uploads().len()) };
        let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
        let parts = self.s3.list_parts().bucket(&self.name).key(key).upload_id(id).send().await.unwrap();
        let parts = parts.parts().iter().map(|part| {
            CompletedPart::builder().part_number(part.part_number().unwrap()).e_tag(part.e_tag().unwrap()).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self.s3.complete_multipart_upload().bucket(&self.name).key(key).upload_id(id);
        request.multipart_upload(parts).send().await.unwrap();
    }

    /// The numbers of the parts that S3 has.
    pub(crate) async fn parts_in_s3(&self) -> Vec<i32> {
        let uploads = self.s3.list_multipart_uploads().bucket(&self.name).send().await.unwrap();
        let [upload] = uploads.uploads() else { panic!("{} uploads", uploads.uploads().len()) };
        let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
        let parts = self.s3.list_parts().bucket(&self.name).key(key).upload_id(id).send().await.unwrap();
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
        let scanned = self.dynamodb.scan().table_name(&self.name).consistent_read(true).send().await.unwrap();
        let starts = |item: &std::collections::HashMap<String, AttributeValue>, name: &str, prefix: &str| {
            item[name].as_s().unwrap().starts_with(prefix)
        };
        scanned.items().iter().filter(|item| starts(item, "pk", pk) && starts(item, "sk", sk)).cloned().collect()
    }

    /// Writes an item that has nothing but its key.
    pub(crate) async fn put_item(&self, key: storage::keys::Key) {
        let put = self.dynamodb.put_item().table_name(&self.name).item("pk", AttributeValue::S(key.pk));
        put.item("sk", AttributeValue::S(key.sk)).send().await.unwrap();
    }

    /// Removes an item behind the storage's back.
    pub(crate) async fn remove_item(&self, key: storage::keys::Key) {
        let delete = self.dynamodb.delete_item().table_name(&self.name).key("pk", AttributeValue::S(key.pk));
        delete.key("sk", AttributeValue::S(key.sk)).send().await.unwrap();
    }

    /// Writes a session's record, as of a request that died at once.
    pub(crate) async fn put_session(&self, name: &RepositoryName, id: &protocol::UploadId, phase: &str) {
        let key = storage::keys::upload(name, id);
        let put = self.dynamodb.put_item().table_name(&self.name).item("pk", AttributeValue::S(key.pk));
        let put = put.item("sk", AttributeValue::S(key.sk)).item("phase", AttributeValue::S(phase.to_owned()));
        put.item("created_at", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }

    /// Stores an object behind the storage's back.
    pub(crate) async fn put_object(&self, key: &str, bytes: &'static [u8]) {
        let body = aws_sdk_s3::primitives::ByteStream::from_static(bytes);
        self.s3.put_object().bucket(&self.name).key(key).body(body).send().await.unwrap();
    }

    /// Lets a session's lease run out, as if its holder had died long ago.
    pub(crate) async fn expire_lease(&self, name: &RepositoryName, id: &protocol::UploadId) {
        let key = storage::keys::upload(name, id);
        self.dynamodb
            .update_item()
            .table_name(&self.name)
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
        self.push(name, bytes, tag, &References::default()).await.unwrap()
    }

    /// Stores a manifest of these bytes that refers to something.
    pub(crate) async fn push(
        &self,
        name: &RepositoryName,
        bytes: &[u8],
        tag: Option<&str>,
        references: &References,
    ) -> Result<Digest, PutError> {
        let digest = Digest::sha256(bytes);
        let tag = tag.map(|tag| tag.parse().unwrap());
        let new = NewManifest {
            repository: name,
            digest: &digest,
            manifest: stored(bytes),
            tags: tag.as_slice(),
            references,
            optional: &[],
            descendants: &[],
            referrer: None,
        };
        self.storage.put_manifest(&new).await.map(|()| digest)
    }

    /// Stores a blob of these bytes.
    pub(crate) async fn put_blob(&self, name: &RepositoryName, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.storage.put_blob(name, &digest, bytes.to_vec().into()).await.unwrap();
        digest
    }
}

fn s3(address: SocketAddr) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new(REGION))
        .credentials_provider(aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

fn dynamodb(address: SocketAddr) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_dynamodb::config::Region::new(REGION))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{address}"));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A table of the form that the template gives it.
async fn create_table(dynamodb: &aws_sdk_dynamodb::Client, name: &str) {
    let mut create = dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, key_type) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(key_type).build().unwrap();
        let text = AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S);
        create = create.key_schema(key).attribute_definitions(text.build().unwrap());
    }
    create.send().await.unwrap();
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
