//! A registry that asks who somebody is, and people for it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;

use access::{Grants, IamGrant, IamPattern, Permission, RepositoryPattern, Secret, User};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::header::AUTHORIZATION;
use local::faults::Faults;
use local::iam::Identity;
use local::{Data, FunctionsMode, Login, Options, Stack};
use protocol::Digest;
use serde_json::{Value, json};
use storage::{DocumentName, DocumentWrite, Storage};

use crate::forge::Forge;
use crate::http::{Answer, Request};
use crate::log;
use crate::signed;
use crate::stores::Stores;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What can be pulled with the secret for ECS.
pub(crate) const PULL_PATTERN: &str = "team*";
/// Shorter ones aren't secrets: nobody would find them in a log by their text.
const SHORTEST_SECRET: usize = 20;

/// How a registry is started.
pub(crate) struct Setup {
    pub(crate) front: bool,
    pub(crate) functions: FunctionsMode,
    pub(crate) token_lifetime: u64,
    /// Who may log in with IAM beside the admin.
    pub(crate) identities: Vec<Identity>,
}

impl Default for Setup {
    fn default() -> Self {
        let (front, token_lifetime) = (true, runtime::TOKEN_LIFETIME);
        Self { front, functions: FunctionsMode::InProcess, token_lifetime, identities: vec![ci(1)] }
    }
}

/// Sessions of one role.
pub(crate) fn ci(session: u32) -> Identity {
    let identity = Identity::generate("somebody").unwrap();
    let arn = format!("arn:aws:sts::123456789012:assumed-role/Ci/run-{session}");
    Identity { arn, session_token: Some(format!("a/session+token/number={session}==")), ..identity }
}

pub(crate) struct Registry {
    stack: Stack,
    pub(crate) faults: Faults,
    pub(crate) stores: Stores,
    pub(crate) storage: Storage,
    identities: Vec<Identity>,
    secrets: Mutex<BTreeSet<String>>,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        log::listen();
        let faults = Faults::default();
        let login = Login {
            token_lifetime: setup.token_lifetime,
            pull_pattern: PULL_PATTERN.parse().unwrap(),
            identities: setup.identities.clone(),
        };
        let options = Options {
            port: 0,
            data: Data::Memory,
            front: setup.front,
            functions: setup.functions,
            login: Some(login),
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            collection: None,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: Some(faults.clone()),
        };
        let stack = Stack::start(options).await.unwrap();
        let stores = Stores::behind(&faults);
        let storage = Storage::new(&stores.config(&faults, None));
        let identities = setup.identities;
        let registry = Self { stack, faults, stores, storage, identities, secrets: Mutex::default() };
        registry.keep_secret(registry.admin_secret());
        for identity in registry.identities.iter().chain([&registry.desk().identity]) {
            registry.keep_secret(&identity.secret_access_key);
        }
        registry
    }

    pub(crate) fn desk(&self) -> &local::Desk {
        self.stack.desk().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.stack.address()
    }

    /// The name that tokens are for.
    pub(crate) fn service(&self) -> String {
        self.address().to_string()
    }

    pub(crate) fn admin_secret(&self) -> &str {
        self.desk().admin_secret.as_ref().unwrap().expose()
    }

    /// A principal of IAM beside the admin.
    pub(crate) fn identity(&self, number: usize) -> &Identity {
        &self.identities[number]
    }

    /// It may not stand in the log.
    pub(crate) fn keep_secret(&self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.secrets.lock().unwrap().insert(secret.to_owned());
        }
    }

    /// All that is secret in a request or an answer.
    fn keep_secrets(&self, request: &Request, answer: &Answer) {
        for value in request.headers.get_all(AUTHORIZATION) {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let Some((_, credentials)) = text.trim().split_once(' ') else { continue };
            self.keep_secret(credentials.trim());
            let decoded = BASE64_STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((_, password)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
                self.keep_secret(password);
            }
        }
        for (name, value) in form_urlencoded::parse(&request.body) {
            if name == "password" || name == "refresh_token" {
                self.keep_secret(&value);
            }
        }
        // Whoever has a signed URL may use it.
        if let Some((_, signature)) = answer.header("location").and_then(|url| url.split_once("X-Amz-Signature=")) {
            self.keep_secret(signature.split('&').next().unwrap());
        }
        if let Ok(body) = serde_json::from_slice::<Value>(&answer.body) {
            for name in ["token", "access_token", "password"] {
                self.keep_secret(body[name].as_str().unwrap_or_default());
            }
        }
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        let answer = request.send(self.address()).await;
        self.keep_secrets(request, &answer);
        answer
    }

    pub(crate) async fn forge(&self) -> Forge {
        // The first token makes the key.
        self.token("admin", self.admin_secret(), &[]).await;
        Forge::of(&self.storage, self.service()).await
    }

    // People.

    /// Makes a user who may do this: patterns with actions. Gives the secret.
    pub(crate) async fn user(&self, name: &str, grants: &[(&str, &str)]) -> String {
        let secret = Secret::generate().unwrap();
        let user = User::new(&secret, permissions(grants), None, runtime::now());
        self.write(DocumentName::User(name), Some(user.to_json())).await;
        self.keep_secret(secret.expose());
        secret.expose().to_owned()
    }

    pub(crate) async fn change_user(&self, name: &str, change: impl FnOnce(&mut User)) {
        let document = self.storage.document(DocumentName::User(name)).await.unwrap().unwrap();
        let mut user = User::from_json(&document.text).unwrap();
        change(&mut user);
        self.write(DocumentName::User(name), Some(user.to_json())).await;
    }

    /// Replaces all grants: to principals of IAM, and to everybody.
    pub(crate) async fn grants(&self, iam: &[(&str, &[(&str, &str)])], anonymous: &[&str]) {
        let iam = iam.iter().map(|(principal, grants)| IamGrant {
            principal: principal.parse::<IamPattern>().unwrap(),
            grants: permissions(grants),
        });
        let anonymous = anonymous.iter().map(|pattern| pattern.parse::<RepositoryPattern>().unwrap()).collect();
        let grants = Grants { iam: iam.collect(), anonymous };
        self.write(DocumentName::Grants, Some(grants.to_json())).await;
    }

    /// Writes a document over whatever is there; None removes it.
    pub(crate) async fn write(&self, name: DocumentName<'_>, text: Option<String>) {
        let replaces = self.storage.document(name).await.unwrap().map(|document| document.revision);
        assert!(self.storage.write_documents(&[DocumentWrite { name, replaces, text }]).await.unwrap());
    }

    // Credentials.

    /// Asks for a token.
    pub(crate) async fn ask_token(&self, user: &str, password: &str, scopes: &[&str]) -> Answer {
        self.send(&token_request(scopes).basic(user, password)).await
    }

    pub(crate) async fn token(&self, user: &str, password: &str, scopes: &[&str]) -> String {
        token_in(&self.ask_token(user, password, scopes).await.expect(200))
    }

    pub(crate) async fn admin_token(&self, scopes: &[&str]) -> String {
        self.token("admin", self.admin_secret(), scopes).await
    }

    pub(crate) async fn anonymous_token(&self, scopes: &[&str]) -> String {
        token_in(&self.send(&token_request(scopes)).await.expect(200))
    }

    /// A password for a principal of IAM.
    pub(crate) async fn password(&self, identity: &Identity) -> String {
        let login = signed::sign(Request::post("/login"), identity, &self.service());
        let answer = self.send(&login).await.expect(200).json();
        assert_eq!(answer["username"], "AWS");
        assert_eq!(answer["principal"], identity.arn.as_str());
        answer["password"].as_str().unwrap().to_owned()
    }

    fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        let Identity { access_key_id, secret_access_key, .. } = &self.desk().identity;
        let keys =
            aws_sdk_secretsmanager::config::Credentials::new(access_key_id, secret_access_key, None, None, "test");
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .region(aws_sdk_secretsmanager::config::Region::new(self.desk().region))
            .credentials_provider(keys)
            .endpoint_url(format!("http://{}", self.desk().aws));
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// Name and password that ECS has.
    pub(crate) async fn pull_secret(&self) -> (String, String) {
        let secret = self.secrets_manager().get_secret_value().secret_id(self.desk().pull_secret).send().await.unwrap();
        let secret: Value = serde_json::from_str(secret.secret_string().unwrap()).unwrap();
        let text = |name: &str| secret[name].as_str().unwrap().to_owned();
        (text("username"), text("password"))
    }

    pub(crate) async fn rotate_pull_secret(&self, user: &str, password: &str) {
        self.keep_secret(password);
        let value = json!({"username": user, "password": password}).to_string();
        let put = self.secrets_manager().put_secret_value().secret_id(self.desk().pull_secret).secret_string(value);
        put.send().await.unwrap();
    }

    // Content.

    pub(crate) async fn push_blob(&self, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::sha256(blob);
        let token = self.admin_token(&[&format!("repository:{repository}:push")]).await;
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.send(&Request::post(path).bearer(&token).body("application/octet-stream", blob.to_vec()))
            .await
            .expect(201);
        digest
    }

    /// An image without layers, under the tag `latest`.
    pub(crate) async fn push_image(&self, repository: &str) -> Image {
        let image = Image::new();
        self.push_blob(repository, &image.config).await;
        let token = self.admin_token(&[&format!("repository:{repository}:push")]).await;
        let path = format!("/v2/{repository}/manifests/latest");
        self.send(&Request::new("PUT", path).bearer(&token).body(MANIFEST, image.manifest.clone())).await.expect(201);
        image
    }

    /// Begins an upload. Gives the session's path.
    pub(crate) async fn start_upload(&self, repository: &str, token: &str) -> String {
        let opened = self.send(&Request::post(format!("/v2/{repository}/blobs/uploads/")).bearer(token)).await;
        opened.expect(202).header("location").unwrap().to_owned()
    }

    /// The operations of S3 and DynamoDB that a request costs, with its answer.
    pub(crate) async fn calls(&self, request: &Request) -> (Answer, Vec<String>) {
        self.faults.rest();
        let answer = self.send(request).await;
        self.stack.told().await;
        (answer, self.faults.calls().into_iter().map(|call| call.operation).collect())
    }
}

/// What was secret in its time doesn't stand in the log.
impl Drop for Registry {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            log::assert_silent_about(self.secrets.lock().unwrap().iter());
        }
    }
}

pub(crate) struct Image {
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
}

impl Image {
    /// The same at any time.
    pub(crate) fn new() -> Self {
        let config = b"{}".to_vec();
        let media_type = "application/vnd.oci.image.config.v1+json";
        let descriptor = json!({"mediaType": media_type, "digest": Digest::sha256(&config), "size": config.len()});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": []});
        Self { config, manifest: manifest.to_string().into_bytes() }
    }
}

pub(crate) fn permissions(grants: &[(&str, &str)]) -> Vec<Permission> {
    let permission = |(pattern, actions): &(&str, &str)| Permission {
        repositories: vec![pattern.parse().unwrap()],
        actions: actions.parse().unwrap(),
    };
    grants.iter().map(permission).collect()
}

pub(crate) fn token_request(scopes: &[&str]) -> Request {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
    Request::get(format!("/token?{}", query.finish()))
}

#[track_caller]
pub(crate) fn token_in(answer: &Answer) -> String {
    answer.json()["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}
