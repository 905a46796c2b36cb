//! A registry that asks who somebody is, and the desk of whoever runs it: the admin's password, AWS credentials, the
//! product's commands.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::clients::Home;
use crate::command::run;
use crate::http::{Answer, Request};
use crate::registry::Registry;
use crate::server::{self, Endpoint};

/// The admin's password stands in the lines after the address. This only keeps a registry that says nothing from hanging
/// the run.
const GREETING_LIMIT: Duration = Duration::from_secs(30);

/// What `lambda-registry local --auth` calls the secret for ECS.
pub const PULL_SECRET: &str = "lambda-registry/pull";

/// A name and a password.
#[derive(Clone)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl Account {
    /// Whoever has this name and this password.
    pub fn new(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned() }
    }

    /// The value of an `Authorization` header (RFC 7617).
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.name, self.password)))
    }
}

/// A running registry with `--auth`, and a home with the environment that it wrote. It stops when this is dropped.
pub struct Desk {
    /// The registry.
    pub registry: Registry,
    /// The user who may do everything.
    pub admin: Account,
    home: Home,
}

impl Endpoint for Desk {
    fn address(&self) -> &str {
        self.registry.address()
    }
}

impl Desk {
    /// Starts `lambda-registry local --auth` with these flags as well.
    #[track_caller]
    pub fn start(flags: &[&str]) -> Self {
        let registry = Registry::start(&[&["--auth"], flags].concat());
        let admin = Account::new("admin", &admin_password(&registry));
        Self { home: Home::new(&registry), registry, admin }
    }

    /// The variables in the file that the registry wrote for shells.
    #[track_caller]
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = fs::read_to_string(self.registry.data().join("environment")).expect("a file with the environment");
        let exports = file.lines().filter_map(|line| line.strip_prefix("export "));
        let pair = |line: &str| {
            let (name, value) = line.split_once('=').expect("a name and a value");
            (name.to_owned(), value.trim_matches('\'').to_owned())
        };
        exports.map(pair).collect()
    }

    /// A command of the `lambda-registry` binary, run by somebody who has read that file.
    #[track_caller]
    pub fn lambda_registry(&self, arguments: &[&str]) -> Command {
        let program = server::programs().join("lambda-registry");
        let mut command = self.home.command(program.to_str().expect("a path in UTF-8"));
        command.args(arguments).envs(self.environment()).stdin(Stdio::null());
        command
    }

    /// The AWS command line, run by the same.
    #[track_caller]
    pub fn aws(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command("aws");
        command.args(arguments).envs(self.environment()).stdin(Stdio::null());
        command
    }

    /// Makes a user.
    #[track_caller]
    pub fn user(&self, name: &str, repositories: &str, actions: &str) -> Account {
        let create = ["user", "create", name, "--repositories", repositories, "--actions", actions];
        Account::new(name, run(&mut self.lambda_registry(&create)).trim())
    }

    /// Gives a user a new secret.
    #[track_caller]
    pub fn rotate(&self, name: &str, overlap: &str) -> Account {
        Account::new(name, run(&mut self.lambda_registry(&["user", "rotate", name, "--overlap", overlap])).trim())
    }

    /// `user disable`, `enable` or `delete`.
    #[track_caller]
    pub fn change_user(&self, change: &str, name: &str) {
        run(&mut self.lambda_registry(&["user", change, name]));
    }

    /// Puts a file of grants in force.
    #[track_caller]
    pub fn grant(&self, file: &str) {
        let path = self.home.write("grants.yaml", file);
        run(self.lambda_registry(&["grants", "apply", "--yes"]).arg(path));
    }

    /// The password of the desk's principal of IAM.
    #[track_caller]
    pub fn iam(&self) -> Account {
        let password = run(&mut self.lambda_registry(&["login-password", "--registry", self.address()]));
        Account::new("AWS", password.trim())
    }

    /// The secret that ECS gets from Secrets Manager, as it gets it.
    #[track_caller]
    pub fn pull_secret(&self) -> Account {
        let get = ["secretsmanager", "get-secret-value", "--secret-id", PULL_SECRET, "--query", "SecretString"];
        let secret = run(self.aws(&get).args(["--output", "text"]));
        let secret: Value = serde_json::from_str(&secret).expect("a secret in JSON");
        let field = |name: &str| secret[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        Account { name: field("username"), password: field("password") }
    }

    /// Replaces that secret.
    #[track_caller]
    pub fn put_pull_secret(&self, account: &Account) {
        let secret = serde_json::json!({"username": account.name, "password": account.password}).to_string();
        let put = ["secretsmanager", "put-secret-value", "--secret-id", PULL_SECRET, "--secret-string", &secret];
        run(&mut self.aws(&put));
    }

    /// What the token endpoint answers to somebody who asks for scopes, separated by spaces.
    #[track_caller]
    pub fn ask_token(&self, account: &Account, scopes: &str) -> Answer {
        let scopes = scopes.replace(' ', "%20");
        let request = Request::new("GET", &self.registry.url(&format!("/token?scope={scopes}")));
        request.header("Authorization", &account.basic()).send()
    }

    /// A token, as the value of an `Authorization` header.
    #[track_caller]
    pub fn bearer(&self, account: &Account, scopes: &str) -> String {
        let answer = self.ask_token(account, scopes).expect(200).json();
        format!("Bearer {}", answer["token"].as_str().expect("a token"))
    }

    /// A request with the value of an `Authorization` header.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, authorization: &str) -> Request {
        Request::new(method, &self.registry.url(path)).header("Authorization", authorization)
    }
}

/// From the lines that the registry greets its user with.
#[track_caller]
fn admin_password(registry: &Registry) -> String {
    let asked = Instant::now();
    loop {
        let log = registry.log();
        let rest = log.split_once("user admin with the password ").and_then(|(_, rest)| rest.split_once(" (shown"));
        if let Some((password, _)) = rest {
            return password.to_owned();
        }
        assert!(asked.elapsed() < GREETING_LIMIT, "the registry shows no password:\n{log}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the registry refuses a token because its time is over.
///
/// # Panics
/// When that doesn't come to pass, or when it is refused for another reason.
#[track_caller]
pub fn wait_until_it_expires(registry: &str, authorization: &str) {
    let asked = Instant::now();
    loop {
        let request = Request::new("GET", &format!("http://{registry}/v2/")).header("Authorization", authorization);
        let answer = request.send();
        if answer.status == 401 {
            let message = answer.expect_error(401, "UNAUTHORIZED");
            assert!(message.contains("expired"), "{message}");
            return;
        }
        answer.expect(200);
        assert!(asked.elapsed() < GREETING_LIMIT, "the token doesn't expire");
        std::thread::sleep(Duration::from_millis(50));
    }
}
