//! A client with a repository of its own, beside the one that all share.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use fastrand::Rng;
use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::image::{Image, blobs};
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::strings;
use reqwest::Method;
use reqwest::blocking::Body;
use serde_json::Value;

use crate::http::{Http, bytes, header};
use crate::image::image;
use crate::work::{Kind, Work};

const SHARED: &str = "load/shared";
/// Tags in the shared repository, which point now here, now there.
const SHARED_TAGS: u64 = 4;
/// Entries of a page when tags are listed.
const PAGE: usize = 3;

pub(crate) struct Client<'a> {
    number: u64,
    http: Http,
    random: Rng,
    repository: String,
    /// Images that every client pushes.
    shared: &'a [Image],
    /// Of the image that it pushes next.
    next: u64,
    /// What has to be in its own repository: manifests by digest, and where the tags point.
    manifests: BTreeMap<String, Vec<u8>>,
    tags: BTreeMap<String, String>,
    /// The shared images that it has pushed.
    pushed: BTreeSet<usize>,
    work: Work,
}

impl<'a> Client<'a> {
    pub(crate) fn new(registry: &Registry, shared: &'a [Image], number: u64) -> Self {
        Self {
            number,
            http: Http::new(registry),
            random: Rng::with_seed(number),
            repository: format!("load/own/{number}"),
            shared,
            next: (number + 1) * 1_000_000,
            manifests: BTreeMap::new(),
            tags: BTreeMap::new(),
            pushed: BTreeSet::new(),
            work: Work::default(),
        }
    }

    pub(crate) fn done(self) -> Work {
        self.work
    }

    /// Whatever the machine allows for afterwards, everything is done by somebody.
    #[track_caller]
    pub(crate) fn begin(&mut self) {
        for kind in [Kind::Push, Kind::PushShared, Kind::of(self.number)] {
            self.perform(kind);
        }
    }

    #[track_caller]
    pub(crate) fn work(&mut self) {
        let kind = Kind::any(&mut self.random);
        self.perform(kind);
    }

    /// Does one thing, provided that there is something to do it with.
    #[track_caller]
    fn perform(&mut self, kind: Kind) {
        let done = match kind {
            Kind::Push => self.push(),
            Kind::PushShared => self.push_shared(),
            Kind::Mount => self.mount(),
            Kind::MoveTag => self.move_tag(),
            Kind::Pull => self.pull(),
            Kind::PullShared => self.pull_shared(),
            Kind::List => self.list(),
            Kind::DeleteTag => self.delete_tag(),
            Kind::DeleteImage => self.delete_image(),
        };
        if done.is_some() {
            self.work.count(kind);
        }
    }

    /// At the end everything is there that should be, and nothing else.
    #[track_caller]
    pub(crate) fn check_everything(&mut self) {
        if self.manifests.is_empty() {
            return;
        }
        self.list();
        for tag in self.tags.keys() {
            self.http.get(&manifest(&self.repository, tag), &self.tags[tag]);
        }
        for (digest, bytes) in &self.manifests {
            assert!(self.http.get(&manifest(&self.repository, digest), digest) == *bytes);
        }
    }

    #[track_caller]
    fn push(&mut self) -> Option<()> {
        let image = image(self.next);
        let tag = format!("tag-{}", self.next);
        self.next += 1;
        let repository = self.repository.clone();
        self.push_image(&repository, &tag, &image);
        self.keep(tag, image.digest, image.manifest);
        Some(())
    }

    #[track_caller]
    fn push_shared(&mut self) -> Option<()> {
        let number = self.random.usize(..self.shared.len());
        let tag = format!("shared-{}", self.random.u64(..SHARED_TAGS));
        self.push_image(SHARED, &tag, &self.shared[number]);
        self.pushed.insert(number);
        Some(())
    }

    /// Mounts the blobs of a shared image, all of which have to be there.
    #[track_caller]
    fn mount(&mut self) -> Option<()> {
        let number = self.random.choice(self.pushed.iter().copied())?;
        let image = &self.shared[number];
        for blob in &image.blobs {
            let digest = sha256(blob);
            let path = format!("/v2/{}/blobs/uploads/?mount={digest}&from={SHARED}", self.repository);
            self.http.ask(Method::POST, &path, 201);
        }
        let tag = format!("mounted-{number}");
        self.put_manifest(&self.repository, &tag, &image.digest, &image.manifest);
        self.keep(tag, image.digest.clone(), image.manifest.clone());
        Some(())
    }

    #[track_caller]
    fn move_tag(&mut self) -> Option<()> {
        let tag = self.random.choice(self.tags.keys().cloned())?;
        let (digest, bytes) = self.random.choice(&self.manifests)?;
        self.put_manifest(&self.repository, &tag, digest, bytes);
        self.tags.insert(tag, digest.clone());
        Some(())
    }

    #[track_caller]
    fn pull(&mut self) -> Option<()> {
        let (tag, digest) = self.random.choice(self.tags.clone())?;
        let repository = self.repository.clone();
        assert_eq!(self.pull_image(&repository, &tag), digest, "{repository}:{tag}");
        Some(())
    }

    #[track_caller]
    fn pull_shared(&mut self) -> Option<()> {
        if self.pushed.is_empty() {
            return None;
        }
        let path = format!("/v2/{SHARED}/tags/list");
        let tags: Value = serde_json::from_slice(&bytes(&path, self.http.ask(Method::GET, &path, 200))).expect("JSON");
        // Nothing is ever deleted there, so what is tagged stays tagged.
        let tag = self.random.choice(strings(&tags["tags"]))?;
        let digest = self.pull_image(SHARED, &tag);
        assert!(self.shared.iter().any(|image| image.digest == digest), "{SHARED}:{tag} is {digest}");
        Some(())
    }

    #[track_caller]
    fn list(&mut self) -> Option<()> {
        if self.manifests.is_empty() {
            return None;
        }
        let mut listed = Vec::new();
        let mut next = Some(format!("/v2/{}/tags/list?n={PAGE}", self.repository));
        while let Some(path) = next {
            let page = self.http.ask(Method::GET, &path, 200);
            let link = page.headers().get("link").map(|link| link.to_str().expect("a readable header"));
            next = link.and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
            let page: Value = serde_json::from_slice(&bytes(&path, page)).expect("JSON");
            listed.extend(strings(&page["tags"]));
        }
        assert!(listed.iter().eq(self.tags.keys()), "{}: {listed:?}, not {:?}", self.repository, self.tags.keys());
        Some(())
    }

    #[track_caller]
    fn delete_tag(&mut self) -> Option<()> {
        let tag = self.random.choice(self.tags.keys().cloned())?;
        self.http.ask(Method::DELETE, &manifest(&self.repository, &tag), 202);
        self.http.ask(Method::GET, &manifest(&self.repository, &tag), 404);
        self.tags.remove(&tag);
        Some(())
    }

    #[track_caller]
    fn delete_image(&mut self) -> Option<()> {
        let digest = self.random.choice(self.manifests.keys().cloned())?;
        self.http.ask(Method::DELETE, &manifest(&self.repository, &digest), 202);
        self.http.ask(Method::GET, &manifest(&self.repository, &digest), 404);
        self.manifests.remove(&digest);
        self.tags.retain(|_, tagged| *tagged != digest);
        Some(())
    }

    fn keep(&mut self, tag: String, digest: String, manifest: Vec<u8>) {
        self.tags.insert(tag, digest.clone());
        self.manifests.insert(digest, manifest);
    }

    #[track_caller]
    fn push_image(&mut self, repository: &str, tag: &str, image: &Image) {
        for blob in &image.blobs {
            self.push_blob(repository, blob);
        }
        self.put_manifest(repository, tag, &image.digest, &image.manifest);
    }

    #[track_caller]
    fn put_manifest(&self, repository: &str, tag: &str, digest: &str, bytes: &[u8]) {
        let answer = self.http.send(Method::PUT, &manifest(repository, tag), None, bytes.to_vec().into(), 201);
        assert_eq!(header(&answer, "docker-content-digest"), digest);
    }

    /// In one of the ways that clients have.
    #[track_caller]
    fn push_blob(&mut self, repository: &str, blob: &[u8]) {
        let digest = sha256(blob);
        self.work.sent += blob.len() as u64;
        let uploads = format!("/v2/{repository}/blobs/uploads/");
        let way = self.random.u8(..4);
        if way == 0 {
            let path = format!("{uploads}?digest={digest}");
            self.http.send(Method::POST, &path, None, blob.to_vec().into(), 201);
            return;
        }
        let opened = self.http.ask(Method::POST, &uploads, 202);
        let session = header(&opened, "location");
        let rest = match way {
            // As containerd: all of it with the PUT.
            1 => blob.to_vec(),
            // As podman: a stream without a length.
            2 => {
                let stream = Body::new(Cursor::new(blob.to_vec()));
                self.http.send(Method::PATCH, &session, None, stream, 202);
                Vec::new()
            }
            // In pieces that say where they belong.
            _ => {
                let length = blob.len() / self.random.usize(1..=3) + 1;
                let mut first = 0;
                for piece in blob.chunks(length) {
                    let range = format!("{first}-{}", first + piece.len() - 1);
                    self.http.send(Method::PATCH, &session, Some(&range), piece.to_vec().into(), 202);
                    first += piece.len();
                }
                Vec::new()
            }
        };
        let answer = self.http.send(Method::PUT, &format!("{session}?digest={digest}"), None, rest.into(), 201);
        assert_eq!(header(&answer, "docker-content-digest"), digest);
    }

    /// Pulls manifest and blobs, checks the digest of each, and returns that of the manifest.
    #[track_caller]
    fn pull_image(&mut self, repository: &str, reference: &str) -> String {
        let path = manifest(repository, reference);
        let answer = self.http.ask(Method::GET, &path, 200);
        let digest = header(&answer, "docker-content-digest");
        let manifest = bytes(&path, answer);
        assert_eq!(sha256(&manifest), digest, "{path}");
        for blob in blobs(&manifest) {
            let content = self.http.get(&format!("/v2/{repository}/blobs/{blob}"), &blob);
            self.work.received += content.len() as u64;
        }
        digest
    }
}

fn manifest(repository: &str, reference: &str) -> String {
    format!("/v2/{repository}/manifests/{reference}")
}
