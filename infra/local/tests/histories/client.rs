//! A client: does its steps, repeats what fails, and takes everything down that it sees.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use protocol::Digest;
use serde_json::Value;

use crate::chance::Chance;
use crate::history::{Blob, Entry, Event, Interval, Manifest, Outcome, Repository, Set, Tag};
use crate::http::{Answer, Request};
use crate::image::{INDEX, OCI, SCHEMA2};
use crate::steps::{Step, Way};
use crate::things::{Things, tag_name, tag_of};

/// How often a request is made that gets 429 or 503.
const ATTEMPTS: usize = 3;

/// The steps that a client does on the slowest of machines.
const LEAST: usize = 30;

pub(crate) struct Client {
    number: usize,
    address: SocketAddr,
    things: Arc<Things>,
    begin: Instant,
    seen: Vec<Entry>,
}

/// What an answer says about something that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    There,
    Absent,
    /// 429 or 503.
    Unknown,
    Garbled,
}

fn is_failure(answer: &Answer) -> bool {
    matches!(answer.status, 429 | 503)
}

fn read(answer: &Answer, there: u16) -> Read {
    match answer.status {
        status if status == there => Read::There,
        404 => Read::Absent,
        429 | 503 => Read::Unknown,
        _ => Read::Garbled,
    }
}

/// What a list has; None when something is in it that nobody pushed.
fn places(list: &Value, place: impl Fn(&Value) -> Option<usize>) -> Option<Set> {
    list.as_array()?.iter().map(place).collect()
}

/// None for an answer that there is none like.
fn outcome(answer: &Answer, done: u16) -> Option<Outcome> {
    Some(match answer.status {
        status if status == done => Outcome::Done,
        429 | 503 => Outcome::Unknown,
        404 => Outcome::Absent,
        403 | 405 => Outcome::Referred,
        400 => match answer.json()["errors"][0]["code"].as_str() {
            Some("MANIFEST_BLOB_UNKNOWN") => Outcome::Missing,
            Some("TAG_INVALID") => Outcome::Immutable,
            _ => return None,
        },
        _ => return None,
    })
}

impl Client {
    pub(crate) fn new(number: usize, address: SocketAddr, things: Arc<Things>, begin: Instant) -> Self {
        Self { number, address, things, begin, seen: Vec::new() }
    }

    /// Until the time is over. Says what it saw.
    pub(crate) async fn play(mut self, mut chance: Chance, until: Instant) -> Vec<Entry> {
        let mut steps = 0;
        while steps < LEAST || Instant::now() < until {
            steps += 1;
            let (repository, step) = Step::draw(&self.things, &mut chance);
            self.step(repository, step).await;
        }
        self.seen
    }

    async fn step(&mut self, repository: Repository, step: Step) {
        match step {
            Step::Push { manifest, tag, way } => self.push(repository, manifest, tag, way).await,
            Step::Pull { tag, as_docker } => self.pull(repository, tag, as_docker).await,
            Step::PullDigest { manifest } => self.pull_digest(repository, manifest).await,
            Step::Ask { manifest } => drop(self.ask(repository, manifest).await),
            Step::List => self.list(repository).await,
            Step::Referrers { subject } => self.referrers(repository, subject).await,
            Step::Untag { tag } => {
                let request = Request::new("DELETE", self.tag_path(repository, tag));
                self.change(repository, request, 202, |outcome| Event::Untag { tag, outcome }).await;
            }
            Step::Delete { manifest } => {
                let request = Request::new("DELETE", self.manifest_path(repository, manifest));
                self.change(repository, request, 202, |outcome| Event::Delete { manifest, outcome }).await;
            }
            Step::DropBlob { blob } => {
                let request = Request::new("DELETE", self.blob_path(repository, blob));
                self.change(repository, request, 202, |outcome| Event::Drop { blob, outcome }).await;
            }
        }
    }

    fn path(&self, repository: Repository, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.things.repositories[repository])
    }

    fn manifest_path(&self, repository: Repository, manifest: Manifest) -> String {
        self.path(repository, &format!("manifests/{}", self.things.manifests[manifest].digest))
    }

    fn tag_path(&self, repository: Repository, tag: Tag) -> String {
        self.path(repository, &format!("manifests/{}", tag_name(tag)))
    }

    fn blob_path(&self, repository: Repository, blob: Blob) -> String {
        self.path(repository, &format!("blobs/{}", self.things.blobs[blob].0))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap()
    }

    async fn send(&self, request: &Request) -> (Answer, Interval) {
        let start = self.now();
        let answer = request.send(self.address).await;
        (answer, Interval { start, end: self.now() })
    }

    fn note(&mut self, repository: Repository, at: Interval, event: Event) {
        self.seen.push(Entry { client: self.number, repository, at, event });
    }

    fn garbled(&mut self, repository: Repository, at: Interval, answer: &Answer) {
        println!("--- {answer}");
        self.note(repository, at, Event::Garbled);
    }

    /// A request that changes something; every attempt is an event of its own. Says what came of the last.
    async fn change(
        &mut self,
        repository: Repository,
        request: Request,
        done: u16,
        event: impl Fn(Outcome) -> Event,
    ) -> Option<Outcome> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let (answer, at) = self.send(&request).await;
            last = outcome(&answer, done);
            match last {
                Some(outcome) => self.note(repository, at, event(outcome)),
                None => self.garbled(repository, at, &answer),
            }
            if last != Some(Outcome::Unknown) {
                break;
            }
        }
        last
    }

    async fn push(&mut self, repository: Repository, manifest: Manifest, tag: Option<Tag>, way: Way) {
        for child in self.things.universe.manifests[manifest].children.clone() {
            if self.ask(repository, child).await == Read::Absent {
                self.push_alone(repository, child, None, way).await;
            }
        }
        self.push_alone(repository, manifest, tag, way).await;
    }

    async fn push_alone(&mut self, repository: Repository, manifest: Manifest, tag: Option<Tag>, way: Way) {
        for blob in self.things.universe.manifests[manifest].blobs.clone() {
            self.bring(repository, blob, way).await;
        }
        let image = &self.things.manifests[manifest];
        let path = match tag {
            Some(tag) => self.tag_path(repository, tag),
            None => self.manifest_path(repository, manifest),
        };
        let put = Request::new("PUT", path).header("Content-Type", image.media_type).body(&image.manifest);
        self.change(repository, put, 201, |outcome| Event::Push { manifest, tag, outcome }).await;
    }

    /// Makes sure of a blob, as clients do before they push what names it.
    async fn bring(&mut self, repository: Repository, blob: Blob, way: Way) {
        let (answer, at) = self.send(&Request::new("HEAD", self.blob_path(repository, blob))).await;
        match read(&answer, 307) {
            Read::There => return self.note(repository, at, Event::Wanted { blob, there: true }),
            Read::Absent => self.note(repository, at, Event::Wanted { blob, there: false }),
            Read::Unknown => {}
            Read::Garbled => self.garbled(repository, at, &answer),
        }
        let is_done = match way {
            Way::Whole => false,
            Way::Pieces => self.upload_in_pieces(repository, blob).await,
            Way::Mount(from) => self.mount(repository, blob, from).await,
        };
        if !is_done {
            let (digest, bytes) = &self.things.blobs[blob];
            let path = self.path(repository, &format!("blobs/uploads/?digest={digest}"));
            let post = Request::new("POST", path).body(bytes);
            self.change(repository, post, 201, |outcome| Event::Store { blob, outcome }).await;
        }
    }

    async fn mount(&mut self, repository: Repository, blob: Blob, from: Repository) -> bool {
        let (digest, source) = (&self.things.blobs[blob].0, &self.things.repositories[from]);
        let path = self.path(repository, &format!("blobs/uploads/?mount={digest}&from={source}"));
        let (answer, at) = self.send(&Request::new("POST", path)).await;
        match answer.status {
            201 => {
                self.note(from, at, Event::Fetched { blob, there: true });
                self.note(repository, at, Event::Store { blob, outcome: Outcome::Done });
                return true;
            }
            // A session, which is left alone.
            202 => self.note(from, at, Event::Fetched { blob, there: false }),
            429 | 503 => self.note(repository, at, Event::Store { blob, outcome: Outcome::Unknown }),
            _ => self.garbled(repository, at, &answer),
        }
        false
    }

    /// A session that fails is left alone, for the collector.
    async fn upload_in_pieces(&mut self, repository: Repository, blob: Blob) -> bool {
        let (opened, at) = self.send(&Request::new("POST", self.path(repository, "blobs/uploads/"))).await;
        if opened.status != 202 {
            if !is_failure(&opened) {
                self.garbled(repository, at, &opened);
            }
            return false;
        }
        let session = opened.expect_header("location").to_owned();
        let (digest, bytes) = self.things.blobs[blob].clone();
        if self.send(&Request::new("PATCH", &session).body(&bytes)).await.0.status != 202 {
            return false;
        }
        let (answer, at) = self.send(&Request::new("PUT", format!("{session}?digest={digest}"))).await;
        match answer.status {
            201 => self.note(repository, at, Event::Store { blob, outcome: Outcome::Done }),
            // 404 when it stood still for so long that the collector ended it.
            404 | 429 | 503 => self.note(repository, at, Event::Store { blob, outcome: Outcome::Unknown }),
            _ => self.garbled(repository, at, &answer),
        }
        answer.status == 201
    }

    async fn ask(&mut self, repository: Repository, manifest: Manifest) -> Read {
        let head = Request::new("HEAD", self.manifest_path(repository, manifest)).header("Accept", "*/*");
        let (answer, at) = self.send(&head).await;
        let read = read(&answer, 200);
        match read {
            Read::There => self.note(repository, at, Event::Found { manifest, there: true }),
            Read::Absent => self.note(repository, at, Event::Found { manifest, there: false }),
            Read::Unknown => {}
            Read::Garbled => self.garbled(repository, at, &answer),
        }
        read
    }

    async fn list(&mut self, repository: Repository) {
        let (answer, at) = self.send(&Request::new("GET", self.path(repository, "tags/list"))).await;
        let tags = match read(&answer, 200) {
            Read::There => places(&answer.json()["tags"], |entry| tag_of(entry.as_str()?)),
            // There is no such repository yet.
            Read::Absent => Some(Set::default()),
            Read::Unknown => return,
            Read::Garbled => None,
        };
        match tags {
            Some(tags) => self.note(repository, at, Event::Listed { tags }),
            None => self.garbled(repository, at, &answer),
        }
    }

    async fn referrers(&mut self, repository: Repository, subject: Manifest) {
        let path = self.path(repository, &format!("referrers/{}", self.things.manifests[subject].digest));
        let (answer, at) = self.send(&Request::new("GET", path)).await;
        let listed = match read(&answer, 200) {
            Read::There => {
                places(&answer.json()["manifests"], |entry| self.things.manifest_of(entry["digest"].as_str()?))
            }
            Read::Absent => Some(Set::default()),
            Read::Unknown => return,
            Read::Garbled => None,
        };
        let referrers: Set = self.things.universe.referrers(subject).collect();
        match listed.filter(|listed| listed.is_in(referrers)) {
            Some(listed) => self.note(repository, at, Event::Referrers { subject, listed }),
            None => self.garbled(repository, at, &answer),
        }
    }

    async fn pull_digest(&mut self, repository: Repository, manifest: Manifest) {
        let get = Request::new("GET", self.manifest_path(repository, manifest)).header("Accept", "*/*");
        let (answer, at) = self.send(&get).await;
        match read(&answer, 200) {
            Read::There if answer.body == self.things.manifests[manifest].manifest => {
                self.note(repository, at, Event::Found { manifest, there: true });
                self.fetch_all(repository, manifest).await;
            }
            Read::Absent => self.note(repository, at, Event::Found { manifest, there: false }),
            Read::Unknown => {}
            Read::There | Read::Garbled => self.garbled(repository, at, &answer),
        }
    }

    async fn pull(&mut self, repository: Repository, tag: Tag, as_docker: bool) {
        let accept = if as_docker { SCHEMA2.to_owned() } else { format!("{OCI}, {INDEX}") };
        let get = Request::new("GET", self.tag_path(repository, tag)).header("Accept", accept);
        let (answer, at) = self.send(&get).await;
        match read(&answer, 200) {
            Read::There => {}
            Read::Absent => return self.note(repository, at, Event::Tagged { tag, manifest: None }),
            Read::Unknown => return,
            Read::Garbled => return self.garbled(repository, at, &answer),
        }
        let served = answer.header("docker-content-digest").unwrap_or_default().to_owned();
        let stored = answer.header("x-registry-stored-digest").unwrap_or(&served);
        let Some(manifest) = self.things.manifest_of(stored) else { return self.garbled(repository, at, &answer) };
        let is_stored = answer.body == self.things.manifests[manifest].manifest;
        if Digest::sha256(&answer.body).to_string() != served || is_stored == as_docker {
            return self.garbled(repository, at, &answer);
        }
        self.note(repository, at, Event::Tagged { tag, manifest: Some(manifest) });
        let is_image = self.things.universe.manifests[manifest].children.is_empty();
        if as_docker && is_image {
            self.note(repository, at, Event::Converted { source: manifest });
            self.pull_conversion(repository, manifest, &served, &answer.body).await;
        }
        self.fetch_all(repository, manifest).await;
    }

    async fn pull_conversion(&mut self, repository: Repository, source: Manifest, digest: &str, bytes: &[u8]) {
        let get = Request::new("GET", self.path(repository, &format!("manifests/{digest}")));
        let (answer, at) = self.send(&get).await;
        match read(&answer, 200) {
            Read::There if answer.body == bytes => self.note(repository, at, Event::Derived { source, there: true }),
            Read::Absent => self.note(repository, at, Event::Derived { source, there: false }),
            Read::Unknown => {}
            Read::There | Read::Garbled => self.garbled(repository, at, &answer),
        }
    }

    /// Every blob of an image, through the redirect.
    async fn fetch_all(&mut self, repository: Repository, manifest: Manifest) {
        for blob in self.things.universe.manifests[manifest].blobs.clone() {
            let start = self.now();
            let (answer, at) = self.send(&Request::new("GET", self.blob_path(repository, blob))).await;
            match read(&answer, 307) {
                Read::There => {}
                Read::Absent => {
                    self.note(repository, at, Event::Fetched { blob, there: false });
                    continue;
                }
                Read::Unknown => continue,
                Read::Garbled => {
                    self.garbled(repository, at, &answer);
                    continue;
                }
            }
            let object = Request::new("GET", answer.expect_header("location")).send_to_its_host().await;
            let at = Interval { start, end: self.now() };
            match object.status {
                200 if object.body == self.things.blobs[blob].1 => {
                    self.note(repository, at, Event::Fetched { blob, there: true });
                }
                404 => self.note(repository, at, Event::Fetched { blob, there: false }),
                _ => self.garbled(repository, at, &object),
            }
        }
    }
}
