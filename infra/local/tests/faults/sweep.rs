//! One operation, once for each call and each way in which that can fail.

use futures_util::{StreamExt as _, stream};
use local::faults::{Call, Fault};

use crate::http::{Answer, Request};
use crate::registry::{Image, Registry};
use crate::state::{Fact, check_whole};
use crate::{behind, emptied};

/// An operation in a repository of its own.
pub(crate) struct Operation {
    /// What is asked while calls fail.
    pub(crate) request: Request,
    /// The status of success.
    pub(crate) done: u16,
    /// What a client does that wasn't told of the success.
    pub(crate) recovery: Recovery,
    /// What is asked afterwards to see whether it came to the right thing, and the status that says so.
    pub(crate) then: Option<(Request, u16)>,
    /// What holds then.
    pub(crate) facts: Vec<Fact>,
    /// Every image that may be seen before or after.
    pub(crate) images: Vec<Image>,
}

/// What a client does that wasn't told of the success.
pub(crate) enum Recovery {
    /// The same once more.
    Repeat,
    /// The same once more; this status says that it was done.
    RepeatUntil(u16),
    /// It asks an upload how far it is, and sends what is missing.
    Resume { session: String, content: Vec<u8> },
}

impl Operation {
    pub(crate) fn new(request: Request, done: u16, facts: Vec<Fact>) -> Self {
        Self { request, done, recovery: Recovery::Repeat, then: None, facts, images: Vec::new() }
    }

    pub(crate) fn recovers(self, recovery: Recovery) -> Self {
        Self { recovery, ..self }
    }

    pub(crate) fn then(self, request: Request, status: u16) -> Self {
        Self { then: Some((request, status)), ..self }
    }

    pub(crate) fn about(self, images: Vec<Image>) -> Self {
        Self { images, ..self }
    }

    pub(crate) async fn recover(&self, registry: &Registry) {
        match &self.recovery {
            Recovery::Repeat => drop(registry.send(&self.request).await.expect(self.done)),
            Recovery::RepeatUntil(status) => {
                let repeated = registry.send(&self.request).await;
                assert!([self.done, *status].contains(&repeated.status), "{repeated}");
            }
            Recovery::Resume { session, content } => {
                let status = registry.get(session).await.expect(204);
                let last: usize = status.expect_header("range").strip_prefix("0-").unwrap().parse().unwrap();
                let received = if last == 0 { 0 } else { last + 1 };
                if received < content.len() {
                    let range = format!("{received}-{}", content.len() - 1);
                    let patch = Request::new("PATCH", session).header("Content-Range", range);
                    registry.send(&patch.body(&content[received..])).await.expect(202);
                }
            }
        }
    }

    pub(crate) async fn check(&self, registry: &Registry, repository: &str) {
        check_whole(registry, repository, &self.images).await;
        if let Some((request, status)) = &self.then {
            registry.send(request).await.expect(*status);
        }
        for fact in &self.facts {
            fact.check(registry, repository).await;
        }
    }
}

/// Which attempts of a call fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The first: the SDK repeats it.
    First,
    /// All: the call comes to nothing.
    All,
}

/// How many registries run at the same time, most of which wait for an answer that doesn't come.
const AT_ONCE: usize = 8;

/// A failure to inject.
struct Injection {
    call: Call,
    fault: Fault,
    reach: Reach,
    repository: String,
}

/// Fails every call of an operation in turn. `prepare` makes what the operation needs in the repository that it is given.
pub(crate) async fn sweep(name: &str, prepare: impl AsyncFn(&Registry, &str) -> Operation) {
    let registry = Registry::start().await;
    let calls = record(&registry, &prepare).await;
    let ways = || calls.iter().flat_map(|call| Fault::ways(call).into_iter().map(move |fault| (call, fault)));
    let injection = |reach| {
        move |(number, (call, fault)): (usize, (&Call, Fault))| Injection {
            call: call.clone(),
            fault,
            reach,
            repository: format!("sweep/{reach:?}/{number}").to_lowercase(),
        }
    };
    let (slow, first): (Vec<_>, Vec<_>) = ways().enumerate().map(injection(Reach::First)).partition(Injection::is_slow);
    // Nothing but lost answers that take longer, to the registry.
    let all: Vec<_> = ways().enumerate().map(injection(Reach::All)).filter(|injection| !injection.is_slow()).collect();
    let injected = slow.len() + first.len() + all.len();

    let one_by_one = async |registry: Registry, injections: Vec<Injection>| {
        let mut repeated = 0;
        for injection in injections {
            repeated += usize::from(inject(&registry, &prepare, &injection).await);
        }
        behind::check_objects(&registry).await;
        registry.scrub().await;
        emptied::check(&registry).await;
        registry.stack.stop().await;
        repeated
    };
    let alone = async |injection: Injection| {
        let registry = Registry::start().await;
        inject(&registry, &prepare, &injection).await;
        registry.scrub().await;
        registry.stack.stop().await;
    };
    // The SDK stops to repeat calls when too many have come to nothing, hence two registries. Most of the time all of them
    // wait.
    let other = Registry::start().await;
    let (_, repeated, ()) = tokio::join!(
        one_by_one(registry, first),
        one_by_one(other, all),
        stream::iter(slow).map(alone).buffer_unordered(AT_ONCE).collect::<()>(),
    );
    let calls: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    println!("{name}: {injected} failures, repeated by the client {repeated} times: {}", calls.join(", "));
}

/// The calls of the operation when nothing fails. It may be repeated then as well: the client may have lost the answer.
async fn record(registry: &Registry, prepare: &impl AsyncFn(&Registry, &str) -> Operation) -> Vec<Call> {
    let repository = "sweep/recorded";
    let operation = prepare(registry, repository).await;
    registry.stack.told().await;
    registry.faults.rest();
    registry.send(&operation.request).await.expect(operation.done);
    registry.stack.told().await;
    let calls = registry.faults.calls();
    assert!(!calls.is_empty());
    operation.recover(registry).await;
    operation.check(registry, repository).await;
    calls
}

/// Does the operation while one call fails. True when the client had to repeat it.
async fn inject(
    registry: &Registry,
    prepare: &impl AsyncFn(&Registry, &str) -> Operation,
    injection: &Injection,
) -> bool {
    let guard = Guard(injection);
    let operation = prepare(registry, &injection.repository).await;
    registry.stack.told().await;
    let (failing, fault, reach) = (injection.call.number, injection.fault, injection.reach);
    registry
        .faults
        .follow(move |call| (call.number == failing && (reach == Reach::All || call.attempt == 1)).then_some(fault));
    let answer = registry.send(&operation.request).await;
    // Some calls are made after the answer.
    registry.stack.told().await;
    let (struck, calls) = (registry.faults.struck(), registry.faults.calls());
    registry.faults.rest();
    assert!(struck > 0, "the call wasn't made: {calls:?}");

    let done = answer.status == operation.done;
    if !done {
        assert!(reach == Reach::All, "the SDK should have repeated it: {answer}");
        expect_later(&answer);
        check_whole(registry, &injection.repository, &operation.images).await;
        operation.recover(registry).await;
    }
    operation.check(registry, &injection.repository).await;
    drop(guard);
    !done
}

impl Injection {
    fn is_slow(&self) -> bool {
        matches!(self.fault, Fault::Ignored | Fault::AnswerWithheld)
    }
}

/// A client is told to come back.
#[track_caller]
pub(crate) fn expect_later(answer: &Answer) {
    let code = match answer.status {
        429 => "TOOMANYREQUESTS",
        503 => "UNAVAILABLE",
        _ => panic!("neither done nor 429 nor 503: {answer}"),
    };
    // Answers to HEAD have none.
    if !answer.body.is_empty() {
        assert_eq!(answer.json()["errors"][0]["code"], code, "{answer}");
    }
    let seconds: u64 = answer.expect_header("retry-after").parse().unwrap();
    assert!(seconds > 0, "{answer}");
}

/// Says what was going on when a test fails.
struct Guard<'a>(&'a Injection);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Injection { call, fault, reach, .. } = self.0;
            eprintln!("--- {fault:?} of {call}, {reach:?}");
        }
    }
}
