//! What it costs to know who somebody is, in calls to AWS.

use access::Access;
use local::faults::Faults;
use local::{Data, FunctionsMode, Options, Stack};
use protocol::Digest;

use crate::http::Request;
use crate::instance::Instance;
use crate::log;
use crate::operations::{Needs, Operation, operations};
use crate::registry::{Image, MANIFEST, Registry, token_request};

const SCOPE: &[&str] =
    &["repository:team/app:pull,push,delete", "repository:team/from:pull,push", "registry:catalog:*"];

/// A push, a mount, and then every route once.
fn requests() -> Vec<Request> {
    let image = Image::new();
    let digest = Digest::sha256(&image.config);
    let blob = |name: &str| {
        let path = format!("/v2/team/{name}/blobs/uploads/?digest={digest}");
        Request::post(path).body("application/octet-stream", image.config.clone())
    };
    let manifest = Request::new("PUT", "/v2/team/app/manifests/latest").body(MANIFEST, image.manifest.clone());
    let mount = Request::post(format!("/v2/team/app/blobs/uploads/?mount={digest}&from=team/from"));
    let mut requests = vec![blob("from"), mount, blob("app"), manifest];
    let is_here = |operation: &&Operation| [0, 2].contains(&operation.depth);
    // What takes away comes last.
    let (taking, others): (Vec<_>, Vec<_>) = operations()
        .into_iter()
        .filter(|operation| is_here(&operation) && !matches!(operation.needs(), Needs::Password | Needs::Signature))
        .partition(|operation| operation.needs() == Needs::Delete);
    for operation in others.into_iter().chain(taking) {
        let path = operation.path("team/app", &digest.to_string(), "latest");
        let request = Request::new(operation.method.as_str(), path);
        let is_manifest = operation.method == protocol::Method::Put && operation.path.contains("manifests");
        requests.push(if is_manifest { request.body(MANIFEST, image.manifest.clone()) } else { request });
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_a_token_costs_no_call_on_any_route() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("*", "pull,push,delete")]).await;
    let token = registry.token("member", &secret, SCOPE).await;
    // The function's initialisation reads the keys; here the first token does.
    registry.send(&Request::get("/v2/").bearer(&token)).await.expect(200);

    let faults = Faults::default();
    let options = Options {
        port: 0,
        data: Data::Memory,
        front: true,
        functions: FunctionsMode::InProcess,
        login: None,
        policy: storage::Policy { create_on_push: true, sparse_manifests: false },
        collection: None,
        events: runtime::EventsConfig::default(),
        observer: None,
        faults: Some(faults.clone()),
    };
    let open = Stack::start(options).await.unwrap();
    let requests = requests();
    let mut costly = 0;
    for request in &requests {
        faults.rest();
        let free = request.send(open.address()).await;
        // A pull is written down after its answer.
        open.told().await;
        let expected: Vec<String> = faults.calls().into_iter().map(|call| call.operation).collect();
        let (answer, calls) = registry.calls(&request.clone().bearer(&token)).await;
        assert_eq!((answer.status, calls), (free.status, expected.clone()), "{answer}");
        costly += usize::from(!expected.is_empty());
    }
    assert!(requests.len() > 15 && costly > 10, "{} requests, {costly} with calls", requests.len());
    open.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_costs_a_read_for_each_kind_of_credentials() {
    let registry = Registry::start().await;
    let role: &[(&str, &str)] = &[("team/*", "pull")];
    registry.grants(&[("arn:aws:iam::123456789012:role/Ci", role)], &["team/*"]).await;
    let secret = registry.user("member", role).await;
    let password = registry.password(registry.identity(0)).await;
    let (ecs, ecs_password) = registry.pull_secret().await;
    // The keys have been read once, to sign and to verify, and so has the secret for ECS.
    registry.token("AWS", &password, SCOPE).await;
    registry.token(&ecs, &ecs_password, SCOPE).await;
    let ask = || token_request(SCOPE);
    let granted: &[&str] = &["repository:team/app:pull"];
    for (what, request, status, calls) in [
        ("a user", token_request(granted).basic("member", &secret), 200, &["GetItem"][..]),
        // Perhaps everybody may.
        ("a user who asks for more", ask().basic("member", &secret), 200, &["GetItem", "GetItem"]),
        ("a wrong password", ask().basic("member", "wrong"), 401, &["GetItem"]),
        ("nobody's name", ask().basic("nobody", "wrong"), 401, &["GetItem"]),
        ("a name that can't be one", ask().basic("No body", "wrong"), 401, &[]),
        ("a principal of IAM", ask().basic("AWS", &password), 200, &["GetItem"]),
        ("a wrong password of IAM", ask().basic("AWS", "wrong"), 401, &[]),
        ("the secret for ECS", token_request(granted).basic(&ecs, &ecs_password), 200, &[]),
        ("a wrong secret for ECS", ask().basic(&ecs, "wrong"), 401, &[]),
        ("nobody", ask(), 200, &["GetItem"]),
        ("too many", ask().basic("member", &secret).bearer("x"), 400, &[]),
    ] {
        let (answer, called) = registry.calls(&request).await;
        assert_eq!(
            (answer.status, called.as_slice()),
            (status, &calls.iter().map(|call| (*call).to_owned()).collect::<Vec<_>>()[..]),
            "{what}: {answer}"
        );
    }
    let login = crate::signed::sign(Request::post("/login"), registry.identity(0), &registry.service());
    let (answer, called) = registry.calls(&login).await;
    assert_eq!((answer.status, called), (200, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_on_a_route_costs_a_read_once() {
    let registry = Registry::start().await;
    registry.grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team/*", "pull")])], &[]).await;
    let password = registry.password(registry.identity(0)).await;
    registry.token("AWS", &password, SCOPE).await;
    let request = Request::get("/v2/").basic("AWS", &password);
    let (answer, calls) = registry.calls(&request).await;
    assert_eq!((answer.status, calls), (200, vec!["GetItem".to_owned()]));
    let instance = Instance::started(&registry).await;
    instance.send(&request).await.expect(200);
    assert_eq!(instance.calls(), ["Query", "GetItem"]);
    for _ in 0..50 {
        instance.send(&request).await.expect(200);
    }
    let reads = instance.calls().len();
    // Once a minute, however slow it is here.
    assert!(reads < 10, "{reads} reads");
    assert_eq!(log::decisions(&answer)[0]["action"], "authenticate");
}

#[tokio::test(flavor = "multi_thread")]
async fn initialisation_reads_once_and_the_first_token_costs_nothing() {
    let registry = Registry::start().await;
    let token = registry.admin_token(SCOPE).await;
    let open = Instance::with(&registry, Access::Open);
    open.start().await;
    assert_eq!(open.calls().len(), 1);
    let login = Instance::started(&registry).await;
    assert_eq!(login.calls(), ["Query"]);
    login.send(&Request::get("/v2/").bearer(&token)).await.expect(200);
    assert_eq!(login.calls(), Vec::<String>::new());
}
