//! Large blobs, many clients at once, connections that break, processes that are killed.
//!
//! No pause decides anything here: a test waits for what it can see, and a limit only keeps it from waiting for ever.

mod binaries;
mod crowd;
mod cut;
mod image;
mod killed;
mod large;
mod patience;
mod pusher;
mod races;
mod resumed;
mod session;
mod shutdown;
mod visibility;
