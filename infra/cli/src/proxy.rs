//! `lambda-registry proxy`.

use std::io::Write as _;
use std::path::PathBuf;

use std::time::Duration;

use ::proxy::{Login, Options, Origin, Patience, Proxy};
use access::IAM_USER;
use clap::Args;
use lambda_registry::{Password, RENEWAL, Registry, log_in};

use crate::stop;

/// For which registry, and where.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The registry: https:// and its host
    #[arg(value_name = "URL")]
    registry: Origin,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 5001)]
    port: u16,
    /// Directory in which layers wait until they are sent on; by default the system's for temporary files
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Log in to the registry as your AWS identity: clients need no login then, and whoever reaches the proxy is you
    #[arg(long)]
    login: bool,
    /// With `--login`: the registry's AWS region; by default the one in its host, or the profile's
    #[arg(long, requires = "login")]
    region: Option<String>,
}

/// How often it is looked whether the password has to be renewed, and tried again.
const EVERY: Duration = Duration::from_secs(60);

/// Serves until Ctrl-C.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    runtime::init_logs();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads: {error}"))?;
    runtime.block_on(async {
        let registry = arguments.registry;
        let login = match arguments.login {
            true => Some(logged_in(&registry, arguments.region).await?),
            false => None,
        };
        let has_login = login.is_some();
        let options = Options {
            registry: registry.clone(),
            port: arguments.port,
            spool: arguments.spool_dir.unwrap_or_else(std::env::temp_dir),
            patience: Patience::default(),
            login,
        };
        let proxy = Proxy::start(options).await.map_err(|error| error.to_string())?;
        greet(proxy.address().port(), &registry, has_login);
        stop::when_asked(proxy.stop()).await
    })
}

/// Signs in, and sees to it that the password never ends.
async fn logged_in(registry: &Origin, region: Option<String>) -> Result<Login, String> {
    let registry: Registry = registry.to_string().parse().map_err(|error| format!("{registry}: {error}"))?;
    let mut password = log_in(&registry, region.as_deref()).await.map_err(|error| error.to_string())?;
    let login = Login::new(IAM_USER, &password.password);
    let shared = login.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Some(next) = renewed(&password, &registry, region.as_deref()).await {
                password = next;
                shared.replace(IAM_USER, &password.password);
            }
        }
    });
    Ok(login)
}

/// Another password, when this one is about to end and another one can be had.
async fn renewed(password: &Password, registry: &Registry, region: Option<&str>) -> Option<Password> {
    if password.lasts(RENEWAL) {
        return None;
    }
    let renewed = log_in(registry, region).await;
    renewed.inspect_err(|error| tracing::warn!(%error, "the login isn't renewed; it is tried again in a minute")).ok()
}

fn greet(port: u16, registry: &Origin, has_login: bool) {
    let login = match has_login {
        true => "logged in with your AWS identity: whoever reaches this address is you".to_owned(),
        false => format!("log in:  podman login --tls-verify=false 127.0.0.1:{port}"),
    };
    let text = format!(
        "listening on http://127.0.0.1:{port}\n\
         what is pushed here goes to {registry}; Ctrl-C stops it\n\
         \n\
         {login}\n\
         push:    podman push --tls-verify=false <image> 127.0.0.1:{port}/<name>:<tag>\n\
         \x20        docker tag <image> 127.0.0.1:{port}/<name>:<tag> && docker push 127.0.0.1:{port}/<name>:<tag>\n"
    );
    // Somebody who closed our output still has a proxy.
    drop(std::io::stdout().write_all(text.as_bytes()));
    drop(std::io::stdout().flush());
}
