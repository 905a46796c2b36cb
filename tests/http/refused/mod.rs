//! Bad input: the right code and status, a message that says what to do, and nothing of it is stored.

mod manifests;
mod names;
mod references;
mod routes;
mod schema1;
mod uploads;
