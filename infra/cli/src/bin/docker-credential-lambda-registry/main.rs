//! `docker-credential-lambda-registry`: Docker and its kin ask it for passwords, and it signs in with AWS credentials.
//!
//! The protocol is that of docker-credential-helpers: an action as argument, its subject on stdin, the answer on stdout,
//! errors too. What is meant for people goes to stderr, which clients pass on.

mod cache;
mod error;
mod identity;
mod passwords;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use access::IAM_USER;
use lambda_registry::Registry;
use serde::Serialize;

use cache::Cache;
use error::HelperError;

/// What clients want to know of a registry.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (answer, code) = match run(&arguments) {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(error) => {
            if let Some(reason) = error.reason() {
                note(&reason);
            }
            (error.to_string(), ExitCode::FAILURE)
        }
    };
    match answer.is_empty() || writeln!(std::io::stdout(), "{answer}").is_ok() {
        true => code,
        // A client that doesn't listen.
        false => ExitCode::FAILURE,
    }
}

fn run(arguments: &[&str]) -> Result<String, HelperError> {
    match arguments {
        ["get"] => get(&subject()?),
        ["erase"] => erase(&subject()?),
        ["list"] => list(),
        ["store"] => Err(HelperError::Store),
        ["version" | "--version" | "-v"] => {
            Ok(format!("docker-credential-lambda-registry {}", env!("CARGO_PKG_VERSION")))
        }
        _ => Err(HelperError::Usage),
    }
}

fn get(server_url: &str) -> Result<String, HelperError> {
    let registry: Registry = server_url.parse().map_err(HelperError::NotServed)?;
    let password = passwords::password(&registry)?;
    json(&Credentials { server_url, username: IAM_USER, secret: &password.password })
}

fn erase(server_url: &str) -> Result<String, HelperError> {
    // Nothing is kept for what isn't a registry.
    if let (Ok(registry), Some(cache)) = (server_url.parse(), Cache::find()) {
        cache.erase(&registry).map_err(|error| HelperError::Cache(cache.to_string(), error))?;
    }
    Ok(String::new())
}

fn list() -> Result<String, HelperError> {
    let registries = match Cache::find() {
        Some(cache) => cache.list().map_err(|error| HelperError::Cache(cache.to_string(), error))?,
        None => Vec::new(),
    };
    json(&registries.iter().map(|registry| (registry.as_str(), IAM_USER)).collect::<BTreeMap<_, _>>())
}

/// What an action is about: all of stdin.
fn subject() -> Result<String, HelperError> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).map_err(HelperError::Input)?;
    match input.trim() {
        "" => Err(HelperError::NoServerUrl),
        subject => Ok(subject.to_owned()),
    }
}

fn json(answer: &impl Serialize) -> Result<String, HelperError> {
    serde_json::to_string(answer).map_err(HelperError::Answer)
}

/// Something for whoever started the client.
fn note(text: &str) {
    // There is nobody else to tell.
    drop(writeln!(std::io::stderr(), "docker-credential-lambda-registry: {text}"));
}
