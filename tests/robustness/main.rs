//! Large blobs, many clients at once, connections that break, processes that are killed.
//!
//! No pause decides anything here: a test waits for what it can see, and a limit only keeps it from waiting for ever.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod binaries;
mod crowd;
mod cut;
mod killed;
mod large;
mod patience;
mod pusher;
mod races;
mod resumed;
mod shutdown;
mod visibility;
