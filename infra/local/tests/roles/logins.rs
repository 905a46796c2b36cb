//! Everybody who can log in.

use access::{Actions, Grants, IamGrant, Permission, RepositoryPattern, Secret, User};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use runtime::now;
use storage::{DocumentName, DocumentWrite};

use crate::http::Request;
use crate::registry::{PULL_PASSWORD, REGION, Registry};

/// Lets a user, the secret for ECS, a principal of IAM, and nobody in particular get tokens. What is returned is the
/// header `Authorization` of the principal of IAM, whose grants every function reads.
pub(crate) async fn everybody(registry: &Registry) -> String {
    let secret = Secret::generate().unwrap();
    write_documents(registry, &secret).await;
    let password = password_of_iam(registry).await;
    let iam = basic("AWS", &password);
    let scope = "scope=repository:team/app:pull,push";
    for authorization in [&basic("somebody", secret.expose()), &basic("ecs", PULL_PASSWORD), &iam] {
        let token = Request::new("GET", format!("/token?{scope}")).header("Authorization", authorization);
        let token = token.send(registry.address).await.expect(200).json()["token"].as_str().unwrap().to_owned();
        let base = Request::new("GET", "/v2/").header("Authorization", format!("Bearer {token}"));
        base.send(registry.address).await.expect(200);
    }
    let form = format!("grant_type=password&username=somebody&password={}&{scope}", secret.expose());
    let oauth = Request::new("POST", "/token").header("Content-Type", "application/x-www-form-urlencoded");
    oauth.body(form.as_bytes()).send(registry.address).await.expect(200);
    Request::new("GET", format!("/token?{scope}")).send(registry.address).await.expect(401);
    let wrong = Request::new("GET", "/token").header("Authorization", basic("nobody", "wrong"));
    wrong.send(registry.address).await.expect(401);
    iam
}

/// What a client asks first, where nobody logs in.
pub(crate) async fn nobody(registry: &Registry) {
    Request::new("GET", "/v2/").send(registry.address).await.expect(200);
}

async fn write_documents(registry: &Registry, secret: &Secret) {
    let everything = || vec![Permission { repositories: vec![RepositoryPattern::everything()], actions: Actions::ALL }];
    let user = User::new(secret, everything(), None, now());
    let principal = registry.identity.arn.parse().unwrap();
    let grants = Grants { iam: vec![IamGrant { principal, grants: everything() }], anonymous: Vec::new() };
    let write = |name, text| DocumentWrite { name, replaces: None, text: Some(text) };
    let writes = [write(DocumentName::User("somebody"), user.to_json()), write(DocumentName::Grants, grants.to_json())];
    assert!(registry.storage.write_documents(&writes).await.unwrap());
}

async fn password_of_iam(registry: &Registry) -> String {
    let keys = &registry.identity;
    let identity = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test").into();
    let params = v4::SigningParams::builder().identity(&identity).region(REGION).name("execute-api");
    let params = params.time(std::time::SystemTime::now()).settings(SigningSettings::default()).build().unwrap().into();
    let host = registry.address.to_string();
    let url = format!("http://{host}/login");
    let signable =
        SignableRequest::new("POST", &url, [("host", host.as_str())].into_iter(), SignableBody::Bytes(b"")).unwrap();
    let mut signed = ::http::Request::builder().method("POST").uri(&url).body(Bytes::new()).unwrap();
    sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut signed);
    let mut request = Request::new("POST", "/login");
    for (name, value) in signed.headers() {
        request = request.header(name.as_str(), value.to_str().unwrap());
    }
    request.send(registry.address).await.expect(200).json()["password"].as_str().unwrap().to_owned()
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
