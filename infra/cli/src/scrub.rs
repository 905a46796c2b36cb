//! `lambda-registry scrub`: everything that a deployment refers to is read and compared, for whoever runs it.

use std::process::ExitCode;

use clap::Args;
use lambda_registry::{Bucket, Deployment};
use protocol::RepositoryName;
use scrub::{News, Options, Scope, Summary};
use storage::Look;

use crate::console;

/// Something was found.
const FOUND: u8 = 1;
/// Not all of it could be looked at.
pub(crate) const NOT_DONE: u8 = 2;

/// What to look at, and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// One repository, for instance team/app; all of them by default
    repository: Option<RepositoryName>,
    /// Repair what can be repaired from what is there
    #[arg(long)]
    repair: bool,
    /// Read the bytes of every blob and compare their digests (the default)
    #[arg(long, conflicts_with = "quick")]
    content: bool,
    /// Of blobs only ask whether they are there, and how long they are
    #[arg(long)]
    quick: bool,
    /// Go on after this repository, with which a scrub was through that broke off
    #[arg(long, value_name = "NAME", conflicts_with = "repository")]
    after: Option<RepositoryName>,
    /// The deployment's parameter SparseManifests is true: manifests may refer to what isn't there
    #[arg(long)]
    sparse_manifests: bool,
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    bucket: Bucket,
}

/// Scrubs, prints what it finds while it goes on, and says how it stands.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    match console::run(scrub_all(&arguments)) {
        Ok(summary) if summary.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(FOUND),
        Err(error) => {
            eprintln!("lambda-registry: {error}");
            ExitCode::from(NOT_DONE)
        }
    }
}

async fn scrub_all(arguments: &Arguments) -> Result<Summary, String> {
    let storage = arguments.deployment.open_with(&arguments.bucket, None).await?;
    let options =
        Options { repair: arguments.repair, content: !arguments.quick, sparse_manifests: arguments.sparse_manifests };
    let scope = match &arguments.repository {
        Some(name) => {
            let found = storage.has_settings_and_place(name, Look::Quick).await.map_err(|error| error.to_string())?;
            if found == (false, false) {
                return Err(format!("there is no repository {name}"));
            }
            Scope::One(name)
        }
        None => Scope::All { after: arguments.after.as_ref() },
    };
    let mut last = arguments.after.clone();
    let mut tell = |news: News<'_>| match news {
        News::Found(finding) => println!("{finding}"),
        News::Through(name) => last = Some(name.clone()),
    };
    match scrub::scrub(&storage, scope, options, &mut tell).await {
        Ok(summary) => {
            print!("{}", shown(&summary));
            Ok(summary)
        }
        Err(error) => Err(match last.filter(|_| arguments.repository.is_none()) {
            Some(last) => format!("{error}; go on with: lambda-registry scrub --after {last}"),
            None => error.to_string(),
        }),
    }
}

/// What was looked at, and what came of it.
fn shown(summary: &Summary) -> String {
    let Summary { repositories, manifests, blobs, tags, bytes, repairable, repaired, lost } = summary;
    let findings = match summary.is_clean() {
        true => "nothing is wrong".to_owned(),
        false => format!("{lost} lost, {repairable} repairable, {repaired} repaired"),
    };
    let looked_at = [
        many(*repositories, "repository", "repositories"),
        many(*manifests, "manifest", "manifests"),
        many(*tags, "tag", "tags"),
        many(*blobs, "blob", "blobs"),
    ];
    format!("{}; {bytes} bytes of blobs read\n{findings}\n", looked_at.join(", "))
}

fn many(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
