//! `lambda-registry local`.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use access::RepositoryPattern;
use clap::{ArgAction, Args, ValueEnum};
use local::{Collection, Data, Desk, FunctionsMode, Login, Options, Stack};
use runtime::EventsConfig;
use storage::Policy;

use crate::moment::duration;
use crate::{collect, stop};

/// Where and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// Directory of the data; it survives a restart
    #[arg(long, value_name = "DIR", default_value = ".lambda-registry", conflicts_with = "in_memory")]
    data_dir: PathBuf,
    /// Keep the data in memory; nothing survives
    #[arg(long)]
    in_memory: bool,
    /// Whether a push to a name that doesn't exist creates the repository
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    create_on_push: bool,
    /// Take manifests that refer to content which isn't there, such as indexes without all of their images
    #[arg(long)]
    sparse_manifests: bool,
    /// Ask who somebody is: makes the user admin and an IAM key pair, and shows how to use them
    #[arg(long)]
    auth: bool,
    /// With `--auth`: how long a token is valid
    #[arg(long, value_name = "SECONDS", default_value_t = runtime::TOKEN_LIFETIME, value_parser = clap::value_parser!(u64).range(1..=3600), requires = "auth")]
    token_lifetime: u64,
    /// With `--auth`: what may be pulled with the secret for ECS task definitions
    #[arg(long, value_name = "PATTERN", default_value = "*", requires = "auth")]
    pull_pattern: RepositoryPattern,
    /// How often what nothing refers to is collected, and once at the start; or never
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = Every::read)]
    collect_every: Every,
    /// How long the collector lets things be that nothing refers to: longer than any push takes
    #[arg(long, value_name = "DURATION", default_value = "23h", value_parser = collect::grace)]
    grace: Duration,
    /// Only what a deployment's gateway and functions do: no bodies larger than one request carries
    #[arg(long)]
    no_front: bool,
    /// Run the functions in this process, or each as processes of its own behind a Lambda Runtime API
    #[arg(long, value_enum, default_value = "in-process")]
    functions: Functions,
    /// With `--functions process`: run the binaries in this directory, named like the functions, instead of this program
    #[arg(long, value_name = "DIR")]
    function_binaries: Option<PathBuf>,
}

/// How often; None for never.
#[derive(Clone, Copy)]
struct Every(Option<Duration>);

impl Every {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self(None)),
            text => match duration(text).map_err(|error| error.to_string())? {
                0 => Err("that is all the time; use at least 1s, or never".to_owned()),
                seconds => Ok(Self(Some(Duration::from_secs(seconds)))),
            },
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Functions {
    InProcess,
    Process,
}

/// Serves until Ctrl-C.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    let functions = match (arguments.functions, arguments.function_binaries) {
        (Functions::InProcess, None) => FunctionsMode::InProcess,
        (Functions::Process, None) => FunctionsMode::Processes,
        (Functions::Process, Some(directory)) => FunctionsMode::Binaries(directory),
        (Functions::InProcess, Some(_)) => return Err("--function-binaries goes with --functions process".to_owned()),
    };
    let data = match arguments.in_memory {
        true => Data::Memory,
        false => Data::Directory(arguments.data_dir),
    };
    let options = Options {
        port: arguments.port,
        data: data.clone(),
        front: !arguments.no_front,
        functions,
        // It listens on loopback, so whoever reaches it is on this machine.
        login: arguments.auth.then(|| Login {
            token_lifetime: arguments.token_lifetime,
            pull_pattern: arguments.pull_pattern,
            identities: Vec::new(),
        }),
        policy: Policy { create_on_push: arguments.create_on_push, sparse_manifests: arguments.sparse_manifests },
        collection: arguments.collect_every.0.map(|every| Collection { every, grace: arguments.grace }),
        events: events()?,
        observer: None,
        faults: None,
    };
    runtime::init_logs();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads: {error}"))?;
    runtime.block_on(async {
        let stack = Stack::start(options).await.map_err(|error| error.to_string())?;
        greet(stack.address().port(), &data, stack.desk());
        stop::when_asked(stack.stop()).await
    })
}

/// Events go where the environment says, as in a function: `REGISTRY_EVENT_BUS` names the bus and
/// `AWS_ENDPOINT_URL_EVENTBRIDGE` what stands for EventBridge.
fn events() -> Result<EventsConfig, String> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let events =
        EventsConfig { bus: variable("REGISTRY_EVENT_BUS"), endpoint: variable("AWS_ENDPOINT_URL_EVENTBRIDGE") };
    match events {
        EventsConfig { bus: Some(_), endpoint: None } => {
            let message = "REGISTRY_EVENT_BUS is set, but this registry has no keys of AWS: \
                           set AWS_ENDPOINT_URL_EVENTBRIDGE as well, to an emulator";
            Err(message.to_owned())
        }
        events => Ok(events),
    }
}

fn greet(port: u16, data: &Data, desk: Option<&Desk>) {
    let kept = match data {
        Data::Directory(directory) => format!("data in {}", directory.display()),
        Data::Memory => "data in memory, gone when it stops".to_owned(),
    };
    let open = if desk.is_some() { "asks for a login" } else { "open to this machine" };
    let login = desk.map(|desk| how_to_log_in(port, data, desk)).unwrap_or_default();
    let text = format!(
        "listening on http://127.0.0.1:{port}\n\
         {kept}; {open}; Ctrl-C stops it\n\
         {login}\n\
         push:  podman push --tls-verify=false <image> 127.0.0.1:{port}/<name>:<tag>\n\
         \x20      docker tag <image> 127.0.0.1:{port}/<name>:<tag> && docker push 127.0.0.1:{port}/<name>:<tag>\n\
         pull:  podman pull --tls-verify=false 127.0.0.1:{port}/<name>:<tag>\n"
    );
    // Somebody who closed our output still has a registry.
    drop(std::io::stdout().write_all(text.as_bytes()));
    drop(std::io::stdout().flush());
}

/// The admin's secret is shown when it is made, and never again.
fn how_to_log_in(port: u16, data: &Data, desk: &Desk) -> String {
    let admin = desk.admin;
    let secret = match &desk.admin_secret {
        Some(secret) => format!("user {admin} with the password {} (shown this once)", secret.expose()),
        None => format!("user {admin}; lost the password? lambda-registry user rotate {admin}"),
    };
    let environment = match data {
        Data::Directory(directory) => format!(". {}/environment\n", directory.display()),
        Data::Memory => format!("with these variables\n{desk}"),
    };
    format!(
        "\nlog in:  {secret}\n\
         IAM:     {environment}\
         \x20        lambda-registry login-password --registry 127.0.0.1:{port} | \
         podman login --tls-verify=false --username AWS --password-stdin 127.0.0.1:{port}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collecting_is_done_every_so_often_or_never() {
        let every = |text| Every::read(text).map(|every| every.0);
        assert_eq!(every("never"), Ok(None));
        for (text, seconds) in [("30s", 30), ("10m", 600), ("1h", 3_600), ("2d", 172_800)] {
            assert_eq!(every(text), Ok(Some(Duration::from_secs(seconds))), "{text}");
        }
        for bad in ["0s", "-1m", "soon", ""] {
            assert!(every(bad).is_err(), "{bad}");
        }
    }
}
