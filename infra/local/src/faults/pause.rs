//! A call that waits, so that a test can do something else in the middle of an operation.

use tokio::sync::watch;

use super::{Call, Faults};

/// One call that is held back before it takes effect. Dropping it lets the call go on.
pub struct Pause {
    reached: watch::Receiver<bool>,
    go_on: watch::Sender<bool>,
}

/// The call's side of it.
pub(super) struct Paused {
    call: Box<dyn Fn(&Call) -> bool + Send>,
    reached: watch::Sender<bool>,
    go_on: watch::Receiver<bool>,
}

impl Faults {
    /// Holds back the next call that `call` is true for.
    pub fn pause(&self, call: impl Fn(&Call) -> bool + Send + 'static) -> Pause {
        let (reached, is_reached) = watch::channel(false);
        let (go_on, may_go_on) = watch::channel(false);
        self.state().paused = Some(Paused { call: Box::new(call), reached, go_on: may_go_on });
        Pause { reached: is_reached, go_on }
    }
}

impl Pause {
    /// Waits until the call has come.
    pub async fn reached(&mut self) {
        drop(self.reached.wait_for(|reached| *reached).await);
    }

    /// Lets the call go on.
    pub fn go_on(self) {
        self.go_on.send_replace(true);
    }
}

impl Paused {
    pub(super) fn is_for(&self, call: &Call) -> bool {
        (self.call)(call)
    }

    /// Until the test has done what it wanted.
    pub(super) async fn wait(mut self) {
        self.reached.send_replace(true);
        drop(self.go_on.wait_for(|go_on| *go_on).await);
    }
}
