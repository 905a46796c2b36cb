//! What the end-to-end tests stand on: the registry as a process, real clients in homes of their own, and images that
//! are built on the spot.
//!
//! Everything lives in temporary directories and on ports of the loopback interface that the system picks, so tests
//! run side by side, and nothing of the machine's own container storage or configuration is read or written.
//! A harness that can't do its work panics with everything that it knows: its callers are tests.

pub mod clients;
pub mod command;
pub mod content;
pub mod desk;
pub mod digest;
pub mod docker_registry;
pub mod document;
pub mod download;
pub mod dynamodb_local;
pub mod http;
pub mod image;
pub mod images;
pub mod keep_alive;
pub mod measure;
pub mod ministack;
pub mod modes;
pub mod process;
pub mod proxy;
pub mod registry;
pub mod repository;
pub mod server;
pub mod session;
pub mod types;
pub mod wire;
