//! Objects that repositories let go of.

use runtime::CollectFrom;
use storage::{Error, Orphan};

use crate::finding::{Action, Reason, Thing};
use crate::run::Run;

/// Orphans that are read at a time.
const PAGE: usize = 1000;

impl Run<'_> {
    /// Removes those whose blob no repository has, once nobody can still be downloading them. Says where to go on when the
    /// time is over.
    pub(crate) async fn orphans(&mut self, mut after: Option<String>) -> Result<Option<CollectFrom>, Error> {
        // Empty: before the first.
        after = after.filter(|key| !key.is_empty());
        loop {
            let page = self.storage.orphans(after.as_deref(), PAGE).await?;
            for orphan in page.items {
                if let Err(error) = self.orphan(&orphan).await {
                    self.report.failed += 1;
                    tracing::error!(object = orphan.object, %error, "not looked at to the end");
                }
                after = Some(orphan.object);
                if self.terms.is_over() {
                    return Ok(Some(CollectFrom { orphans_after: after, ..CollectFrom::default() }));
                }
            }
            if !page.more {
                return Ok(None);
            }
        }
    }

    async fn orphan(&mut self, orphan: &Orphan) -> Result<(), Error> {
        let action = match self.terms {
            terms if orphan.age() < terms.grace => Action::Wait,
            terms if terms.dry_run && self.storage.is_linked(orphan).await? => return Ok(()),
            terms if !terms.dry_run && !self.storage.remove_orphan(orphan).await? => return Ok(()),
            _ => Action::Remove,
        };
        if action == Action::Remove {
            self.report.bytes += orphan.size;
        }
        self.note(None, Thing::Object(orphan.object.clone()), action, Reason::Unlinked);
        Ok(())
    }
}
