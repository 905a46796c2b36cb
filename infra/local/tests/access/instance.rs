//! Functions as they are right after a cold start, on the table of a registry that runs: nothing is in their memory yet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::{Auth, Settings};
use http::header::AUTHORIZATION;
use manifest_get::ManifestGet;
use protocol::Function;
use runtime::{Background, BackgroundConfig, Deadline, Gate, Host, PullSecretConfig};
use serde_json::{Value, json};
use storage::Storage;

use crate::http::Request;
use crate::registry::{PULL_PATTERN, Registry};

/// An execution environment of `auth`, and one of `manifest-get`, which share what they have read.
pub(crate) struct Instance {
    gate: Gate,
    auth: Auth,
    manifest_get: ManifestGet,
    calls: Arc<Mutex<Vec<String>>>,
    service: String,
}

/// What a function answered.
pub(crate) struct Answered {
    pub(crate) status: i64,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<u64>,
}

impl Answered {
    #[track_caller]
    pub(crate) fn expect(self, status: i64) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn token(&self) -> String {
        self.body["token"].as_str().unwrap_or_else(|| panic!("{}", self.body)).to_owned()
    }
}

impl Instance {
    /// Without initialisation.
    pub(crate) fn new(registry: &Registry) -> Self {
        Self::with(registry, access::Access::Login)
    }

    pub(crate) fn with(registry: &Registry, access: access::Access) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let observed = calls.clone();
        let observer = move |_: &str, operation: &str| observed.lock().unwrap().push(operation.to_owned());
        let config = registry.stores.config(&registry.faults, Some(Arc::new(observer)));
        let storage = Arc::new(Storage::new(&config));
        let gate = Gate::new(access, storage.clone());
        let desk = registry.desk();
        let secret = PullSecretConfig {
            id: desk.pull_secret.to_owned(),
            repositories: PULL_PATTERN.parse().unwrap(),
            endpoint: Some(format!("http://{}", desk.aws)),
        };
        let pull_secret = Some((secret, config.region.clone(), config.credentials.clone()));
        let settings = Settings { access, token_lifetime: runtime::TOKEN_LIFETIME, pull_secret };
        let background = Background::new(&BackgroundConfig::default(), &config);
        Self {
            auth: Auth::new(storage.clone(), gate.keys().clone(), settings),
            manifest_get: ManifestGet::new(storage, background),
            gate,
            calls,
            service: registry.service(),
        }
    }

    /// After initialisation.
    pub(crate) async fn started(registry: &Registry) -> Self {
        let instance = Self::new(registry);
        instance.start().await;
        instance
    }

    pub(crate) async fn start(&self) {
        self.gate.warm_up().await;
    }

    /// What was called since this was asked last.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// Answers as the function does, here.
    pub(crate) async fn send(&self, request: &Request) -> Answered {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut headers = json!({});
        if let Some(authorization) = request.headers.get(AUTHORIZATION) {
            headers["authorization"] = authorization.to_str().unwrap().into();
        }
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "domainName": self.service,
                "http": {"method": request.method, "path": path},
                "requestId": "instance",
            },
            "isBase64Encoded": false,
        });
        let event = serde_json::from_value(event).unwrap();
        let (host, deadline) = (Host { name: None, is_plain_http: true }, Deadline::after(Duration::from_secs(25)));
        let route = protocol::Route::parse(path).unwrap();
        let answered = match route.function(&request.method).unwrap() {
            Function::Auth => runtime::invoke(&self.auth, &self.gate, &host, event, deadline).await,
            Function::ManifestGet => runtime::invoke(&self.manifest_get, &self.gate, &host, event, deadline).await,
            other => panic!("{other:?} isn't here"),
        };
        let response = answered.response;
        let body = response.body.map(|body| body.to_vec()).unwrap_or_default();
        let retry_after = response.headers.get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
        Answered { status: response.status_code, body: serde_json::from_slice(&body).unwrap_or_default(), retry_after }
    }
}
