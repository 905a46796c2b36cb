//! TLS for the emulator, on port 443 under the host names of AWS.
//!
//! It terminates TLS, says so in `X-Forwarded-Proto`, which is what the emulator evaluates `aws:SecureTransport` by, and
//! writes the path of some requests differently (`address.rs`). It does nothing else: what API Gateway does and the
//! emulator doesn't (limits, throttling, mapping of response headers, its own errors) nobody does here.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::address;
use crate::certificates::Identity;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A running front. It ends when this is dropped.
pub(crate) struct Front {
    _runtime: Runtime,
}

impl Front {
    /// Starts it before an emulator on `127.0.0.1:<port>`.
    #[track_caller]
    pub(crate) fn start(identity: &Identity, emulator: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads for the front");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
        let listener = runtime.block_on(TcpListener::bind(address)).expect("port 443 in a namespace of our own");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the usual versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
            .expect("a certificate with its key");
        runtime.spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), Forward::to(emulator)));
        Self { _runtime: runtime }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, forward: Forward) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, forward) = (acceptor.clone(), forward.clone());
        tokio::spawn(async move {
            // Clients break connections off as they like: it is theirs to say why.
            let _ = serve(stream, acceptor, forward).await;
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, forward: Forward) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(|request| forward.answer(request));
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?;
    Ok(())
}

#[derive(Clone)]
struct Forward {
    client: Client<HttpConnector, Incoming>,
    emulator: String,
}

impl Forward {
    fn to(emulator: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // The `Host` that the client sent is signed: it goes on as it is.
        Self { client: Client::builder(TokioExecutor::new()).set_host(false).build(connector), emulator }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Error> {
        match self.forward(request).await {
            Ok(answer) => Ok(answer.map(BodyExt::boxed)),
            Err(error) => {
                let text = Full::new(Bytes::from(format!("the emulator doesn't answer: {error}\n")));
                let body = text.map_err(|never| match never {}).boxed();
                Ok(Response::builder().status(StatusCode::BAD_GATEWAY).body(body)?)
            }
        }
    }

    async fn forward(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>, Error> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let path = address::path(host, request.uri().path());
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let uri: Uri = format!("http://{}{path}{query}", self.emulator).parse()?;
        *request.uri_mut() = uri;
        request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
        Ok(self.client.request(request).await?)
    }
}
