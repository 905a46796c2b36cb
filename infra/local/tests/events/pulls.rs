//! When images were last pulled: written down after the answer, with functions in this process and as processes.

use std::collections::HashMap;
use std::time::Duration;

use protocol::Digest;
use runtime::EventsConfig;

use crate::http::Request;
use crate::image::{Image, OCI, SCHEMA2};
use crate::registry::{Mode, Registry};

const DAY: u64 = 24 * 60 * 60;
/// Long enough for any machine: it only keeps a test from hanging.
const LIMIT: Duration = Duration::from_secs(60);

async fn registry(mode: Mode) -> Registry {
    Registry::with(mode, None, EventsConfig::default()).await
}

/// What is known of pulls once it is known of this one.
async fn known(registry: &Registry, digest: &Digest) -> HashMap<Digest, u64> {
    let (storage, name) = (registry.storage(), "team/app".parse().unwrap());
    let known = async {
        loop {
            let pulls = storage.last_pulls(&name).await.unwrap();
            if pulls.contains_key(digest) {
                return pulls;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, known).await.unwrap()
}

async fn pulls_are_known_to_the_day_and_questions_are_none(mode: Mode) {
    let registry = registry(mode).await;
    let (by_tag, by_digest, asked) = (Image::new(1, None), Image::new(2, None), Image::new(3, None));
    for (tag, image) in [("tag", &by_tag), ("digest", &by_digest), ("asked", &asked)] {
        registry.push(tag, image).await.expect(201);
    }
    let before = storage::now();
    let ask = |method| Request::new(method, "/v2/team/app/manifests/asked").header("Accept", OCI);
    registry.ask(ask("HEAD")).await.expect(200);
    let known_already = ask("GET").header("If-None-Match", format!("\"{}\"", Digest::sha256(&asked.manifest)));
    registry.ask(known_already).await.expect(304);
    registry.pull("tag", OCI).await.expect(200);
    known(&registry, &Digest::sha256(&by_tag.manifest)).await;
    let digest = Digest::sha256(&by_digest.manifest);
    registry.pull(&digest.to_string(), OCI).await.expect(200);

    let pulls = known(&registry, &digest).await;
    assert!(!pulls.contains_key(&Digest::sha256(&asked.manifest)), "{pulls:?}");
    assert_eq!(pulls.len(), 2);
    let ends = [before, storage::now()].map(|now| now / DAY * DAY + DAY - 1);
    assert!(pulls.values().all(|at| ends.contains(at)), "{pulls:?}");
    registry.stop().await;
}

async fn a_pull_of_a_conversion_is_one_of_its_source(mode: Mode) {
    let registry = registry(mode).await;
    let (by_tag, by_digest) = (Image::new(1, None), Image::new(2, None));
    for (tag, image) in [("tag", &by_tag), ("digest", &by_digest)] {
        registry.push(tag, image).await.expect(201);
    }
    registry.pull("tag", SCHEMA2).await.expect(200);
    let source = Digest::sha256(&by_tag.manifest);
    let pulls = known(&registry, &source).await;
    assert_eq!(pulls.len(), 1, "the conversion isn't an image: {pulls:?}");

    // Some clients ask by tag and pull by the digest that they are told.
    let head = Request::new("HEAD", "/v2/team/app/manifests/digest").header("Accept", SCHEMA2);
    let told = registry.ask(head).await.expect(200).expect_header("docker-content-digest").to_owned();
    registry.pull(&told, SCHEMA2).await.expect(200);
    let pulls = known(&registry, &Digest::sha256(&by_digest.manifest)).await;
    assert!(pulls.contains_key(&told.parse().unwrap()), "{pulls:?}");
    registry.stop().await;
}

in_each_mode!(pulls_are_known_to_the_day_and_questions_are_none, a_pull_of_a_conversion_is_one_of_its_source);

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_is_written_down_once_a_day() {
    let registry = registry(Mode::InProcess).await;
    let (image, other) = (Image::new(1, None), Image::new(2, None));
    registry.push("1", &image).await.expect(201);
    registry.push("2", &other).await.expect(201);
    registry.settle().await;
    registry.faults.take_metered();
    let day = storage::now() / DAY;
    for tag in ["1", "1", "2", "1", "2"] {
        registry.pull(tag, OCI).await.expect(200);
    }
    registry.settle().await;
    let writes =
        registry.faults.take_metered().into_iter().filter(|call| call.operation == "TransactWriteItems").count();
    // When a day ends meanwhile, each may be written down on the next one as well.
    let days = 1 + usize::from(storage::now() / DAY > day);
    assert!((2..=2 * days).contains(&writes), "{writes}");
    registry.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_known_of_pulls_of_an_image_that_is_gone() {
    let registry = registry(Mode::InProcess).await;
    let image = Image::new(1, None);
    let digest = Digest::sha256(&image.manifest);
    registry.push("1", &image).await.expect(201);
    registry.pull("1", OCI).await.expect(200);
    registry.settle().await;
    registry.delete(&digest.to_string()).await.expect(202);
    let (storage, name) = (registry.storage(), "team/app".parse().unwrap());
    assert!(storage.last_pulls(&name).await.unwrap().is_empty());
    // One that is written down too late.
    storage.note_pull(&name, &digest, storage::now()).await.unwrap();
    assert!(storage.last_pulls(&name).await.unwrap().is_empty());
    registry.stop().await;
}
