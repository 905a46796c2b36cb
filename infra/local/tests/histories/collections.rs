//! The collector, again and again, killed now and then.

use std::net::SocketAddr;
use std::time::Duration;

use collector::{Action, Finding, Terms, Thing};
use local::faults::{Faults, Service};
use runtime::{CollectFrom, Deadline};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::chance::Chance;
use crate::registry::Registry;

/// Longer than any run.
const NO_END: Duration = Duration::from_secs(24 * 60 * 60);

/// Between two runs, so that clients get something done.
const PAUSE: Duration = Duration::from_millis(100);

/// In milliseconds: when a run is killed, it is before that.
const LONGEST_SHORT_LIFE: usize = 1000;

/// What became of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Runs {
    pub(crate) ended: usize,
    pub(crate) failed: usize,
    pub(crate) killed: usize,
    /// What they removed: upload sessions, and everything else.
    pub(crate) sessions: usize,
    pub(crate) others: usize,
}

/// A collector that works until it is stopped.
pub(crate) struct Collector {
    /// What its calls meet, and no other's.
    pub(crate) faults: Faults,
    stop: watch::Sender<bool>,
    running: JoinHandle<Runs>,
}

impl Collector {
    pub(crate) async fn start(registry: &Registry, grace: Duration, mut chance: Chance) -> Self {
        let faults = Faults::default();
        let [dynamodb, s3] = [Service::DynamoDb, Service::S3].map(|service| before(registry, &faults, service));
        let storage = Registry::storage(dynamodb.await, s3.await);
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(async move {
            let mut runs = Runs::default();
            // On a slow machine the clients may be done sooner.
            while !*stopped.borrow() || runs.ended == 0 {
                let terms = Terms { grace, dry_run: false, until: Deadline::after(NO_END) };
                let (mut sessions, mut others) = (0, 0);
                let mut count = |finding: &Finding| match (finding.action, &finding.thing) {
                    (Action::Remove, Thing::Session(_)) => sessions += 1,
                    (Action::Remove, _) => others += 1,
                    (Action::Mark | Action::Wait | Action::TakeBack, _) => {}
                };
                let run = collector::collect(&storage, terms, CollectFrom::default(), &mut count);
                let life = if chance.once_in(3) { chance.below(LONGEST_SHORT_LIFE) } else { usize::MAX };
                let life = Duration::from_millis(u64::try_from(life).unwrap()).min(NO_END);
                match tokio::time::timeout(life, run).await {
                    Ok(Ok(outcome)) if outcome.report.failed == 0 => runs.ended += 1,
                    Ok(Ok(_) | Err(_)) => runs.failed += 1,
                    Err(_) => runs.killed += 1,
                }
                runs.sessions += sessions;
                runs.others += others;
                tokio::time::sleep(PAUSE).await;
            }
            runs
        });
        Self { faults, stop, running }
    }

    /// When its run is over.
    pub(crate) async fn stop(self) -> Runs {
        self.stop.send_replace(true);
        self.running.await.unwrap()
    }
}

async fn before(registry: &Registry, faults: &Faults, service: Service) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (faults, upstream) = (faults.clone(), registry.faults.behind(service).unwrap());
    tokio::spawn(async move { faults.serve(service, listener, upstream, std::future::pending()).await });
    address
}
