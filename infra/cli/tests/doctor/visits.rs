//! A registry on this machine, and the doctor as somebody calls it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use local::{Data, FunctionsMode, Login, Options, Stack};
use runtime::EventsConfig;
use serde_json::Value;
use storage::Policy;

use crate::faults::Fault;
use crate::meddler::{Meddler, Part};

/// What the doctor wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Visit {
    /// With `--json`: everything.
    pub(crate) fn findings(&self) -> Vec<Value> {
        let report: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        report["findings"].as_array().unwrap().clone()
    }

    /// Check and verdict of what isn't good.
    pub(crate) fn bad(&self) -> Vec<(String, String)> {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let pairs = self
            .findings()
            .iter()
            .map(|finding| (text(finding, "check"), text(finding, "verdict")))
            .collect::<Vec<_>>();
        pairs.into_iter().filter(|(_, verdict)| verdict != "ok").collect()
    }

    /// One finding, as text.
    pub(crate) fn finding(&self, check: &str) -> String {
        let finding = self.findings().into_iter().find(|finding| finding["check"] == check);
        finding.unwrap_or_else(|| panic!("no finding {check}: {self:?}")).to_string()
    }
}

/// A registry on this machine: `login` when it asks who somebody is, `front` when it takes bodies of any length.
pub(crate) async fn registry(login: bool, front: bool, policy: Policy) -> Stack {
    let options = Options {
        port: 0,
        data: Data::Memory,
        front,
        functions: FunctionsMode::InProcess,
        login: login.then(Login::default),
        policy,
        collection: None,
        events: EventsConfig::default(),
        observer: None,
        faults: None,
    };
    Stack::start(options).await.unwrap()
}

/// One that lets pushes create repositories.
pub(crate) fn lenient() -> Policy {
    Policy { create_on_push: true, sparse_manifests: false }
}

/// Calls the doctor, with what the registry's desk says in the environment and a password on standard input.
pub(crate) async fn visit(stack: &Stack, address: SocketAddr, arguments: &[&str], password: &str) -> Visit {
    let environment = stack.desk().map(|desk| desk.environment()).unwrap_or_default();
    let url = format!("http://{address}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
    command.env_clear().arg("doctor").arg(url).args(arguments).envs(environment);
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    run(command, password.to_owned()).await
}

/// Runs a command that reads `input`.
pub(crate) async fn run(mut command: Command, input: String) -> Visit {
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that doesn't read may have ended already.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    Visit { code: output.status.code().unwrap(), stdout, stderr }
}

/// Has the doctor visit a registry with one fault, as an AWS identity. No secret may be in what it writes, and none may
/// get to the bucket.
pub(crate) async fn visit_ill(fault: Option<Fault>) -> (Visit, Vec<(Part, crate::http::Request)>) {
    let stack = registry(true, false, lenient()).await;
    let meddler = Meddler::before(stack.address(), fault);
    let visit = visit(&stack, meddler.registry, &["--login", "--json"], "").await;
    let seen = meddler.seen();
    for (part, request) in &seen {
        let Some(authorization) = request.headers.get("authorization") else { continue };
        let (_, secret) = authorization.split_once(' ').unwrap();
        match part {
            Part::Bucket => assert_eq!(authorization, "Bearer doctor"),
            Part::Registry => assert!(!visit.stdout.contains(secret) && !visit.stderr.contains(secret), "{visit:?}"),
        }
    }
    for signature in ["X-Amz-Signature", "?signature", "?secret"] {
        assert!(!visit.stdout.contains(signature), "{visit:?}");
    }
    stack.stop().await;
    (visit, seen)
}
