//! Bodies that may be answered before they were read.
//!
//! A server that answers and closes while the client still sends makes the client see a reset instead of the answer. So
//! what the handler leaves is read on and thrown away, as long as the client keeps sending and for half a minute at most.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::mpsc;

/// How long a client may go on sending what nobody reads.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pieces of the body, read by a task that outlives whoever takes them.
pub fn pieces(body: Incoming) -> impl Stream<Item = Result<Bytes, hyper::Error>> + Send + Sync + Unpin {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(forward(body, sender));
    Pieces(receiver)
}

async fn forward(mut body: Incoming, sender: mpsc::Sender<Result<Bytes, hyper::Error>>) {
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => match frame.into_data() {
                Ok(piece) => Ok(piece),
                // Trailers mean nothing here.
                Err(_) => continue,
            },
            Err(error) => Err(error),
        };
        if sender.send(piece).await.is_err() {
            let rest = async { while let Some(Ok(_)) = body.frame().await {} };
            // Running out of patience closes the connection, which is all there is to do.
            drop(tokio::time::timeout(PATIENCE, rest).await);
            return;
        }
    }
}

struct Pieces(mpsc::Receiver<Result<Bytes, hyper::Error>>);

impl Stream for Pieces {
    type Item = Result<Bytes, hyper::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
