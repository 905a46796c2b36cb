//! An upload session, request by request.

use std::io::Read;

use crate::http::{Answer, Request};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::wire::Wire;

/// Size of the parts that a session stores: where it goes on after a break is a multiple of it.
pub const PART: u64 = 8 << 20;

/// A session of a running registry.
pub struct Session<'a> {
    registry: &'a Registry,
    location: String,
}

impl<'a> Session<'a> {
    /// Opens one.
    #[track_caller]
    pub fn start(registry: &'a Registry, repository: &str) -> Self {
        Self { registry, location: Repository::new(registry, repository).start_upload() }
    }

    /// The same session of a registry that was started again.
    pub fn go_on(registry: &'a Registry, location: String) -> Self {
        Self { registry, location }
    }

    /// The path that the registry gave it.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// A PATCH whose body the test writes.
    #[track_caller]
    pub fn patch(&self, headers: &[(&str, &str)]) -> Wire {
        Wire::open(self.registry.address(), "PATCH", &self.location, headers)
    }

    /// A PUT whose body the test writes.
    #[track_caller]
    pub fn put(&self, digest: &str) -> Wire {
        Wire::open(self.registry.address(), "PUT", &format!("{}?digest={digest}", self.location), &[])
    }

    /// A whole PATCH of what comes after `first` bytes.
    #[track_caller]
    pub fn patch_from(&self, first: u64, length: u64, bytes: impl Read) -> Answer {
        let range = format!("{first}-{}", first + length - 1);
        let mut patch = self.patch(&[("Content-Range", &range)]);
        patch.send(bytes);
        patch.finish()
    }

    /// The PUT that ends it without any more bytes.
    #[track_caller]
    pub fn finish(&self, digest: &str) -> Answer {
        self.put(digest).finish()
    }

    /// Asks how far it is.
    #[track_caller]
    pub fn status(&self) -> Answer {
        self.request("GET").send()
    }

    /// Gives it up.
    #[track_caller]
    pub fn cancel(&self) -> Answer {
        self.request("DELETE").send()
    }

    /// How many bytes the session has, by its own account.
    #[track_caller]
    pub fn received(&self) -> u64 {
        received(&self.status().expect(204))
    }

    #[track_caller]
    fn request(&self, method: &str) -> Request {
        Request::new(method, &self.registry.url(&self.location))
    }
}

/// The number of bytes that a `Range` header tells of. It can't tell one byte from none.
#[track_caller]
pub fn received(answer: &Answer) -> u64 {
    match answer.expect_header("range").strip_prefix("0-").and_then(|last| last.parse::<u64>().ok()) {
        Some(0) => 0,
        Some(last) => last + 1,
        None => panic!("{}: {:?}", answer.request, answer.headers),
    }
}
