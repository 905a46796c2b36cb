//! Work after the answer.
//!
//! Lambda passes an answer on as soon as the function has posted it, and freezes the function only once it asks for the
//! next event. What is done in between keeps no client waiting. It is billed, and the environment takes no other request
//! meanwhile, so it is short.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::{Error, LambdaInvocation};

use crate::Deadline;
use crate::outbox::Outbox;

/// Sends off what is in the outbox, each time that an answer was posted.
pub(crate) struct AfterAnswer(pub(crate) Arc<Outbox>);

pub(crate) struct ThenSend<S> {
    answering: S,
    outbox: Arc<Outbox>,
}

impl<S> Layer<S> for AfterAnswer {
    type Service = ThenSend<S>;

    fn layer(&self, answering: S) -> ThenSend<S> {
        ThenSend { answering, outbox: self.0.clone() }
    }
}

impl<S> Service<LambdaInvocation> for ThenSend<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.answering.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let deadline = Deadline::at(invocation.context.deadline());
        let (answered, outbox) = (self.answering.call(invocation), self.outbox.clone());
        Box::pin(async move {
            answered.await?;
            outbox.send(deadline).await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use lambda_runtime::service_fn;

    use super::*;
    use crate::{Publish, Record};

    /// What happened, in order.
    type Order = Arc<Mutex<Vec<&'static str>>>;

    struct Publisher(Order);

    impl Publish for Publisher {
        fn publish<'a>(&'a self, _: &'a Record, _: Duration) -> BoxFuture<'a, ()> {
            Box::pin(async { self.0.lock().unwrap().push("told") })
        }
    }

    fn invocation() -> LambdaInvocation {
        let (parts, ()) = http::Response::new(()).into_parts();
        LambdaInvocation { parts, body: bytes::Bytes::new(), context: lambda_runtime::Context::default() }
    }

    #[tokio::test]
    async fn what_there_is_to_tell_waits_until_the_answer_is_posted() {
        let order = Order::default();
        let outbox = Arc::new(Outbox::new(None, vec![Box::new(Publisher(order.clone()))]));
        let (records, posts) = (outbox.clone(), order.clone());
        let answering = service_fn(move |_: LambdaInvocation| {
            let (records, posts) = (records.clone(), posts.clone());
            async move {
                records.put(Record::default());
                tokio::task::yield_now().await;
                posts.lock().unwrap().push("posted");
                Ok::<(), Error>(())
            }
        });
        let mut service = AfterAnswer(outbox).layer(answering);
        for _ in 0..2 {
            service.call(invocation()).await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["posted", "told", "posted", "told"]);
    }
}
