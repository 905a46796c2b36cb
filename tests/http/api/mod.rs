//! The distribution API, with the statuses and headers that clients rely on.

mod blobs;
mod deletion;
mod direct;
mod limits;
mod listings;
mod manifests;
mod mounts;
mod referrers;
mod settings;
mod uploads;
