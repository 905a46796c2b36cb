//! A stand-in for EventBridge that writes down what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// Long enough for any machine: it only keeps a test from hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// What the bus does with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    /// Takes all entries.
    Takes,
    /// Takes the call and refuses every entry.
    RefusesEntries,
    /// Fails.
    Fails,
    /// Never answers.
    Hangs,
}

pub(crate) struct Bus {
    pub(crate) address: SocketAddr,
    heard: Arc<Heard>,
    _stop: watch::Sender<bool>,
}

#[derive(Default)]
struct Heard {
    calls: Mutex<Vec<Call>>,
    came: Notify,
}

/// A call that came.
#[derive(Clone)]
struct Call {
    entries: Vec<Value>,
    /// All of it.
    text: String,
}

impl Bus {
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let heard = Arc::new(Heard::default());
        let hearing = heard.clone();
        let answer = move |request, _| {
            let heard = hearing.clone();
            async move { heard.answer(request, mood).await }
        };
        tokio::spawn(serve::serve(listener, answer, Duration::ZERO, stopped));
        Self { address, heard, _stop: stop }
    }

    /// How many calls came so far.
    pub(crate) fn calls(&self) -> usize {
        self.heard.calls.lock().unwrap().len()
    }

    /// The length of each call, in entries.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.heard.calls.lock().unwrap().iter().map(|call| call.entries.len()).collect()
    }

    /// Everything that came, heads and bodies.
    pub(crate) fn text(&self) -> String {
        self.heard.calls.lock().unwrap().iter().map(|call| call.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The details of the events that came, once there are so many.
    pub(crate) async fn details(&self, count: usize) -> Vec<Value> {
        let entries = self.entries(count).await;
        let detail = |entry: &Value| serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        entries.iter().map(detail).collect()
    }

    /// The events that came, once there are so many.
    pub(crate) async fn entries(&self, count: usize) -> Vec<Value> {
        let enough = async {
            loop {
                let came = self.heard.came.notified();
                let entries = self.heard.entries();
                if entries.len() >= count {
                    return entries;
                }
                came.await;
            }
        };
        let entries = tokio::time::timeout(LIMIT, enough).await;
        let entries = entries.unwrap_or_else(|_| panic!("{count} events were to come, not {:?}", self.heard.entries()));
        assert_eq!(entries.len(), count, "{entries:?}");
        entries
    }
}

impl Heard {
    fn entries(&self) -> Vec<Value> {
        self.calls.lock().unwrap().iter().flat_map(|call| call.entries.clone()).collect()
    }

    async fn answer(&self, request: http::Request<hyper::body::Incoming>, mood: Mood) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(head.headers["x-amz-target"], "AWSEvents.PutEvents");
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let entries = asked["Entries"].as_array().unwrap().clone();
        let text = format!("{head:?}\n{}", String::from_utf8_lossy(&body));
        let taken: Vec<Value> = match mood {
            Mood::RefusesEntries => vec![json!({"ErrorCode": "InternalFailure", "ErrorMessage": "no"}); entries.len()],
            Mood::Takes | Mood::Fails | Mood::Hangs => vec![json!({"EventId": "1"}); entries.len()],
        };
        self.calls.lock().unwrap().push(Call { entries, text });
        self.came.notify_one();
        let (status, answer) = match mood {
            Mood::Takes => (200, json!({"FailedEntryCount": 0, "Entries": taken})),
            Mood::RefusesEntries => (200, json!({"FailedEntryCount": taken.len(), "Entries": taken})),
            Mood::Fails => (500, json!({"__type": "InternalException", "message": "no"})),
            Mood::Hangs => std::future::pending().await,
        };
        let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
        response.body(Full::from(answer.to_string())).unwrap()
    }
}
