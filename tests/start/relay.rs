//! TLS before the embedded stores, and a count of the connections that were opened.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::CertifiedKey;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The name in the certificate.
const HOST: &str = "localhost";

/// Who the relays are, for clients that trust the certificate.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    /// The certificate, which is its own authority.
    pub(crate) certificate: String,
}

impl Tls {
    /// With a certificate made on the spot.
    pub(crate) fn generate() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config.expect("a certificate of its key"))),
            certificate: cert.pem(),
        }
    }
}

/// A relay to one store.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) url: String,
    opened: Arc<AtomicUsize>,
}

impl Relay {
    /// Stands before the store at `upstream` as long as the runtime lives.
    pub(crate) async fn start(tls: &Tls, upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("https://{HOST}:{}", listener.local_addr().expect("an address").port());
        let opened = Arc::new(AtomicUsize::new(0));
        tokio::spawn(accept(listener, tls.acceptor.clone(), upstream, opened.clone()));
        Self { url, opened }
    }

    /// How many connections were opened so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, upstream: SocketAddr, opened: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        opened.fetch_add(1, Ordering::Relaxed);
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let mut client = acceptor.accept(stream).await?;
            let mut store = TcpStream::connect(upstream).await?;
            store.set_nodelay(true)?;
            // It ends when either side does; a function that is killed says no farewell.
            copy_bidirectional(&mut client, &mut store).await
        });
    }
}
