//! `lambda-registry proxy`.

use std::io::Write as _;
use std::path::PathBuf;

use ::proxy::{Options, Origin, Patience, Proxy};
use clap::Args;

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
}

/// Serves until Ctrl-C.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    let registry = arguments.registry;
    let options = Options {
        registry: registry.clone(),
        port: arguments.port,
        spool: arguments.spool_dir.unwrap_or_else(std::env::temp_dir),
        patience: Patience::default(),
    };
    runtime::init_logs();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads: {error}"))?;
    runtime.block_on(async {
        let proxy = Proxy::start(options).await.map_err(|error| error.to_string())?;
        greet(proxy.address().port(), &registry);
        stop::when_asked(proxy.stop()).await
    })
}

fn greet(port: u16, registry: &Origin) {
    let text = format!(
        "listening on http://127.0.0.1:{port}\n\
         what is pushed here goes to {registry}; Ctrl-C stops it\n\
         \n\
         log in:  podman login --tls-verify=false 127.0.0.1:{port}\n\
         push:    podman push --tls-verify=false <image> 127.0.0.1:{port}/<name>:<tag>\n\
         \x20        docker tag <image> 127.0.0.1:{port}/<name>:<tag> && docker push 127.0.0.1:{port}/<name>:<tag>\n"
    );
    // Somebody who closed our output still has a proxy.
    drop(std::io::stdout().write_all(text.as_bytes()));
    drop(std::io::stdout().flush());
}
