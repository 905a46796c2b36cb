//! Who watches the calls to S3 and DynamoDB.

use std::sync::Arc;

use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};

use crate::error::THROTTLED;

/// Told about every attempt of a call that AWS answers. A function of service and operation is one.
pub trait Observe: Send + Sync {
    /// An attempt got an answer, whatever it says; for instance `("DynamoDB", "GetItem")`.
    fn answered(&self, service: &str, operation: &str);

    /// The answer was that there is too much traffic. Comes after [`answered`](Self::answered).
    fn throttled(&self, service: &str, operation: &str) {
        let _ = (service, operation);
    }
}

impl<F: Fn(&str, &str) + Send + Sync> Observe for F {
    fn answered(&self, service: &str, operation: &str) {
        self(service, operation);
    }
}

/// An observer that clients share.
pub type Observer = Arc<dyn Observe>;

/// What a transaction's list of reasons calls too much traffic.
const THROTTLED_IN_TRANSACTION: &[&str] = &["ThrottlingError", "ProvisionedThroughputExceeded"];

/// Reports to an [`Observer`] when an attempt is answered: a URL that is signed takes the same path up to the moment of
/// sending.
pub(crate) struct Watch(pub(crate) Observer);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = bag.load::<Metadata>() {
            self.0.answered(metadata.service(), metadata.name());
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(response), Some(metadata)) = (context.response(), bag.load::<Metadata>())
            && refuses_traffic(response)
        {
            self.0.throttled(metadata.service(), metadata.name());
        }
        Ok(())
    }
}

/// The errors of different operations are different types; what they look like on the wire isn't.
fn refuses_traffic(response: &HttpResponse) -> bool {
    match response.status().as_u16() {
        429 => true,
        400.. => {
            let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
            THROTTLED.iter().chain(THROTTLED_IN_TRANSACTION).any(|code| is_word(&body, code))
        }
        _ => false,
    }
}

/// Whether a word stands in a text by itself, as a code does in JSON and in XML.
fn is_word(text: &str, word: &str) -> bool {
    let edge = |next: Option<char>| !next.is_some_and(|next| next.is_ascii_alphanumeric());
    let ends =
        |(at, _): (usize, &str)| edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next());
    text.match_indices(word).any(ends)
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    fn answer(status: u16, body: &'static str) -> HttpResponse {
        HttpResponse::new(StatusCode::try_from(status).unwrap(), body.into())
    }

    #[test]
    fn too_much_traffic_is_told_from_other_refusals() {
        let throttled = [
            answer(400, r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#),
            answer(
                400,
                r#"{"__type":"…#TransactionCanceledException","CancellationReasons":[{"Code":"ThrottlingError"}]}"#,
            ),
            answer(503, "<Error><Code>SlowDown</Code></Error>"),
            answer(429, ""),
        ];
        for response in throttled {
            assert!(refuses_traffic(&response), "{response:?}");
        }
        let others = [
            answer(200, r#"{"Item":{"pk":{"S":"SlowDown"}}}"#),
            answer(400, r#"{"__type":"…#ConditionalCheckFailedException","message":"NotAThrottlingError"}"#),
            answer(400, r#"{"__type":"…#TransactionInProgressException"}"#),
            answer(503, "<Error><Code>ServiceUnavailable</Code></Error>"),
        ];
        for response in others {
            assert!(!refuses_traffic(&response), "{response:?}");
        }
    }
}
