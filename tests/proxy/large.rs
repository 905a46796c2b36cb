//! A blob far larger than the memory that the proxy may use.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::download::download;
use lambda_registry_tests::process::peak_memory;
use lambda_registry_tests::wire::Wire;

use crate::setup::Setup;

const CONTENT: Content = Content { number: 1, length: 300_000_000 };
const MEMORY: u64 = 100 << 20;

#[test]
fn three_hundred_mb_pass_through_less_than_100_mib_of_memory() {
    let setup = Setup::start();
    let (location, digest) = (setup.open(), CONTENT.digest());
    let mut patch = Wire::open(setup.proxy.address(), "PATCH", &location, &[]);
    patch.send(CONTENT.from(0));
    patch.finish().expect(202);

    setup.proxy.request("PUT", &format!("{location}?digest={digest}")).send().expect(201);

    assert_eq!(download(&setup.registry, "app", &digest), (digest, Some(CONTENT.length)));
    let memory = peak_memory(setup.proxy.pid());
    println!("the proxy used at most {} MiB", memory >> 20);
    assert!(memory < MEMORY, "{memory}");
    setup.recorder.expect_what_a_gateway_takes();
}
