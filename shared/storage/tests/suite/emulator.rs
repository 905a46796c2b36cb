//! Emulators that are processes of their own and take a while to start: tests that run at the same time share one.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

/// An emulator, while tests need it.
pub(crate) struct Shared(Mutex<Weak<Emulator>>);

impl Shared {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The one that runs, or a new one: a process, which ends when it is dropped, and where it listens.
    pub(crate) fn running<P: 'static>(&self, start: fn() -> (P, String)) -> Arc<Emulator> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(emulator) = running.upgrade() {
            return emulator;
        }
        let emulator = Arc::new(Emulator::start(start));
        *running = Arc::downgrade(&emulator);
        emulator
    }
}

/// A process dies with the thread that started it, which may not be a test's: others need it longer.
pub(crate) struct Emulator {
    address: SocketAddr,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Emulator {
    fn start<P: 'static>(start: fn() -> (P, String)) -> Self {
        let (stop, stopped) = channel::<()>();
        let (tell, told) = channel();
        let thread = std::thread::spawn(move || {
            let (_process, address) = start();
            tell.send(address.parse().unwrap()).unwrap();
            // Nothing is ever sent: the other end goes.
            let _ = stopped.recv();
        });
        let address = told.recv().expect("the emulator starts");
        Self { address, thread: Some((stop, thread)) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            drop(thread.join());
        }
    }
}
