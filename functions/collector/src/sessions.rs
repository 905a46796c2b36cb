//! Upload sessions: those that ended, those that nobody comes back to, and what mounts leave.
//!
//! They are listed before a repository is looked into, and removed after what nothing refers to was marked. A session says
//! that the repository may have got a blob which no manifest names: should the run end in between, the next one is told so
//! again. And one that was over before the look has left nothing that the look didn't see.

use protocol::RepositoryName;
use storage::{Error, Pending, SessionEntry};

use crate::finding::{Action, Reason, Thing};
use crate::run::{Run, Stop};

/// Sessions that are read at a time.
const PAGE: usize = 1000;

/// The sessions of a repository. Some 150 bytes for each one that is idle.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Whether there were any at all.
    pub(crate) any: bool,
    /// Those that nobody has worked on for the grace period.
    idle: Vec<SessionEntry>,
}

impl Run<'_> {
    pub(crate) async fn sessions(&mut self, name: &RepositoryName) -> Result<Sessions, Stop> {
        let mut sessions = Sessions::default();
        let mut after: Option<String> = None;
        loop {
            let page = self.storage.sessions(name, after.as_deref(), PAGE).await?;
            after = page.items.last().map(|last| last.id.to_string());
            for session in page.items {
                sessions.any = true;
                match session.idle() >= self.terms.grace {
                    true => sessions.idle.push(session),
                    false => self.note(Some(name), thing(&session), Action::Wait, Reason::Idle),
                }
            }
            if !page.more {
                return Ok(sessions);
            }
        }
    }

    /// Removes those that are idle.
    pub(crate) async fn sweep(&mut self, name: &RepositoryName, sessions: Sessions) -> Result<(), Stop> {
        for session in sessions.idle {
            let is_swept = self.terms.dry_run || self.storage.sweep_session(name, &session).await?;
            let action = if is_swept { Action::Remove } else { Action::Wait };
            self.note(Some(name), thing(&session), action, Reason::Idle);
            if is_swept {
                self.go_on()?;
            }
        }
        Ok(())
    }
}

impl Run<'_> {
    /// Sessions of repositories that don't exist yet, which no catalog leads to. False when the time is over: then they are
    /// where the next run begins again.
    pub(crate) async fn pending(&mut self) -> Result<bool, Error> {
        let mut after: Option<String> = None;
        loop {
            let page = self.storage.pending(after.as_deref(), PAGE).await?;
            after = page.items.last().map(|last| last.name.to_string());
            for pending in &page.items {
                if let Err(stop) = self.not_yet(pending).await
                    && !self.goes_on_after(&pending.name, &stop)
                {
                    return Ok(false);
                }
            }
            if !page.more {
                return Ok(true);
            }
        }
    }

    async fn not_yet(&mut self, pending: &Pending) -> Result<(), Stop> {
        let exists = self.storage.repository_exists(&pending.name).await?;
        if !exists {
            let sessions = self.sessions(&pending.name).await?;
            if sessions.any {
                return self.sweep(&pending.name, sessions).await;
            }
        }
        if !self.terms.dry_run {
            self.storage.forget_pending(pending).await?;
        }
        Ok(())
    }
}

fn thing(session: &SessionEntry) -> Thing {
    Thing::Session(session.id.to_string())
}
