//! What the programs on this machine call registries with.

use std::error::Error;
use std::time::Duration;

use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// How long it may take to be connected.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Gateways close theirs after a minute or more.
const IDLE: Duration = Duration::from_secs(30);

/// Opens connections, over TLS or plain, as URLs say.
pub type Connector = HttpsConnector<HttpConnector>;
/// Sends requests with bodies of type `B`, over TLS or plain, as their URLs say. It follows no redirects.
pub type HttpClient<B> = Client<Connector, B>;

/// A client that trusts the certificates that this machine trusts.
///
/// # Errors
/// When this machine's certificates can't be read.
pub fn http_client<B>() -> std::io::Result<HttpClient<B>>
where
    B: Body + Send,
    B::Data: Send,
{
    let connector = connector()?;
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build(connector))
}

/// What opens connections, over TLS or plain, and speaks HTTP/1.1. It trusts the certificates that this machine trusts.
///
/// # Errors
/// When this machine's certificates can't be read.
pub fn connector() -> std::io::Result<Connector> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECTING));
    Ok(HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())?
        .https_or_http()
        // In HTTP/1.1 a length that is known is sent as such, and the bytes of two blobs never share a connection.
        .enable_http1()
        .wrap_connector(connector))
}

/// An error and what is behind it: "client error (Connect)" alone tells nobody anything.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
