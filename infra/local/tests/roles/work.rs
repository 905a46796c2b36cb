//! Everything that a registry is asked for.

use protocol::Digest;

use crate::collection;
use crate::http::{Answer, Request};
use crate::image::{INDEX, Image, LIST, MANY, OCI, SCHEMA2, SIGNED_SCHEMA1};
use crate::registry::Registry;
use crate::schema1;

/// Too few bytes for a part of a multipart upload, in which two of them are one.
const PIECE: usize = 3 << 20;

/// Does everything there is to do.
pub(crate) async fn everything(client: &Client<'_>) {
    blobs(client).await;
    uploads(client).await;
    manifests(client).await;
    conversions(client).await;
    schema1::push_and_pull(client).await;
    listings(client).await;
    deletions(client).await;
    collection::everything(client).await;
}

/// Somebody who may do everything.
pub(crate) struct Client<'a> {
    pub(crate) registry: &'a Registry,
    authorization: Option<&'a str>,
}

impl<'a> Client<'a> {
    /// One who logged in.
    pub(crate) fn somebody(registry: &'a Registry, authorization: &'a str) -> Self {
        Self { registry, authorization: Some(authorization) }
    }

    /// Nobody in particular.
    pub(crate) fn nobody(registry: &'a Registry) -> Self {
        Self { registry, authorization: None }
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let request = match self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        };
        request.send(self.registry.address).await
    }

    async fn ask(&self, method: &'static str, path: impl Into<String>) -> Answer {
        self.send(Request::new(method, path)).await
    }

    pub(crate) async fn push_blob(&self, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::sha256(blob);
        let post = Request::new("POST", format!("/v2/{repository}/blobs/uploads/?digest={digest}"));
        self.send(post.body(blob)).await.expect(201);
        digest
    }

    pub(crate) async fn start_upload_in(&self, repository: &str) -> String {
        let opened = self.ask("POST", format!("/v2/{repository}/blobs/uploads/")).await.expect(202);
        opened.expect_header("location").to_owned()
    }

    async fn start_upload(&self) -> String {
        self.start_upload_in("team/app").await
    }

    /// Sends a blob to where the answer says.
    pub(crate) async fn send_directly(&self, opened: &Answer, blob: &[u8]) {
        let direct = opened.json();
        let mut put = Request::new("PUT", direct["url"].as_str().unwrap());
        for (name, value) in direct["headers"].as_object().unwrap() {
            // Every request says that of itself.
            if name != "content-length" {
                put = put.header(name, value.as_str().unwrap());
            }
        }
        put.body(blob).send_to_its_host().await.expect(200);
    }

    pub(crate) fn put_request(&self, repository: &str, reference: &str, image: &Image) -> Request {
        let put = Request::new("PUT", format!("/v2/{repository}/manifests/{reference}"));
        put.header("Content-Type", image.media_type).body(&image.manifest)
    }

    async fn put(&self, repository: &str, reference: &str, image: &Image) {
        self.send(self.put_request(repository, reference, image)).await.expect(201);
    }

    pub(crate) async fn push(&self, repository: &str, reference: &str, image: &Image) {
        for blob in &image.blobs {
            self.push_blob(repository, blob).await;
        }
        self.put(repository, reference, image).await;
    }

    pub(crate) fn pull_request(&self, repository: &str, reference: &str, accept: &str) -> Request {
        Request::new("GET", format!("/v2/{repository}/manifests/{reference}")).header("Accept", accept)
    }

    pub(crate) async fn pull(&self, repository: &str, reference: &str, accept: &str) -> Answer {
        self.send(self.pull_request(repository, reference, accept)).await
    }

    /// Pulls what is served as this type.
    pub(crate) async fn pull_as(&self, repository: &str, reference: &str, media_type: &str) -> Vec<u8> {
        let pulled = self.pull(repository, reference, media_type).await.expect(200);
        assert_eq!(pulled.expect_header("content-type"), media_type);
        pulled.body
    }
}

async fn blobs(client: &Client<'_>) {
    let digest = client.push_blob("team/app", b"a blob").await;
    // Another repository's comes to the same object.
    client.push_blob("team/other", b"a blob").await;
    let mount = format!("/v2/team/mounted/blobs/uploads/?mount={digest}&from=team/app");
    client.ask("POST", mount).await.expect(201);
    for method in ["HEAD", "GET"] {
        let found = client.ask(method, format!("/v2/team/mounted/blobs/{digest}")).await.expect(307);
        let followed = Request::new(method, found.expect_header("location"));
        followed.send_to_its_host().await.expect(200);
    }
}

async fn uploads(client: &Client<'_>) {
    let piece = vec![7; PIECE];
    let cancelled = client.start_upload().await;
    for _ in 0..3 {
        client.send(Request::new("PATCH", &cancelled).body(&piece)).await.expect(202);
    }
    client.ask("GET", &cancelled).await.expect(204);
    client.ask("DELETE", &cancelled).await.expect(204);

    let finished = client.start_upload().await;
    for _ in 0..3 {
        client.send(Request::new("PATCH", &finished).body(&piece)).await.expect(202);
    }
    let digest = Digest::sha256(&piece.repeat(3));
    client.ask("PUT", format!("{finished}?digest={digest}")).await.expect(201);

    let digest = Digest::sha256(b"straight to S3");
    let post = format!("/v2/team/app/blobs/uploads/?direct={digest}&size=14");
    let opened = client.ask("POST", post).await.expect(202);
    client.send_directly(&opened, b"straight to S3").await;
    client.ask("PUT", format!("{}?digest={digest}", opened.expect_header("location"))).await.expect(201);
}

async fn manifests(client: &Client<'_>) {
    let (image, large) = (Image::new(1, None), Image::new(MANY, None));
    client.push("team/app", "small?tag=also", &image).await;
    client.push("team/app", "signature", &Image::new(2, Some(&image))).await;
    client.push("team/app", "large", &large).await;
    // It is there already.
    client.put("team/app", "large", &large).await;
    client.ask("HEAD", format!("/v2/team/app/manifests/{}", image.digest)).await.expect(200);
    assert_eq!(client.pull_as("team/app", "large", OCI).await, large.manifest);

    // A push of nothing but a manifest makes a repository too, also when it is a large one.
    client.put("team/empty", "latest", &Image::index(&image, 0)).await;
    client.put("team/large", "latest", &Image::empty_index(40 << 10)).await;
    // What is in an index of an index is looked at.
    let index = Image::index(&image, MANY);
    client.put("team/app", "index", &index).await;
    client.put("team/app", "indexes", &Image::index(&index, 1)).await;
}

async fn conversions(client: &Client<'_>) {
    let schema2 = client.pull_as("team/app", "large", SCHEMA2).await;
    client.pull_as("team/app", "small", SIGNED_SCHEMA1).await;
    client.pull_as("team/app", "index", LIST).await;
    client.pull_as("team/app", "indexes", OCI).await;
    // A conversion comes to a large manifest that was pushed before.
    let large = Image::new(MANY, None);
    client.push("team/twice", "schema2", &Image::of(SCHEMA2, schema2, large.blobs.clone())).await;
    client.push("team/twice", "oci", &large).await;
    client.pull_as("team/twice", "oci", SCHEMA2).await;

    // Schema 2 has no subjects: two images come to one conversion, which outlives the first of them.
    let images = [Image::new(2, None), Image::new(2, Some(&large))];
    for image in &images {
        client.push("team/same", "latest", image).await;
        client.pull_as("team/same", "latest", SCHEMA2).await;
    }
    for image in &images {
        client.ask("DELETE", format!("/v2/team/same/manifests/{}", image.digest)).await.expect(202);
    }
}

async fn listings(client: &Client<'_>) {
    client.ask("GET", "/v2/team/app/tags/list").await.expect(200);
    client.ask("GET", "/v2/_catalog").await.expect(200);
    let subject = Image::new(1, None).digest;
    let referrers = client.ask("GET", format!("/v2/team/app/referrers/{subject}")).await.expect(200);
    assert_eq!(referrers.expect_header("content-type"), INDEX);
}

async fn deletions(client: &Client<'_>) {
    client.ask("DELETE", "/v2/team/app/manifests/also").await.expect(202);
    let (image, large) = (Image::new(1, None), Image::new(MANY, None));
    let index = Image::index(&image, MANY);
    let indexes = Image::index(&index, 1);
    let delete = async |image: &Image| client.ask("DELETE", format!("/v2/team/app/manifests/{}", image.digest)).await;
    delete(&image).await.expect(405);
    for image in [indexes, index, image, large] {
        delete(&image).await.expect(202);
    }
    let layer = Digest::sha256(&Image::new(2, None).blobs[1]);
    client.ask("DELETE", format!("/v2/team/app/blobs/{layer}")).await.expect(405);
    client.ask("DELETE", format!("/v2/team/app/blobs/{}", Digest::sha256(b"a blob"))).await.expect(202);
}
