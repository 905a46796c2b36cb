//! Functions as processes, with a program on the real lambda_runtime: this test binary, started again.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lambda_runtime::{LambdaEvent, service_fn};
use local::gateway::{Invoke, InvokeError};
use local::lambda::{ProcessFunctions, ProcessOptions};
use protocol::Function;
use serde_json::{Value, json};

/// The function. What it does stands in the event.
#[test]
#[ignore = "a program for the other tests"]
fn function() {
    async fn serve(event: LambdaEvent<Value>) -> Result<Value, lambda_runtime::Error> {
        let LambdaEvent { payload, context } = event;
        match payload["do"].as_str().unwrap() {
            "tell" => Ok(json!({
                "pid": std::process::id(),
                "request": context.request_id,
                "deadline": context.deadline,
                "arn": context.invoked_function_arn,
                "name": std::env::var("AWS_LAMBDA_FUNCTION_NAME")?,
                "given": std::env::var("GIVEN")?,
            })),
            "sleep" => {
                tokio::time::sleep(Duration::from_millis(payload["ms"].as_u64().unwrap())).await;
                Ok(json!({"pid": std::process::id()}))
            }
            "fail" => Err("no such luck".into()),
            "exit" => std::process::exit(3),
            "repeat" => Ok(json!("x".repeat(payload["size"].as_u64().unwrap() as usize))),
            other => panic!("{other}?"),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The end of the connection, like any other error, ends the process: that is what a function's main does.
    runtime.block_on(lambda_runtime::run(service_fn(serve))).unwrap();
}

fn program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", test]).stderr(Stdio::null());
    command
}

fn start(options: ProcessOptions) -> ProcessFunctions {
    let environment = vec![("GIVEN".to_owned(), "yes".to_owned())];
    let command = |_| {
        let mut command = program("function");
        command.stdout(Stdio::null());
        command
    };
    ProcessFunctions::start(command, ProcessOptions { environment, ..options })
}

async fn call(functions: &ProcessFunctions, event: Value) -> Result<Value, InvokeError> {
    let answer = functions.invoke(Function::BlobGet, event.to_string().into_bytes()).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

async fn pid(functions: &ProcessFunctions) -> u64 {
    call(functions, json!({"do": "tell"})).await.unwrap()["pid"].as_u64().unwrap()
}

#[tokio::test]
async fn a_function_gets_its_event_and_learns_who_it_is() {
    let functions = start(ProcessOptions::default());
    let told = call(&functions, json!({"do": "tell"})).await.unwrap();
    assert_eq!((told["name"].as_str(), told["given"].as_str()), (Some("blob-get"), Some("yes")));
    assert!(told["arn"].as_str().unwrap().ends_with(":function:blob-get"));
    assert!(!told["request"].as_str().unwrap().is_empty());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!((1..=25_000).contains(&(told["deadline"].as_u64().unwrap() - now)), "{told}");
}

#[tokio::test]
async fn one_process_serves_request_after_request_without_waiting_for_acknowledgements() {
    let functions = start(ProcessOptions::default());
    let first = pid(&functions).await;
    let begin = Instant::now();
    for _ in 0..50 {
        assert_eq!(pid(&functions).await, first);
    }
    // With Nagle's algorithm this takes two seconds and more.
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn busy_processes_get_company_up_to_the_limit() {
    let functions = start(ProcessOptions { max_instances: 2, ..ProcessOptions::default() });
    let sleep = || call(&functions, json!({"do": "sleep", "ms": 200}));
    let answers = futures_util::future::join_all([sleep(), sleep(), sleep(), sleep(), sleep()]).await;
    let mut pids: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()["pid"].as_u64().unwrap()).collect();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 2);
}

#[tokio::test]
async fn an_error_of_the_function_is_passed_on_and_the_process_stays() {
    let functions = start(ProcessOptions::default());
    let before = pid(&functions).await;
    let error = call(&functions, json!({"do": "fail"})).await.unwrap_err();
    assert!(matches!(&error, InvokeError::Failed { message, .. } if message == "no such luck"), "{error}");
    assert_eq!(pid(&functions).await, before);
}

#[tokio::test]
async fn a_process_that_dies_in_a_request_is_replaced() {
    let functions = start(ProcessOptions::default());
    let before = pid(&functions).await;
    let error = call(&functions, json!({"do": "exit"})).await.unwrap_err();
    assert!(matches!(&error, InvokeError::Ended(how) if how.contains('3')), "{error}");
    assert_ne!(pid(&functions).await, before);
}

#[tokio::test]
async fn a_process_that_dies_between_requests_is_replaced_unnoticed() {
    let functions = start(ProcessOptions::default());
    let before = pid(&functions).await;
    assert!(Command::new("kill").args(["-9", &before.to_string()]).status().unwrap().success());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_ne!(pid(&functions).await, before);
}

#[tokio::test]
async fn a_program_that_never_asks_for_an_event_is_an_error() {
    let functions = ProcessFunctions::start(|_| Command::new("false"), ProcessOptions::default());
    assert!(matches!(call(&functions, json!({})).await, Err(InvokeError::Ended(_))));
    let functions = ProcessFunctions::start(|_| Command::new("/nowhere/at/all"), ProcessOptions::default());
    assert!(matches!(call(&functions, json!({})).await, Err(InvokeError::Start(_))));
}

#[tokio::test]
async fn a_function_over_its_time_is_stopped_and_replaced() {
    let functions = start(ProcessOptions { timeout: Duration::from_secs(2), ..ProcessOptions::default() });
    let before = pid(&functions).await;
    let error = call(&functions, json!({"do": "sleep", "ms": 60_000})).await.unwrap_err();
    assert!(matches!(error, InvokeError::TimedOut(_)), "{error}");
    assert_ne!(pid(&functions).await, before);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    let functions = start(ProcessOptions::default());
    // Two bytes are the quotes around the text.
    let largest = call(&functions, json!({"do": "repeat", "size": 6_291_556 - 2})).await;
    assert_eq!(largest.unwrap().as_str().unwrap().len(), 6_291_554);
    let error = call(&functions, json!({"do": "repeat", "size": 6_291_556})).await.unwrap_err();
    assert!(matches!(error, InvokeError::TooLarge), "{error}");
}

#[tokio::test]
async fn a_function_goes_on_when_nobody_waits_for_it() {
    let functions = start(ProcessOptions { max_instances: 1, ..ProcessOptions::default() });
    let before = pid(&functions).await;
    let abandoned = call(&functions, json!({"do": "sleep", "ms": 300}));
    assert!(tokio::time::timeout(Duration::from_millis(50), abandoned).await.is_err());
    assert_eq!(pid(&functions).await, before, "it was neither killed nor is it confused");
}

#[cfg(target_os = "linux")]
mod lifetime {
    use super::*;

    fn runs(pid: u64) -> bool {
        // A zombie has ended; only nobody has asked how.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    fn wait_for_end(pid: u64) {
        let begin = Instant::now();
        while runs(pid) {
            assert!(begin.elapsed() < Duration::from_secs(5), "process {pid} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[tokio::test]
    async fn processes_end_with_the_functions_they_belong_to() {
        let functions = start(ProcessOptions::default());
        let pid = pid(&functions).await;
        assert!(runs(pid));
        drop(functions);
        wait_for_end(pid);
    }

    /// Starts a function, says its process id, and waits to be killed.
    #[tokio::test]
    #[ignore = "a program for the other tests"]
    async fn parent() {
        let functions = start(ProcessOptions::default());
        println!("\nfunction {}", pid(&functions).await);
        tokio::time::sleep(Duration::from_secs(60)).await;
    }

    #[test]
    fn processes_end_when_their_parent_is_killed() {
        let mut parent = program("lifetime::parent").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok);
        let pid = lines.into_iter().find_map(|line| line.strip_prefix("function ")?.parse().ok()).unwrap();
        assert!(runs(pid));
        parent.kill().unwrap();
        parent.wait().unwrap();
        wait_for_end(pid);
    }
}
