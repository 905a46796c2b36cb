//! The push helper: serves the distribution API on loopback and brings layers of any size to a deployed registry.
//!
//! ```text
//! client ── proxy ── gateway ── registry
//!             └────── bucket        (blobs over 4 MB, through URLs that the registry signs)
//! ```
//!
//! A gateway takes requests of a few megabytes and, as far as anybody knows, none of unknown length. Clients send layers
//! whole, most of them without saying how long they are. So the proxy takes uploads into files, verifies their digests,
//! and sends them on in requests that a gateway takes. Everything else passes through as it is.
//!
//! Credentials are the client's own, passed to the registry and to nobody else; or the proxy's, when it has a [`Login`].

mod client;
mod delivery;
mod door;
mod login;
mod origin;
mod pass;
mod payload;
mod progress;
mod reply;
mod retry;
mod sessions;
mod spool;
mod uploads;
mod upstream;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use client::{Connector, HttpClient, connector, http_client, with_causes};
pub use login::Login;
pub use origin::{InvalidOrigin, Origin};
pub use retry::Patience;

use door::Door;

/// How long running requests may take to finish when the proxy stops: a layer may be on its way.
const GRACE: Duration = Duration::from_secs(600);

/// How the proxy runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The registry that it forwards to.
    pub registry: Origin,
    /// Port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// Where layers wait until they are sent on. The files have no names there and are gone when the proxy is, however
    /// it ends.
    pub spool: PathBuf,
    /// How failures of registry and bucket are met.
    pub patience: Patience,
    /// What the proxy logs in with itself; None for what its clients show.
    pub login: Option<Login>,
}

/// Why the proxy didn't start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("port {0} on 127.0.0.1 is in use: choose another one with --port")]
    PortInUse(u16),
    /// The system doesn't let us listen.
    #[error("can't listen on 127.0.0.1:{0}: {1}")]
    Listen(u16, std::io::Error),
    /// Layers can't be kept there.
    #[error("can't write to {directory}: {1}; choose another directory with --spool-dir", directory = .0.display())]
    Spool(PathBuf, std::io::Error),
    /// Nobody could be trusted.
    #[error("no certificates to check the registry's with: {0}; install ca-certificates, or set SSL_CERT_FILE")]
    Certificates(std::io::Error),
}

/// A running proxy. It stops with [`Proxy::stop`], and without grace when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts it, on a runtime with several threads; when this returns, requests are answered.
    ///
    /// # Errors
    /// When the port, the directory or the system's certificates can't be had.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let port = options.port;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortInUse(port),
            _ => StartError::Listen(port, error),
        })?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(port, error))?;
        let door = Arc::new(Door::new(options)?);
        let answer = move |request, _| {
            let door = door.clone();
            async move { door.handle(request).await }
        };
        let (stop, stops) = watch::channel(false);
        let serving = tokio::spawn(serve::serve(listener, answer, GRACE, stops));
        Ok(Self { address, stop, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets running requests finish.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the proxy failed while it stopped");
        }
    }
}
