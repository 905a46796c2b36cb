//! What is told about requests: events on a bus that stands in for EventBridge, metrics and log lines of functions that
//! run as processes behind a Lambda Runtime API. Those are this test binary, started again.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

/// Runs tests with functions in this process, and as processes.
macro_rules! in_each_mode {
    ($($test:ident),* $(,)?) => {$(
        mod $test {
            use crate::registry::Mode;

            #[tokio::test(flavor = "multi_thread")]
            async fn in_process() {
                super::$test(Mode::InProcess).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn as_processes() {
                super::$test(Mode::Processes).await;
            }
        }
    )*};
}

mod bus;
mod events;
#[expect(dead_code, reason = "other tests ask for more")]
#[path = "../faults/http.rs"]
mod http;
#[expect(dead_code, reason = "other tests push more")]
#[path = "../roles/image.rs"]
mod image;
mod lines;
mod order;
mod pulls;
mod registry;
mod secrets;
mod throttles;

use protocol::Function;

/// A function, as a process of the registry that a test runs.
#[test]
#[ignore = "a program for the other tests"]
fn function() {
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap();
    let function = Function::ALL.iter().copied().find(|function| function.name() == name).unwrap();
    // The end of the runtime API ends it.
    drop(local::run_function(function));
}
