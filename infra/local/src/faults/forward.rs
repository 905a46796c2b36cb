//! The forwarder: a request goes on to the embedded service, and the answer back, unless the plan has it otherwise.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::meter::Meter;
use super::{Fault, Faults, Service, answer};

type Answer = Response<BoxBody<Bytes, io::Error>>;

impl Faults {
    /// Stands on `listener` before a service that listens at `upstream`, until `shutdown` resolves.
    pub async fn serve(
        &self,
        service: Service,
        listener: TcpListener,
        upstream: SocketAddr,
        shutdown: impl Future<Output = ()>,
    ) {
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            drop(stream.set_nodelay(true));
            let faults = self.clone();
            let service = service_fn(move |request| {
                let faults = faults.clone();
                async move { faults.handle(service, upstream, request).await }
            });
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new();
                // Closing it is one of the faults.
                drop(connection.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    }

    /// An error closes the connection.
    async fn handle(&self, service: Service, upstream: SocketAddr, request: Request<Incoming>) -> io::Result<Answer> {
        let (mut parts, body) = request.into_parts();
        let mut body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let (fault, paused) = self.decide(service, &parts);
        if let Some(paused) = paused {
            paused.wait().await;
        }
        let is_head = parts.method == Method::HEAD;
        let meter = self.meter.as_ref().map(|meter| (meter, Meter::begin(service, &mut parts, &mut body)));
        let request = Request::from_parts(parts, body.clone());
        let forward = async move {
            let answer = forward(upstream, request).await?;
            if let Some((meter, reading)) = meter {
                meter.end(reading, &answer);
            }
            io::Result::Ok(answer)
        };
        match fault {
            None => Ok(whole(forward.await?)),
            Some(Fault::Refused(refusal)) => Ok(of_our_own(refusal.answer(service, &body), is_head)),
            Some(Fault::Unprocessed) => Ok(whole(answer::unprocessed(&body))),
            Some(Fault::AnswerFailed) => {
                forward.await?;
                Ok(of_our_own(answer::internal_error(service), is_head))
            }
            Some(Fault::AnswerLost) => {
                forward.await?;
                Err(lost())
            }
            Some(Fault::AnswerCut) => match forward.await? {
                answered if answered.body().is_empty() => Err(lost()),
                answered => Ok(cut(answered)),
            },
            Some(Fault::AnswerWithheld) => {
                forward.await?;
                std::future::pending().await
            }
            Some(Fault::Ignored) => std::future::pending().await,
        }
    }
}

async fn forward(upstream: SocketAddr, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request.map(Full::new)).await.map_err(io::Error::other)?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(parts, body))
}

fn whole(answer: Response<Bytes>) -> Answer {
    answer.map(|body| Full::new(body).map_err(|never: Infallible| match never {}).boxed())
}

/// Answers to HEAD have no body that could say what is wrong.
fn of_our_own(answer: Response<Bytes>, is_head: bool) -> Answer {
    whole(if is_head { answer.map(|_| Bytes::new()) } else { answer })
}

/// The first half of an answer.
fn cut(answer: Response<Bytes>) -> Answer {
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
    parts.headers.remove(header::TRANSFER_ENCODING);
    let half = Frame::data(body.slice(..body.len() / 2));
    let frames = stream::iter([Ok(half), Err(lost())]);
    Response::from_parts(parts, StreamBody::new(frames).boxed())
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "a lost answer")
}
