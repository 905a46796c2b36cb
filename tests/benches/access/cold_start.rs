//! From the start of a function's process to its asking for the first event, with a login and without.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lambda_registry_tests::desk::Desk;

const ROUNDS: usize = 20;

/// Prints milliseconds: the fastest start, and the one in the middle.
pub(crate) fn measure() {
    let desk = Desk::start(&[]);
    let variables = desk.environment();
    println!("\n{:<42} {:>12} {:>16}", "Start to first event, ms", "fastest", "in the middle");
    for function in ["blob-get", "manifest-get"] {
        let [mut login, mut open] = [const { Vec::new() }; 2];
        for _ in 0..ROUNDS {
            login.push(start(function, "login", &variables));
            open.push(start(function, "open", &variables));
        }
        for (access, mut times) in [("login", login), ("open", open)] {
            times.sort();
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            let what = format!("{function}, {access}");
            println!("{what:<42} {:>12.1} {:>16.1}", ms(times[0]), ms(times[ROUNDS / 2]));
        }
    }
}

/// How long a function takes until it asks the runtime API for an event.
fn start(function: &str, access: &str, variables: &[(String, String)]) -> Duration {
    let runtime_api = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = runtime_api.local_addr().expect("an address").to_string();
    let program = std::env::var("LAMBDA_REGISTRY_BIN").expect("the registry's binary");
    let started = Instant::now();
    let mut process = Command::new(program)
        .args(["function", function])
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .envs([("REGISTRY_BUCKET", "registry"), ("REGISTRY_ACCESS", access), ("AWS_LAMBDA_RUNTIME_API", &address)])
        .envs([("AWS_LAMBDA_FUNCTION_NAME", function), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")])
        .envs([("AWS_LAMBDA_FUNCTION_VERSION", "1"), ("AWS_LAMBDA_LOG_GROUP_NAME", "-")])
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "-")
        .stderr(Stdio::null())
        .spawn()
        .expect("a function");
    let (mut connection, _) = runtime_api.accept().expect("a function that asks");
    let mut first = [0; 4];
    connection.read_exact(&mut first).expect("a request");
    let took = started.elapsed();
    assert_eq!(&first, b"GET ", "it asks for an event");
    process.kill().expect("a process to end");
    process.wait().expect("a process that ended");
    took
}
