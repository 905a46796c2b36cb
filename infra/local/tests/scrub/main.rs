//! A scrub of a registry on the embedded stores: each thing is broken behind the registry's back, is found, and is repaired
//! when it can be. And nothing is found where nothing is broken, while clients are at work.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod bench;
mod blobs;
mod cost;
#[path = "../faults/http.rs"]
#[expect(dead_code, reason = "others follow redirects and read JSON")]
mod http;
#[path = "../collector/image.rs"]
mod image;
mod live;
mod manifests;
mod repositories;
mod tags;
mod ways;
mod well;
