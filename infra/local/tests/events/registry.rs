//! A registry that tells a bus, with its functions in this process or as processes.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use local::faults::{Faults, Service};
use local::{Data, FunctionsMode, Login, Options, Stack};
use protocol::Function;
use runtime::EventsConfig;
use serde_json::Value;
use storage::Storage;
use tempfile::TempDir;

use crate::bus::Bus;
use crate::http::{Answer, Request};
use crate::image::Image;

/// Long enough for any machine: it only keeps a test from hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// How functions run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    InProcess,
    Processes,
}

pub(crate) struct Registry {
    stack: Stack,
    /// Between the functions and the stores; nothing fails.
    pub(crate) faults: Faults,
    directory: TempDir,
    /// Stands in every request.
    authorization: Option<String>,
}

impl Registry {
    pub(crate) async fn start(mode: Mode, bus: &Bus) -> Self {
        Self::with(mode, None, EventsConfig { bus: Some("images".to_owned()), endpoint: Some(endpoint(bus)) }).await
    }

    /// One that knows where the bus is, and isn't to tell it anything.
    pub(crate) async fn silent(mode: Mode, bus: &Bus) -> Self {
        Self::with(mode, None, EventsConfig { bus: None, endpoint: Some(endpoint(bus)) }).await
    }

    /// One that asks for a login.
    pub(crate) async fn closed(mode: Mode, bus: &Bus) -> Self {
        let login = Login { token_lifetime: 300, pull_pattern: "*".parse().unwrap(), identities: Vec::new() };
        let events = EventsConfig { bus: Some("images".to_owned()), endpoint: Some(endpoint(bus)) };
        Self::with(mode, Some(login), events).await
    }

    pub(crate) async fn with(mode: Mode, login: Option<Login>, events: EventsConfig) -> Self {
        let directory = TempDir::with_prefix("events-").unwrap();
        let functions = match mode {
            Mode::InProcess => FunctionsMode::InProcess,
            Mode::Processes => {
                write_programs(&directory);
                FunctionsMode::Binaries(directory.path().to_owned())
            }
        };
        let faults = Faults::default().metered();
        let options = Options {
            port: 0,
            data: Data::Memory,
            front: false,
            functions,
            login,
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            collection: None,
            events,
            observer: None,
            faults: Some(faults.clone()),
        };
        Self { stack: Stack::start(options).await.unwrap(), faults, directory, authorization: None }
    }

    /// Lets the admin in from now on; what is returned are secrets: the password and the token.
    pub(crate) async fn log_in(&mut self) -> Vec<String> {
        let desk = self.stack.desk().unwrap();
        let password = desk.admin_secret.as_ref().unwrap().expose().to_owned();
        let basic =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{}:{password}", desk.admin));
        let service = self.stack.address();
        let path = format!("/token?service={service}&scope=repository:team/app:pull,push,delete");
        self.authorization = Some(format!("Basic {basic}"));
        let answer = self.ask(Request::new("GET", path)).await.expect(200);
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        self.authorization = Some(format!("Bearer {token}"));
        vec![password, basic, token]
    }

    pub(crate) async fn ask(&self, request: Request) -> Answer {
        let request = match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        };
        request.send(self.stack.address()).await
    }

    /// What is stored, past what counts calls.
    pub(crate) fn storage(&self) -> Storage {
        let endpoint = |service| Some(format!("http://{}", self.faults.behind(service).unwrap()));
        Storage::new(&storage::Config {
            table: "registry".to_owned(),
            bucket: "registry".to_owned(),
            region: "us-east-1".to_owned(),
            credentials: storage::Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-registry-on-loopback".to_owned(),
                session_token: None,
            },
            dynamodb_endpoint: endpoint(Service::DynamoDb),
            s3_endpoint: endpoint(Service::S3),
            policy: storage::Policy::default(),
            s3_attempt_timeout: None,
            observer: None,
        })
    }

    /// Pushes an image with its blobs to a reference of `team/app`, which may have parameters.
    pub(crate) async fn push(&self, reference: &str, image: &Image) -> Answer {
        for blob in &image.blobs {
            let path = format!("/v2/team/app/blobs/uploads/?digest={}", protocol::Digest::sha256(blob));
            self.ask(Request::new("POST", path).body(blob)).await.expect(201);
        }
        let path = format!("/v2/team/app/manifests/{reference}");
        self.ask(Request::new("PUT", path).header("Content-Type", image.media_type).body(&image.manifest)).await
    }

    pub(crate) async fn pull(&self, reference: &str, accept: &str) -> Answer {
        self.ask(Request::new("GET", format!("/v2/team/app/manifests/{reference}")).header("Accept", accept)).await
    }

    pub(crate) async fn delete(&self, reference: &str) -> Answer {
        self.ask(Request::new("DELETE", format!("/v2/team/app/manifests/{reference}"))).await
    }

    /// Lines of JSON that functions wrote to a stream, once there are such.
    pub(crate) async fn lines(&self, stream: Stream, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let file = self.directory.path().join(stream.file());
        let found = async {
            loop {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                let complete = text.rsplit_once('\n').map(|(complete, _)| complete).unwrap_or_default();
                // What runs tests writes to the same stream.
                let json = complete.lines().filter_map(|line| line.find('{').map(|start| &line[start..]));
                let lines: Vec<Value> = json.filter_map(|line| serde_json::from_str(line).ok()).collect();
                if wanted(&lines) {
                    return lines;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(LIMIT, found).await;
        found.unwrap_or_else(|_| panic!("not what was wanted: {}", std::fs::read_to_string(&file).unwrap_or_default()))
    }

    /// Everything that functions wrote so far.
    pub(crate) fn written(&self) -> String {
        let mut text = String::new();
        for stream in [Stream::Output, Stream::Log] {
            let file = self.directory.path().join(stream.file());
            writeln!(text, "{}", std::fs::read_to_string(file).unwrap_or_default()).unwrap();
        }
        text
    }

    /// Waits for what follows answers, with the functions in this process.
    pub(crate) async fn settle(&self) {
        self.stack.told().await;
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }
}

/// Where functions write.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Output,
    Log,
}

impl Stream {
    fn file(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Log => "log",
        }
    }
}

fn endpoint(bus: &Bus) -> String {
    format!("http://{}", bus.address)
}

/// A program for each function, which is this one, with its streams in files.
fn write_programs(directory: &TempDir) {
    let program = std::env::current_exe().unwrap();
    let (program, here) = (program.display(), directory.path().display());
    let script = format!(
        "#!/bin/sh\nexport REGISTRY_METRICS=prod\n\
         exec '{program}' --ignored --exact --nocapture function >>'{here}/output' 2>>'{here}/log'\n"
    );
    for function in Function::ALL {
        let file = directory.path().join(function.name());
        std::fs::write(&file, &script).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
