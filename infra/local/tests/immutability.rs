//! Which tags may be moved, over HTTP: the four modes, and clients that push to one tag at the same moment.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

#[path = "faults/http.rs"]
#[expect(dead_code, reason = "others follow redirects")]
mod http;
#[path = "collector/image.rs"]
#[expect(dead_code, reason = "others push lists")]
mod image;

use std::sync::Arc;

use local::faults::{Faults, Service};
use local::{Data, FunctionsMode, Options, Stack};
use protocol::{MutabilityMode, RepositoryName, TagMutability};
use storage::{Credentials, Policy, Settings, Storage};
use tokio::sync::Barrier;

use crate::http::{Answer, Request};
use crate::image::Image;

const NAME: &str = "team/app";

struct Registry {
    stack: Stack,
    storage: Storage,
}

impl Registry {
    /// One whose tags are treated so.
    async fn with(mode: MutabilityMode, filters: &[&str]) -> Self {
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
        let endpoint = |service| Some(format!("http://{}", faults.behind(service).unwrap()));
        let storage = Storage::new(&storage::Config {
            table: "registry".to_owned(),
            bucket: "registry".to_owned(),
            region: "us-east-1".to_owned(),
            credentials: Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-registry-on-loopback".to_owned(),
                session_token: None,
            },
            dynamodb_endpoint: endpoint(Service::DynamoDb),
            s3_endpoint: endpoint(Service::S3),
            policy,
            s3_attempt_timeout: None,
            observer: None,
        });
        let tag_mutability = TagMutability::new(mode, filters).unwrap();
        storage.create(&name()).await.unwrap();
        assert!(storage.set_settings(&name(), &Settings { tag_mutability, ..Settings::default() }).await.unwrap());
        Self { stack, storage }
    }

    async fn send(&self, request: Request) -> Answer {
        request.send(self.stack.address()).await
    }

    /// An image whose blobs are there, and which differs from those of other names.
    async fn image(&self, name: &str) -> Image {
        let image = Image::new(name, "base", None);
        for blob in &image.blobs {
            let path = format!("/v2/{NAME}/blobs/uploads/?digest={}", protocol::Digest::sha256(blob));
            self.send(Request::new("POST", path).body(blob)).await.expect(201);
        }
        image
    }

    async fn put(&self, reference: &str, image: &Image) -> Answer {
        let put = Request::new("PUT", format!("/v2/{NAME}/manifests/{reference}"));
        self.send(put.header("Content-Type", image.media_type).body(&image.manifest)).await
    }

    async fn points_to(&self, tag: &str) -> Option<protocol::Digest> {
        self.storage.tag(&name(), &tag.parse().unwrap()).await.unwrap().map(|record| record.digest)
    }
}

fn name() -> RepositoryName {
    NAME.parse().unwrap()
}

#[track_caller]
fn is_refused(answer: &Answer, tag: &str) {
    let error = &answer.json()["errors"][0];
    assert_eq!((answer.status, error["code"].as_str().unwrap()), (400, "TAG_INVALID"));
    assert!(error["message"].as_str().unwrap().contains(tag), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_moves_where_the_mode_and_its_filters_let_it() {
    use MutabilityMode::{Immutable, ImmutableWithExclusion, Mutable, MutableWithExclusion};
    let filters: &[&str] = &["latest", "dev-*"];
    for (mode, filters, moving, staying) in [
        (Mutable, &[][..], &["v1", "latest", "dev-7"][..], &[][..]),
        (Immutable, &[], &[], &["v1", "latest", "dev-7"]),
        (MutableWithExclusion, filters, &["v1"], &["latest", "dev-7"]),
        (ImmutableWithExclusion, filters, &["latest", "dev-7"], &["v1"]),
    ] {
        let registry = Registry::with(mode, filters).await;
        let (old, new) = (registry.image("old").await, registry.image("new").await);
        for tag in moving.iter().chain(staying) {
            registry.put(tag, &old).await.expect(201);
            registry.put(tag, &old).await.expect(201);
        }
        for tag in moving {
            registry.put(tag, &new).await.expect(201);
            assert_eq!(registry.points_to(tag).await, Some(new.digest.clone()), "{mode} {tag}");
        }
        for tag in staying {
            is_refused(&registry.put(tag, &new).await, tag);
            assert_eq!(registry.points_to(tag).await, Some(old.digest.clone()), "{mode} {tag}");
        }
        // Without a tag it is nobody's business.
        registry.put(&new.digest.to_string(), &new).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tag_that_may_not_move_holds_back_all_that_a_request_names() {
    let registry = Registry::with(MutabilityMode::Immutable, &[]).await;
    let (old, new) = (registry.image("old").await, registry.image("new").await);
    registry.put("v1", &old).await.expect(201);
    for request in ["v2?tag=v1&tag=v3", "v1?tag=v2", &format!("{}?tag=v2&tag=v1", new.digest)] {
        is_refused(&registry.put(request, &new).await, "v1");
    }
    assert_eq!([registry.points_to("v2").await, registry.points_to("v3").await], [None, None]);
    registry.send(Request::new("GET", format!("/v2/{NAME}/manifests/{}", new.digest))).await.expect(404);
    // The same image again, with tags that are new.
    registry.put("v1?tag=v2&tag=v3", &old).await.expect(201);
    assert_eq!(registry.points_to("v3").await, Some(old.digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_deleted_is_new() {
    let registry = Registry::with(MutabilityMode::Immutable, &[]).await;
    let (old, new) = (registry.image("old").await, registry.image("new").await);
    registry.put("v1", &old).await.expect(201);
    is_refused(&registry.put("v1", &new).await, "v1");
    registry.send(Request::new("DELETE", format!("/v2/{NAME}/manifests/v1"))).await.expect(202);
    registry.put("v1", &new).await.expect(201);
    assert_eq!(registry.points_to("v1").await, Some(new.digest));
}

/// Half of them name the tag in the path, and half as a parameter.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_that_push_to_one_new_tag_one_wins() {
    const PUSHERS: usize = 100;
    let registry = Arc::new(Registry::with(MutabilityMode::Immutable, &[]).await);
    let mut images = Vec::new();
    for number in 0..PUSHERS {
        images.push(registry.image(&number.to_string()).await);
    }
    let start = Arc::new(Barrier::new(PUSHERS));
    let pushers = images.iter().cloned().enumerate().map(|(number, image)| {
        let (registry, start) = (registry.clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            let reference = if number % 2 == 0 { "v1".to_owned() } else { format!("other-{number}?tag=v1") };
            registry.put(&reference, &image).await
        })
    });
    let mut winners = Vec::new();
    for (number, pusher) in pushers.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = pusher.await.unwrap();
        match answer.status {
            201 => winners.push(number),
            _ => is_refused(&answer, "v1"),
        }
    }
    let [winner] = winners[..] else { panic!("{winners:?} won") };
    assert_eq!(registry.points_to("v1").await, Some(images[winner].digest.clone()));
    for (number, image) in images.iter().enumerate() {
        let stored = registry.storage.manifest(&name(), &image.digest).await.unwrap();
        assert_eq!(stored.is_some(), number == winner, "{number} of which {winner} won");
        assert_eq!(registry.points_to(&format!("other-{number}")).await.is_some(), number == winner && number % 2 == 1);
    }
}
