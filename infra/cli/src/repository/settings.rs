//! A repository's own settings.

use clap::{Args, ValueEnum};
use protocol::{MutabilityMode, RepositoryName, TagMutability};
use storage::{Settings, Storage};

use super::missing;

/// Settings to be changed; what isn't given stays.
#[derive(Args)]
pub(crate) struct Change {
    /// Whether manifests may refer to content that isn't there
    #[arg(long, value_enum)]
    sparse_manifests: Option<Choice>,
    /// Which tags may be moved to another image: MUTABLE, IMMUTABLE, MUTABLE_WITH_EXCLUSION or IMMUTABLE_WITH_EXCLUSION
    #[arg(long, value_name = "MODE")]
    tag_mutability: Option<MutabilityMode>,
    /// With the two modes that have exclusions: a tag to which the mode doesn't apply, or a pattern like dev-*; up to five
    #[arg(long, value_name = "PATTERN", requires = "tag_mutability")]
    exclude: Vec<String>,
    /// Whether the collector removes images that have no tag, are in no list and refer to no subject
    #[arg(long, value_enum)]
    collect_untagged: Option<YesNo>,
}

/// A setting that has a default.
#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Yes,
    No,
    /// What the deployment's parameter says
    Default,
}

/// A setting that hasn't.
#[derive(Clone, Copy, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.sparse_manifests.is_none() && self.tag_mutability.is_none() && self.collect_untagged.is_none()
    }

    /// The settings after it.
    fn apply(self, mut settings: Settings) -> Result<Settings, String> {
        if let Some(choice) = self.sparse_manifests {
            settings.sparse_manifests = match choice {
                Choice::Yes => Some(true),
                Choice::No => Some(false),
                Choice::Default => None,
            };
        }
        if let Some(mode) = self.tag_mutability {
            settings.tag_mutability = TagMutability::new(mode, &self.exclude).map_err(|error| error.to_string())?;
        }
        if let Some(choice) = self.collect_untagged {
            settings.collect_untagged = matches!(choice, YesNo::Yes);
        }
        Ok(settings)
    }
}

/// Changes what is to be changed, and shows all of them.
pub(crate) async fn run(storage: &Storage, name: &RepositoryName, change: Change) -> Result<(), String> {
    let current = storage.settings(name).await.map_err(|error| error.to_string())?.ok_or_else(|| missing(name))?;
    let settings = match change.is_empty() {
        true => current,
        false => {
            let changed = change.apply(current)?;
            if !storage.set_settings(name, &changed).await.map_err(|error| error.to_string())? {
                return Err(missing(name));
            }
            changed
        }
    };
    print!("{}", shown(&settings));
    Ok(())
}

/// A line for each setting, and for each exclusion.
fn shown(settings: &Settings) -> String {
    let yes_no = |yes| if yes { "yes" } else { "no" };
    let mut lines = vec![
        ("sparse-manifests", settings.sparse_manifests.map_or("default", yes_no).to_owned()),
        ("tag-mutability", settings.tag_mutability.mode().to_string()),
    ];
    lines.extend(settings.tag_mutability.exclusions().iter().map(|filter| ("exclude", filter.to_string())));
    lines.push(("collect-untagged", yes_no(settings.collect_untagged).to_owned()));
    lines.into_iter().map(|(name, value)| format!("{name:<16}  {value}\n")).collect()
}
