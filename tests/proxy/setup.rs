//! A registry without a front, a recorder before it, a proxy before that.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::proxy::Proxy;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::wire::Wire;

use crate::recorder::Recorder;

/// The whole way of a push.
pub(crate) struct Setup {
    pub(crate) proxy: Proxy,
    pub(crate) recorder: Recorder,
    pub(crate) registry: Registry,
}

impl Setup {
    pub(crate) fn start() -> Self {
        let registry = Registry::start(&["--no-front"]);
        let recorder = Recorder::before(registry.address());
        Self { proxy: Proxy::start(&recorder.address), recorder, registry }
    }

    /// Opens an upload session of the proxy and returns its path.
    #[track_caller]
    pub(crate) fn open(&self) -> String {
        let opened = self.proxy.request("POST", "/v2/app/blobs/uploads/").send().expect(202);
        opened.expect_header("location").to_owned()
    }

    /// A body in chunked transfer coding.
    #[track_caller]
    pub(crate) fn stream(&self, method: &str, path: &str, bytes: &[u8]) -> Answer {
        let mut wire = Wire::open(self.proxy.address(), method, path, &[]);
        wire.send(bytes);
        wire.finish()
    }

    /// The registry itself, without the proxy.
    pub(crate) fn repository(&self) -> Repository<'_> {
        Repository::new(&self.registry, "app")
    }

    /// 201 for a blob, and the blob as the registry has it.
    #[track_caller]
    pub(crate) fn expect_created(&self, answer: Answer, digest: &str, bytes: &[u8]) {
        let answer = answer.expect(201);
        assert_eq!(answer.expect_header("docker-content-digest"), digest);
        assert_eq!(answer.expect_header("location"), format!("/v2/app/blobs/{digest}"));
        assert_eq!(sha256(&self.repository().blob(digest)), sha256(bytes));
        self.recorder.expect_what_a_gateway_takes();
    }
}
