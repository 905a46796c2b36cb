//! The way through a registry.

use std::sync::atomic::AtomicU64;

use futures_util::{StreamExt as _, TryStreamExt as _};
use protocol::RepositoryName;
use storage::{Error, Range, Storage};

use crate::content::Known;
use crate::lists::Lists;
use crate::look::Viewer;
use crate::repair::Found;
use crate::{Finding, Outcome, Problem, Subject, Summary};

/// Keys that are read at a time.
const PAGE: usize = 500;

/// Things that are looked at at the same time; each holds a manifest or 8 MiB of a blob.
const AT_ONCE: usize = 8;

/// How a scrub goes about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether what can be repaired is.
    pub repair: bool,
    /// Whether the bytes of blobs are read and hashed, rather than only their lengths asked for.
    pub content: bool,
    /// What the registry says of repositories that don't say it themselves: whether manifests may name what isn't there.
    pub sparse_manifests: bool,
}

/// Goes through one repository, or through all that come after `after`; tells each finding, and each repository once it is
/// through with it. A repository that isn't there has nothing wrong with it.
///
/// # Errors
/// When the platform fails. What was told stands, and the scrub can be taken up after the last repository that was told.
pub async fn scrub(
    storage: &Storage,
    scope: Scope<'_>,
    options: Options,
    tell: &mut (dyn FnMut(News<'_>) + Send),
) -> Result<Summary, Error> {
    let mut run = Run {
        storage,
        options,
        known: Known::default(),
        lists: Lists::default(),
        bytes: AtomicU64::new(0),
        summary: Summary::default(),
    };
    match scope {
        Scope::One(name) => run.repository(name, tell).await?,
        Scope::All { after } => {
            // Those that the catalog lacks first: with their places they come along with the rest.
            run.unlisted(tell).await?;
            let mut after = after.map(RepositoryName::to_string);
            loop {
                let page = storage.catalog("", after.as_deref(), PAGE).await?;
                for name in &page.items {
                    run.repository(name, tell).await?;
                }
                match page.items.last().filter(|_| page.more) {
                    Some(last) => after = Some(last.to_string()),
                    None => break,
                }
            }
        }
    }
    run.summary.bytes = run.bytes.into_inner();
    Ok(run.summary)
}

/// What a scrub goes through.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// One repository.
    One(&'a RepositoryName),
    /// All of them, in the order of their names.
    All {
        /// But for this one and those before it.
        after: Option<&'a RepositoryName>,
    },
}

/// What a scrub tells while it works.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// Something is wrong.
    Found(&'a Finding),
    /// It is through with a repository.
    Through(&'a RepositoryName),
}

struct Run<'a> {
    storage: &'a Storage,
    options: Options,
    known: Known,
    lists: Lists,
    bytes: AtomicU64,
    summary: Summary,
}

type Tell<'a> = dyn FnMut(News<'_>) + Send + 'a;

impl Run<'_> {
    /// Repositories that no listing shows. With a repair they are in the catalog afterwards; else they are gone through now.
    async fn unlisted(&mut self, tell: &mut Tell<'_>) -> Result<(), Error> {
        let mut names = Vec::new();
        self.storage.each_unlisted(&mut |name| names.push(name)).await?;
        for name in names {
            if !self.options.repair {
                self.repository(&name, tell).await?;
                continue;
            }
            let findings = self.viewer(&name, false).findings(&Subject::Repository, true).await?;
            self.tell(&name, Subject::Repository, findings, tell);
        }
        Ok(())
    }

    async fn repository(&mut self, name: &RepositoryName, tell: &mut Tell<'_>) -> Result<(), Error> {
        self.lists = Lists::default();
        let repair = self.options.repair;
        let findings = self.viewer(name, false).findings(&Subject::Repository, repair).await?;
        self.tell(name, Subject::Repository, findings, tell);
        let may_be_sparse = match self.storage.settings(name).await {
            Ok(settings) => settings.and_then(|settings| settings.sparse_manifests),
            Err(Error::Corrupt(what)) => {
                let unreadable = vec![(Problem::Unreadable(what), Outcome::Lost)];
                self.tell(name, Subject::Repository, unreadable, tell);
                None
            }
            Err(error) => return Err(error),
        };
        let may_be_sparse = may_be_sparse.unwrap_or(self.options.sparse_manifests);
        for range in Range::ALL {
            let mut after: Option<String> = None;
            loop {
                let page = self.storage.range(name, range, after.as_deref(), PAGE).await?;
                let viewer = self.viewer(name, may_be_sparse);
                let look = async |subject: Subject| {
                    let findings = viewer.findings(&subject, repair).await;
                    findings.map(|findings| (subject, findings))
                };
                let subjects = page.items.iter().filter_map(|key| Subject::read(range, key));
                let looks = futures_util::stream::iter(subjects.map(look)).buffered(AT_ONCE);
                let looked: Vec<_> = looks.try_collect().await?;
                let count = looked.len() as u64;
                for (subject, findings) in looked {
                    self.tell(name, subject, findings, tell);
                }
                match range {
                    Range::Manifests => self.summary.manifests += count,
                    Range::Blobs => self.summary.blobs += count,
                    Range::Tags => self.summary.tags += count,
                    Range::ManifestBytes | Range::TagsOfManifests | Range::ListsOfManifests | Range::Referrers => {}
                }
                match page.items.last().filter(|_| page.more) {
                    Some(last) => after = Some(last.clone()),
                    None => break,
                }
            }
        }
        self.summary.repositories += 1;
        tell(News::Through(name));
        Ok(())
    }

    fn viewer<'b>(&'b self, name: &'b RepositoryName, may_be_sparse: bool) -> Viewer<'b> {
        Viewer {
            storage: self.storage,
            name,
            may_be_sparse,
            reads_content: self.options.content,
            known: &self.known,
            lists: &self.lists,
            bytes: &self.bytes,
        }
    }

    fn tell(&mut self, name: &RepositoryName, subject: Subject, found: Found, tell: &mut Tell<'_>) {
        for (problem, outcome) in found {
            self.summary.count(outcome);
            let finding = Finding { repository: name.clone(), subject: subject.clone(), problem, outcome };
            tell(News::Found(&finding));
        }
    }
}
