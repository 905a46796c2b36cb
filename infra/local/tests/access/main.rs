//! Who may do what, and what becomes of those who try more.
//!
//! A matrix of principals, operations and repositories that is made from the route table; attacks, each of which is
//! refused and written down; keys and their rotation; how long what was taken away still works; what it costs. In the
//! whole run no secret gets into the log.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod audit;
mod calls;
mod credentials;
mod endpoint;
mod existence;
mod flood;
mod forge;
mod http;
mod instance;
mod keys;
mod log;
mod login;
mod matrix;
mod names;
mod operations;
mod principals;
mod processes;
mod registry;
mod revocation;
mod sessions;
mod signed;
mod stores;
mod tokens;
mod urls;
