//! A client that may lose its registry, and that tries again when the registry says so.

use std::time::Duration;

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::registry::Registry;
use reqwest::Method;
use reqwest::blocking::{Client, Response};

use lambda_registry_tests::image::MEDIA_TYPE;

/// Fits into an event.
const PIECE: usize = 4_000_000;

/// How often a push is tried. Each time the registry has asked for it.
const ATTEMPTS: usize = 100;

/// The registry is gone.
#[derive(Debug)]
pub(crate) struct Lost;

/// How a blob travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// POST and one PUT, as containerd does it.
    Put,
    /// POST, PATCH, and an empty PUT, as podman does it.
    Patch,
    /// One POST.
    Post,
    /// POST, PATCHes that fit through a gateway, and an empty PUT.
    Pieces,
}

/// What a request came to.
enum Asked {
    Answer(Response),
    /// The registry has too much to do: 429 or 503, with the time after which to try again.
    Later(Duration),
}

/// A client of its own, with its own connections.
#[derive(Clone)]
pub(crate) struct Pusher {
    http: Client,
    address: String,
}

impl Pusher {
    pub(crate) fn new(registry: &Registry) -> Self {
        // A crowd waits for its turn, and how long that takes is the machine's affair.
        let http = Client::builder().timeout(None).build().unwrap();
        Self { http, address: registry.address().to_owned() }
    }

    /// Pushes a blob; a push that the registry can't take now starts again with a new session.
    #[track_caller]
    pub(crate) fn push_blob(&self, repository: &str, blob: &[u8], way: Way) -> Result<String, Lost> {
        let digest = sha256(blob);
        for _ in 0..ATTEMPTS {
            match self.try_push_blob(repository, blob, &digest, way)? {
                None => return Ok(digest),
                Some(pause) => std::thread::sleep(pause),
            }
        }
        panic!("{repository}: {digest} can't be pushed in {ATTEMPTS} attempts");
    }

    /// Stores a manifest under a tag or digest.
    #[track_caller]
    pub(crate) fn put_manifest(&self, repository: &str, reference: &str, manifest: &[u8]) -> Result<(), Lost> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        for _ in 0..ATTEMPTS {
            match self.ask(Method::PUT, &path, manifest, 201)? {
                Asked::Answer(_) => return Ok(()),
                Asked::Later(pause) => std::thread::sleep(pause),
            }
        }
        panic!("{path} can't be stored in {ATTEMPTS} attempts");
    }

    /// Deletes a manifest; one that isn't there is deleted already.
    #[track_caller]
    pub(crate) fn delete_manifest(&self, repository: &str, digest: &str) -> Result<(), Lost> {
        let path = format!("/v2/{repository}/manifests/{digest}");
        for _ in 0..ATTEMPTS {
            match self.ask_for(Method::DELETE, &path, &[], &[202, 404])? {
                Asked::Answer(_) => return Ok(()),
                Asked::Later(pause) => std::thread::sleep(pause),
            }
        }
        panic!("{path} can't be deleted in {ATTEMPTS} attempts");
    }

    #[track_caller]
    fn try_push_blob(&self, repository: &str, blob: &[u8], digest: &str, way: Way) -> Result<Option<Duration>, Lost> {
        let uploads = format!("/v2/{repository}/blobs/uploads/");
        if way == Way::Post {
            let path = format!("{uploads}?digest={digest}");
            return Ok(match self.ask(Method::POST, &path, blob, 201)? {
                Asked::Answer(_) => None,
                Asked::Later(pause) => Some(pause),
            });
        }
        let session = match self.ask(Method::POST, &uploads, &[], 202)? {
            Asked::Answer(answer) => answer.headers()["location"].to_str().unwrap().to_owned(),
            Asked::Later(pause) => return Ok(Some(pause)),
        };
        let (pieces, rest): (Vec<&[u8]>, &[u8]) = match way {
            Way::Patch => (vec![blob], &[]),
            Way::Pieces => (blob.chunks(PIECE).collect(), &[]),
            Way::Put | Way::Post => (Vec::new(), blob),
        };
        for piece in pieces {
            if let Asked::Later(pause) = self.ask(Method::PATCH, &session, piece, 202)? {
                return Ok(Some(pause));
            }
        }
        Ok(match self.ask(Method::PUT, &format!("{session}?digest={digest}"), rest, 201)? {
            Asked::Answer(_) => None,
            Asked::Later(pause) => Some(pause),
        })
    }

    #[track_caller]
    fn ask(&self, method: Method, path: &str, body: &[u8], expected: u16) -> Result<Asked, Lost> {
        self.ask_for(method, path, body, &[expected])
    }

    #[track_caller]
    fn ask_for(&self, method: Method, path: &str, body: &[u8], expected: &[u16]) -> Result<Asked, Lost> {
        let what = format!("{method} {path}");
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let answer = request.header("content-type", MEDIA_TYPE).body(body.to_vec()).send().map_err(|_| Lost)?;
        match answer.status().as_u16() {
            status if expected.contains(&status) => Ok(Asked::Answer(answer)),
            429 | 503 => {
                let seconds =
                    answer.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok());
                let seconds = seconds.unwrap_or_else(|| panic!("{what}: {} without Retry-After", answer.status()));
                Ok(Asked::Later(Duration::from_secs(seconds)))
            }
            status => match answer.text() {
                Ok(text) => panic!("{what}: {status}: {text}"),
                Err(_) => Err(Lost),
            },
        }
    }
}
