//! When a function tells: once its answer is posted, and before it asks for the next event. The Lambda Runtime API that it
//! speaks to is this test.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use protocol::Function;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::image::INDEX;

/// Long enough for any machine: it only keeps a test from hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// What the function did, in order. It is done when it has asked twice.
#[derive(Default)]
struct Order {
    steps: Mutex<Vec<String>>,
    done: Notify,
}

impl Order {
    fn add(&self, step: &str) -> usize {
        let mut steps = self.steps.lock().unwrap();
        steps.push(step.to_owned());
        steps.iter().filter(|other| *other == step).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_leave_between_the_answer_and_the_next_request() {
    let order = Arc::new(Order::default());
    let (stop, stopped) = watch::channel(false);
    let store = local::dynamodb::Store::open(local::dynamodb::Medium::Memory).unwrap();
    store.create_table("registry").unwrap();
    let (listener, dynamodb) = listen().await;
    tokio::spawn(async move { store.serve(listener, std::future::pending()).await });
    let runtime_api = serve(&order, &stopped, runtime_api).await;
    let bus = serve(&order, &stopped, bus).await;

    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "function"]).stdout(Stdio::null()).kill_on_drop(true);
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", Function::ManifestPut.name().to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{dynamodb}")),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", format!("http://{bus}")),
        ("REGISTRY_TABLE", "registry".to_owned()),
        ("REGISTRY_BUCKET", "registry".to_owned()),
        ("REGISTRY_ACCESS", "open".to_owned()),
        ("REGISTRY_CREATE_ON_PUSH", "true".to_owned()),
        ("REGISTRY_EVENT_BUS", "images".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let function = command.envs(variables).spawn().unwrap();
    tokio::time::timeout(LIMIT, order.done.notified()).await.unwrap();
    drop(function);
    stop.send_replace(true);
    assert_eq!(*order.steps.lock().unwrap(), ["next", "answer 201", "event", "next"]);
}

/// Hands out one push, and nothing after it.
async fn runtime_api(order: Arc<Order>, request: http::Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    match head.uri.path() {
        "/2018-06-01/runtime/invocation/next" => {
            if order.add("next") > 1 {
                order.done.notify_one();
                return std::future::pending().await;
            }
            let deadline = std::time::SystemTime::now() + LIMIT;
            let deadline = deadline.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
            let response = Response::builder()
                .header("lambda-runtime-aws-request-id", "1")
                .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
                .header("lambda-runtime-deadline-ms", deadline.to_string());
            response.body(Full::from(push().to_string())).unwrap()
        }
        "/2018-06-01/runtime/invocation/1/response" => {
            let answer: Value = serde_json::from_slice(&body).unwrap();
            order.add(&format!("answer {}", answer["statusCode"]));
            Response::builder().status(202).body(Full::default()).unwrap()
        }
        other => panic!("{other}: {body:?}"),
    }
}

async fn bus(order: Arc<Order>, request: http::Request<Incoming>) -> Response<Full<Bytes>> {
    drop(request.into_body().collect().await);
    order.add("event");
    Response::new(Full::from(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}).to_string()))
}

/// An empty index, which needs nothing that isn't in the table.
fn push() -> Value {
    let path = "/v2/team/app/manifests/1";
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": INDEX},
        "requestContext": {
            "domainName": "registry.example.com",
            "http": {"method": "PUT", "path": path},
            "requestId": "id-1",
        },
        "body": json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string(),
        "isBase64Encoded": false,
    })
}

async fn serve<F>(
    order: &Arc<Order>,
    stopped: &watch::Receiver<bool>,
    answer: fn(Arc<Order>, http::Request<Incoming>) -> F,
) -> SocketAddr
where
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let (listener, address) = listen().await;
    let order = order.clone();
    let handle = move |request, _| answer(order.clone(), request);
    tokio::spawn(serve::serve(listener, handle, Duration::ZERO, stopped.clone()));
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
