//! S3 over HTTP/1.1.

use std::time::Duration;

use http::{Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::SimpleAuth;
use s3s::dto::Range;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;

use super::Credentials;
use super::backend::Backend;

/// How long requests that run at the shutdown may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be accepted, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn serve(
    backend: Backend,
    listener: TcpListener,
    credentials: &Credentials,
    shutdown: impl Future<Output = ()>,
) {
    let mut builder = S3ServiceBuilder::new(backend);
    builder.set_auth(SimpleAuth::from_single(credentials.access_key.as_str(), credentials.secret_key.as_str()));
    let service = builder.build();
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(cause) => {
                    tracing::warn!(%cause, "embedded S3 can't accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // Else an answer of several packets waits for the client's acknowledgement, 40 ms on Linux.
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!(%cause, "TCP_NODELAY can't be set");
        }
        let service = service.clone();
        let connection = http1::Builder::new().serve_connection(
            TokioIo::new(stream),
            service_fn(move |request: Request<Incoming>| {
                let service = service.clone();
                async move { service.call(as_s3_reads_it(request).map(s3s::Body::from)).await }
            }),
        );
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(cause) = connection.await {
                tracing::debug!(%cause, "a connection to embedded S3 broke");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("requests to embedded S3 still run after the time granted them at the shutdown");
    }
}

/// Takes away what S3 ignores and the protocol layer would refuse.
fn as_s3_reads_it(mut request: Request<Incoming>) -> Request<Incoming> {
    let query = request.uri().query().unwrap_or_default();
    if !query.split('&').any(|parameter| parameter.starts_with("X-Amz-Signature=")) {
        return request;
    }
    // A registry's client carries its token along the redirect, from one port of this host to another.
    request.headers_mut().remove(header::AUTHORIZATION);
    // S3 answers a range that it can't parse, or several, with the whole object.
    let range = request.headers().get(header::RANGE).map(|range| range.to_str().ok().map(Range::parse));
    if let Some(None | Some(Err(_))) = range {
        request.headers_mut().remove(header::RANGE);
    }
    request
}
