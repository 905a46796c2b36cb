//! A repository with 10,000 tags and 100,000 manifests costs no more than a small one, because nothing is ever scanned;
//! and a manifest with 10,000 tags goes in steps that each leave everything right.
//!
//! The table is filled before the registry starts, in the form that `storage::keys` draws: pushing so much would take
//! many minutes.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dynoxide::{AttributeValue, Database, ImportOptions};
use local::dynamodb::{Medium, Store};
use local::faults::{Fault, Faults, Refusal};
use local::{Data, FunctionsMode, Options, Stack};
use protocol::{Digest, RepositoryName, Tag};
use serde_json::{Value, json};
use storage::keys::{self, Key};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const NAME: &str = "many/things";

/// What there is of everything in a registry.
#[derive(Clone, Copy)]
struct Size {
    repositories: usize,
    tags: usize,
    manifests: usize,
    referrers: usize,
}

const SMALL: Size = Size { repositories: 30, tags: 30, manifests: 30, referrers: 101 };
const LARGE: Size = Size { repositories: 10_000, tags: 10_000, manifests: 100_000, referrers: 1_000 };

type Item = HashMap<String, AttributeValue>;

fn name() -> RepositoryName {
    NAME.parse().unwrap()
}

fn tag(number: usize) -> Tag {
    format!("tag-{number:05}").parse().unwrap()
}

/// The manifest of that number: an artifact without anything.
fn manifest(number: usize) -> Vec<u8> {
    let empty = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": Digest::sha256(b"{}"), "size": 2});
    let number = json!({ "number": number.to_string() });
    json!({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": empty, "layers": [], "annotations": number})
        .to_string()
        .into_bytes()
}

fn s(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn n(number: usize) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn item<const N: usize>(key: Key, attributes: [(&str, AttributeValue); N]) -> Item {
    let keys = [("pk", s(key.pk)), ("sk", s(key.sk))];
    keys.into_iter().chain(attributes).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn manifest_items(number: usize) -> [Item; 2] {
    let bytes = manifest(number);
    let digest = Digest::sha256(&bytes);
    let record = [
        ("media_type", s(MEDIA_TYPE)),
        ("content_size", n(bytes.len())),
        ("origin", s("pushed")),
        ("pushed_at", n(1_800_000_000)),
        ("revision", n(1)),
    ];
    [
        item(keys::manifest(&name(), &digest), record),
        item(keys::bytes(&name(), &digest), [("media_type", s(MEDIA_TYPE)), ("bytes", AttributeValue::B(bytes))]),
    ]
}

fn tag_items(tag: &Tag, digest: &Digest) -> [Item; 2] {
    let record = [("digest", s(digest)), ("media_type", s(MEDIA_TYPE)), ("pushed_at", n(1_800_000_000))];
    [item(keys::tag(&name(), tag), record), item(keys::tagged(&name(), digest, tag), [])]
}

fn referrer_item(number: usize) -> Item {
    let (subject, digest) = (Digest::sha256(&manifest(0)), Digest::sha256(&manifest(number)));
    let descriptor = json!({"mediaType": MEDIA_TYPE, "digest": digest, "size": 2, "artifactType": "application/vnd.a"});
    item(keys::referrer(&name(), &subject, &digest), [("subject", s(&subject)), ("descriptor", s(descriptor))])
}

fn repository_items(name: &RepositoryName) -> [Item; 2] {
    [keys::settings(name), keys::catalog(name)].map(|key| item(key, [("created_at", n(1_800_000_000))]))
}

/// Everything in a registry of that size. The tag of each number points to the manifest of the same number.
fn everything(size: Size) -> impl Iterator<Item = Item> {
    let repositories = (0..size.repositories).flat_map(|n| repository_items(&format!("r/{n:05}").parse().unwrap()));
    let manifests = (0..size.manifests).flat_map(manifest_items);
    let tags = (0..size.tags).flat_map(|number| tag_items(&tag(number), &Digest::sha256(&manifest(number))));
    let referrers = (0..size.referrers).map(referrer_item);
    repository_items(&name()).into_iter().chain(repositories).chain(manifests).chain(tags).chain(referrers)
}

/// Writes items into the embedded DynamoDB of a data directory that no registry uses yet.
fn fill(directory: &Path, items: impl Iterator<Item = Item>) {
    let path = directory.join("dynamodb.sqlite");
    Store::open(Medium::File(path.clone())).unwrap().create_table("registry").unwrap();
    let database = Database::new(path.to_str().unwrap()).unwrap();
    database.import_items("registry", items.collect(), ImportOptions::default()).unwrap();
}

/// A registry on that directory, and what shows its calls and makes them fail.
async fn start(directory: &Path) -> (Stack, Faults) {
    let faults = Faults::default();
    let options = Options {
        port: 0,
        data: Data::Directory(directory.to_owned()),
        front: true,
        functions: FunctionsMode::InProcess,
        policy: storage::Policy { create_on_push: true, sparse_manifests: false },
        login: None,
        collection: None,
        events: runtime::EventsConfig::default(),
        observer: None,
        faults: Some(faults.clone()),
    };
    (Stack::start(options).await.unwrap(), faults)
}

/// How often each operation was called.
type Calls = BTreeMap<String, usize>;

fn calls(faults: &Faults) -> Calls {
    let mut calls = Calls::new();
    for call in faults.calls() {
        *calls.entry(call.operation).or_default() += 1;
    }
    calls
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn expect(self, status: u16, what: &str) -> Self {
        assert_eq!(self.status, status, "{what}: {}", self.head);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn send(stack: &Stack, method: &str, path: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(stack.address()).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\nAccept: {MEDIA_TYPE}\r\n\
         Content-Type: {MEDIA_TYPE}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: answer[end + 4..].to_vec() }
}

async fn ask(stack: &Stack, method: &str, path: &str) -> Answer {
    send(stack, method, path, b"").await
}

fn at(rest: &str) -> String {
    format!("/v2/{NAME}/{rest}")
}

fn at_manifest(number: usize) -> String {
    at(&format!("manifests/{}", Digest::sha256(&manifest(number))))
}

/// A registry whose requests are counted by their calls.
struct Counting {
    stack: Stack,
    faults: Faults,
    costs: Vec<(String, Calls)>,
}

impl Counting {
    async fn start(directory: &Path) -> Self {
        let (stack, faults) = start(directory).await;
        Self { stack, faults, costs: Vec::new() }
    }

    async fn cost(&mut self, what: &str, status: u16, method: &str, path: &str, body: &[u8]) -> Answer {
        self.faults.rest();
        let answer = send(&self.stack, method, path, body).await.expect(status, what);
        // That an image was pulled is noted after the answer.
        self.stack.told().await;
        self.costs.push((what.to_owned(), calls(&self.faults)));
        answer
    }

    /// A page of a listing, which has to be full and to link to the next one.
    async fn page(&mut self, what: &str, path: &str, list: &str, length: usize) {
        let answer = self.cost(what, 200, "GET", path, b"").await;
        assert_eq!(answer.json()[list].as_array().unwrap().len(), length, "{what}");
        assert!(answer.header("link").is_some(), "{what}");
    }

    /// Each request once, in a registry of that size.
    async fn every_request(mut self, size: Size) -> Vec<(String, Calls)> {
        self.page("tags", &at("tags/list?n=10"), "tags", 10).await;
        let middle = at(&format!("tags/list?n=10&last={}", tag(size.tags / 2)));
        self.page("tags from the middle on", &middle, "tags", 10).await;
        self.page("catalog", "/v2/_catalog?n=10", "repositories", 10).await;
        let middle = format!("/v2/_catalog?n=10&last=r/{:05}", size.repositories / 2);
        self.page("catalog from the middle on", &middle, "repositories", 10).await;
        let referrers = at(&format!("referrers/{}", Digest::sha256(&manifest(0))));
        self.page("referrers", &referrers, "manifests", 100).await;

        let (middle, last) = (size.tags / 2, size.tags - 1);
        let by_tag = at(&format!("manifests/{}", tag(middle)));
        for method in ["GET", "HEAD"] {
            self.cost(&format!("{method} by tag"), 200, method, &by_tag, b"").await;
        }
        self.cost("GET by digest", 200, "GET", &at_manifest(size.manifests - 1), b"").await;
        self.cost("GET of a tag that isn't there", 404, "GET", &at("manifests/absent"), b"").await;
        self.cost("GET of a manifest that isn't there", 404, "GET", &at_manifest(size.manifests), b"").await;

        let new = manifest(size.manifests);
        let blobs = at(&format!("blobs/uploads/?digest={}", Digest::sha256(b"{}")));
        self.cost("push of a blob", 201, "POST", &blobs, b"{}").await;
        self.cost("PUT of a manifest", 201, "PUT", &at_manifest(size.manifests), &new).await;
        self.cost("PUT under a new tag", 201, "PUT", &at("manifests/new"), &new).await;
        self.cost("PUT under a tag that moves", 201, "PUT", &by_tag, &new).await;
        self.cost("DELETE of a tag", 202, "DELETE", &at(&format!("manifests/{}", tag(last))), b"").await;
        self.cost("DELETE of a manifest without tags", 202, "DELETE", &at_manifest(middle), b"").await;
        self.cost("DELETE of a manifest with one tag", 202, "DELETE", &at_manifest(1), b"").await;
        self.stack.stop().await;
        self.costs
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_costs_in_a_large_repository_what_it_costs_in_a_small_one() {
    let mut costs = Vec::new();
    for size in [SMALL, LARGE] {
        let directory = TempDir::new().unwrap();
        fill(directory.path(), everything(size));
        costs.push(Counting::start(directory.path()).await.every_request(size).await);
    }
    for ((what, small), (_, large)) in costs[0].iter().zip(&costs[1]) {
        println!("{what}: {large:?}");
        assert_eq!(small, large, "{what}");
    }
}

const TAGS: usize = 10_000;
/// Tags that go in one transaction: two writes each, and a check.
const TAGS_AT_ONCE: usize = 49;

/// A directory of a registry with one manifest that has all the tags.
fn one_manifest_with_many_tags() -> TempDir {
    let directory = TempDir::new().unwrap();
    let digest = Digest::sha256(&manifest(0));
    let tags = (0..TAGS).flat_map(|number| tag_items(&tag(number), &digest));
    fill(directory.path(), repository_items(&name()).into_iter().chain(manifest_items(0)).chain(tags));
    directory
}

/// Whether a tag is still there: then with the whole manifest, which is there by its digest as well.
async fn is_served(stack: &Stack, tag: &Tag) -> bool {
    let answer = ask(stack, "GET", &at(&format!("manifests/{tag}"))).await;
    if answer.status == 404 {
        return false;
    }
    assert_eq!((answer.status, answer.body), (200, manifest(0)), "{tag}");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_goes_with_ten_thousand_tags_and_none_of_them_serves_it_half() {
    let directory = one_manifest_with_many_tags();
    let (stack, faults) = start(directory.path()).await;
    assert!(is_served(&stack, &tag(0)).await && is_served(&stack, &tag(TAGS - 1)).await);
    // The pull has been noted, once a day.
    stack.told().await;
    faults.rest();

    let deleted = AtomicBool::new(false);
    let delete = async {
        // On a slow machine a function's time may be over before all tags are gone. The client is told to come back.
        let mut interruptions = 0;
        loop {
            let answer = ask(&stack, "DELETE", &at_manifest(0)).await;
            if answer.status == 202 {
                break;
            }
            assert!(answer.expect(503, "DELETE").header("retry-after").is_some());
            interruptions += 1;
            assert!(interruptions < TAGS / TAGS_AT_ONCE, "it gets nowhere");
        }
        deleted.store(true, Ordering::Relaxed);
        interruptions
    };
    // Meanwhile tags from everywhere are pulled, in an order that has nothing to do with theirs.
    let pull = async {
        for number in (0..).map(|n| n * 7919 % TAGS).take_while(|_| !deleted.load(Ordering::Relaxed)) {
            is_served(&stack, &tag(number)).await;
        }
    };
    let (interruptions, ()) = tokio::join!(delete, pull);

    // So many tags in each, and the manifest in one; and each time it is marked.
    let needed = TAGS.div_ceil(TAGS_AT_ONCE) + 2;
    assert!((needed..=needed + 2 * interruptions).contains(&calls(&faults)["TransactWriteItems"]));
    for number in (0..TAGS).step_by(499) {
        assert!(!is_served(&stack, &tag(number)).await);
    }
    assert_eq!(ask(&stack, "GET", &at_manifest(0)).await.status, 404);
    assert_eq!(ask(&stack, "GET", &at("tags/list")).await.json()["tags"], json!([]));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_breaks_off_goes_on_where_it_was() {
    const BEFORE_THE_BREAK: usize = 40;
    let directory = one_manifest_with_many_tags();
    let (stack, faults) = start(directory.path()).await;

    let transactions = AtomicUsize::new(0);
    faults.follow(move |call| {
        let is_transaction = call.operation == "TransactWriteItems";
        let fails = is_transaction && transactions.fetch_add(1, Ordering::Relaxed) >= BEFORE_THE_BREAK;
        fails.then_some(Fault::Refused(Refusal::InternalError))
    });
    let broken = ask(&stack, "DELETE", &at_manifest(0)).await.expect(503, "DELETE");
    assert!(broken.header("retry-after").is_some());

    // Fewer tags, and each that is left serves the whole manifest.
    faults.rest();
    let left = ask(&stack, "GET", &at(&format!("tags/list?n={TAGS}"))).await.json()["tags"].as_array().unwrap().len();
    // The first transaction was the mark.
    assert_eq!(left, TAGS - TAGS_AT_ONCE * (BEFORE_THE_BREAK - 1));
    assert!(!is_served(&stack, &tag(0)).await);
    assert!(is_served(&stack, &tag(TAGS - 1)).await);
    assert_eq!(ask(&stack, "GET", &at_manifest(0)).await.status, 200);

    stack.told().await;
    faults.rest();
    ask(&stack, "DELETE", &at_manifest(0)).await.expect(202, "the same DELETE again");
    assert_eq!(calls(&faults)["TransactWriteItems"], left.div_ceil(TAGS_AT_ONCE) + 2);
    assert!(!is_served(&stack, &tag(TAGS - 1)).await);
    assert_eq!(ask(&stack, "GET", &at_manifest(0)).await.status, 404);
    stack.stop().await;
}
