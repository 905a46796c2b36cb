//! The table, as the rest of the crate uses it: strong reads, conditional writes, transactions.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Get, KeysAndAttributes, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactGetItem, TransactWriteItem,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::keys::Key;
use crate::{Error, deadline};

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// What a transaction holds.
pub(crate) const WRITES_AT_ONCE: usize = 100;

/// What a listing is about. It costs the same; what isn't wanted needn't travel and be parsed.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    Items,
    SortKeys,
}

/// An update on condition: what it left, or what stood in its way.
pub(crate) enum Update {
    Done(Item),
    Refused(Option<Item>),
}

impl Table {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned() }
    }

    /// A strongly consistent read.
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, Error> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key_item(key)))
            .consistent_read(true)
            .send()
            .await?;
        Ok(output.item)
    }

    /// Strongly consistent reads of any number of items, 100 a call; absent ones are absent from the answer, and the
    /// order is DynamoDB's.
    pub(crate) async fn get_all(&self, keys: Vec<Key>) -> Result<HashMap<Key, Item>, Error> {
        const BATCH: usize = 100;
        let mut waiting: Vec<Item> = keys.into_iter().map(key_item).collect();
        let mut found = HashMap::new();
        let mut pauses = backoff();
        while !waiting.is_empty() {
            let batch = waiting.split_off(waiting.len().saturating_sub(BATCH));
            let request = KeysAndAttributes::builder().set_keys(Some(batch)).consistent_read(true).build();
            let request = request.map_err(|error| Error::Refused(error.to_string()))?;
            let output = self.client.batch_get_item().request_items(&self.name, request).send().await?;
            let read = output.responses.unwrap_or_default().remove(&self.name).unwrap_or_default();
            // What gets on is patient: a partition has only so many reads a second.
            if !read.is_empty() {
                pauses = backoff();
            }
            for item in read {
                found.insert(Key { pk: text(&item, "pk")?, sk: text(&item, "sk")? }, item);
            }
            let unprocessed = output.unprocessed_keys.unwrap_or_default().remove(&self.name);
            if let Some(rest) = unprocessed {
                waiting.extend(rest.keys);
                let pause = pauses.next().ok_or_else(|| Error::Throttled("BatchGetItem left keys unread".into()))?;
                tokio::time::sleep(pause).await;
            }
        }
        Ok(found)
    }

    /// Up to 100 different items as they are at one moment; absent ones are absent from the answer. Costs twice as much as
    /// [`Table::get_all`].
    pub(crate) async fn snapshot(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Error> {
        let mut gets = Vec::with_capacity(keys.len());
        for key in keys {
            let get = Get::builder().table_name(&self.name).set_key(Some(key_item(key.clone()))).build();
            let get = get.map_err(|error| Error::Refused(error.to_string()))?;
            gets.push(TransactGetItem::builder().get(get).build());
        }
        let request = self.client.transact_get_items().set_transact_items(Some(gets));
        let output = self.retry("items that are read together", || async {
            match request.clone().send().await {
                Ok(output) => Ok(Some(output)),
                Err(error) if is_read_while_others_write(&error) => Ok(None),
                Err(error) => Err(Error::from(error)),
            }
        });
        let mut found = HashMap::new();
        for item in output.await?.responses.unwrap_or_default().into_iter().filter_map(|response| response.item) {
            found.insert(Key { pk: text(&item, "pk")?, sk: text(&item, "sk")? }, item);
        }
        Ok(found)
    }

    /// A page of the partition keys of all items with this sort key, read from the whole table: some 1 MB of it. The key to
    /// go on from is None at its end.
    pub(crate) async fn partitions_with(
        &self,
        sk: &str,
        start: Option<Item>,
    ) -> Result<(Vec<String>, Option<Item>), Error> {
        let scan = self.client.scan().table_name(&self.name).consistent_read(true).projection_expression("pk");
        let scan = scan.filter_expression("sk = :sk").expression_attribute_values(":sk", s(sk));
        let output = scan.set_exclusive_start_key(start).send().await?;
        let found = output.items.unwrap_or_default();
        let found = found.iter().map(|item| text(item, "pk")).collect::<Result<_, _>>()?;
        Ok((found, output.last_evaluated_key))
    }

    /// A page of the items of a partition whose sort keys start with `prefix`, after `after`, in order. The flag tells
    /// whether there are more.
    pub(crate) async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        wanted: Wanted,
    ) -> Result<(Vec<Item>, bool), Error> {
        let mut items = Vec::new();
        // A key condition takes one range, so the start is a key to continue from rather than a comparison.
        let mut start = after.map(|after| key_item(Key { pk: pk.to_owned(), sk: format!("{prefix}{after}") }));
        while items.len() < limit {
            let most = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let query = self.client.query().table_name(&self.name).consistent_read(true).limit(most);
            let query = match wanted {
                Wanted::Items => query,
                Wanted::SortKeys => query.projection_expression("sk"),
            };
            let query = query.expression_attribute_values(":pk", s(pk)).set_exclusive_start_key(start.take());
            let query = match prefix {
                "" => query.key_condition_expression("pk = :pk"),
                _ => query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", s(prefix)),
            };
            let output = query.send().await?;
            items.extend(output.items.unwrap_or_default());
            match output.last_evaluated_key {
                Some(last) => start = Some(last),
                None => return Ok((items, false)),
            }
        }
        Ok((items, start.is_some()))
    }

    /// Writes an item whose key is new.
    pub(crate) async fn insert(&self, item: Item) -> Result<(), Error> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        self.retry("an item", || async { unless_in_a_transaction(request.clone().send().await) }).await?;
        Ok(())
    }

    /// Removes an item; one that doesn't exist is removed already.
    pub(crate) async fn remove(&self, key: Key) -> Result<(), Error> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key_item(key)));
        self.retry("an item", || async { unless_in_a_transaction(request.clone().send().await) }).await?;
        Ok(())
    }

    /// Removes an item on condition. False when the condition doesn't hold.
    pub(crate) async fn remove_if(
        &self,
        key: Key,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<bool, Error> {
        let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key_item(key)));
        let request = request.condition_expression(condition).set_expression_attribute_values(Some(values));
        self.retry("an item", || async {
            let sent = request.clone().send().await;
            let refused = sent.as_ref().err().and_then(SdkError::as_service_error);
            if refused.is_some_and(DeleteItemError::is_conditional_check_failed_exception) {
                return Ok(Some(false));
            }
            Ok(unless_in_a_transaction(sent)?.map(|_| true))
        })
        .await
    }

    /// A conditional update. The SDK may repeat one whose answer was lost, which then runs into what it did itself: who
    /// isn't content with that writes something by which it is recognised.
    pub(crate) async fn update_if(
        &self,
        key: Key,
        update: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Update, Error> {
        let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_item(key)))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.retry("an item", || async {
            let sent = request.clone().send().await;
            if let Some(UpdateItemError::ConditionalCheckFailedException(refused)) =
                sent.as_ref().err().and_then(SdkError::as_service_error)
            {
                return Ok(Some(Update::Refused(refused.item().cloned())));
            }
            let updated = unless_in_a_transaction(sent)?;
            Ok(updated.map(|output| Update::Done(output.attributes.unwrap_or_default())))
        })
        .await
    }

    /// All or nothing. None when something isn't as it was read, or others were in the way: look again, then try again.
    /// The SDK gives the transaction a token that stays the same while it repeats the call, so one whose answer was lost
    /// isn't done twice, and isn't taken for one that failed either.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Option<()>, Error> {
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Some(())),
            Err(error) if is_cancelled_by_others(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Repeats `attempt` while others change what it has read. `what` names the thing in the error.
    pub(crate) async fn retry<T, E, F>(&self, what: &'static str, mut attempt: impl FnMut() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<Option<T>, E>>,
        E: From<Error>,
    {
        for pause in backoff() {
            if let Some(done) = attempt().await? {
                return Ok(done);
            }
            if deadline::is_over() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Err(Error::Contended(what).into())
    }

    pub(crate) fn put(&self, item: Item) -> PutOf {
        PutOf(Put::builder().table_name(&self.name).set_item(Some(item)))
    }

    pub(crate) fn delete(&self, key: Key) -> DeleteOf {
        DeleteOf(Delete::builder().table_name(&self.name).set_key(Some(key_item(key))))
    }

    pub(crate) fn update(&self, key: Key, expression: &str) -> UpdateOf {
        let update = aws_sdk_dynamodb::types::Update::builder().table_name(&self.name).set_key(Some(key_item(key)));
        UpdateOf(update.update_expression(expression))
    }

    pub(crate) fn check(&self, key: Key, condition: &str) -> CheckOf {
        let check = ConditionCheck::builder().table_name(&self.name).set_key(Some(key_item(key)));
        CheckOf(check.condition_expression(condition))
    }
}

/// Twelve pauses that grow to a second, each drawn at random below its bound so that writers drift apart.
fn backoff() -> impl Iterator<Item = Duration> {
    (0..12u32).map(|n| {
        let bound = 20u128 << n.min(5);
        let random = uuid::Uuid::new_v4().as_u128() % bound;
        Duration::from_millis(u64::try_from(random).unwrap_or_default() + 5)
    })
}

/// What a single write came to; None when it ran into somebody's transaction: it waits and tries again then, as a
/// transaction does.
fn unless_in_a_transaction<T, E>(sent: Result<T, SdkError<E, HttpResponse>>) -> Result<Option<T>, Error>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match sent {
        Ok(output) => Ok(Some(output)),
        Err(error) if error.code() == Some("TransactionConflictException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A failed condition, a conflict with another transaction, or too much traffic on an item: the state has moved on or
/// is about to, so a pause and another look help.
fn is_cancelled_by_others<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => is_by_others(cancelled),
        _ => false,
    }
}

/// The same of items that are read together.
fn is_read_while_others_write<R>(error: &SdkError<TransactGetItemsError, R>) -> bool {
    match error.as_service_error() {
        Some(TransactGetItemsError::TransactionCanceledException(cancelled)) => is_by_others(cancelled),
        _ => false,
    }
}

fn is_by_others(cancelled: &TransactionCanceledException) -> bool {
    const BY_OTHERS: [&str; 4] =
        ["ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    let codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    let mut failures = codes.filter(|code| *code != "None").peekable();
    failures.peek().is_some() && failures.all(|code| BY_OTHERS.contains(&code))
}

/// Gives the SDK's builders of a transaction's writes one vocabulary.
macro_rules! transaction_item {
    ($name:ident, $builder:ty, $slot:ident) => {
        /// One write of a transaction, to be given conditions and values.
        pub(crate) struct $name($builder);

        impl $name {
            /// A value for a `:name` in an expression.
            pub(crate) fn value(self, name: &str, value: AttributeValue) -> Self {
                Self(self.0.expression_attribute_values(name, value))
            }

            pub(crate) fn build(self) -> Result<TransactWriteItem, Error> {
                let part = self.0.build().map_err(|error| Error::Refused(error.to_string()))?;
                Ok(TransactWriteItem::builder().$slot(part).build())
            }
        }
    };
    ($name:ident, $builder:ty, $slot:ident, conditional) => {
        transaction_item!($name, $builder, $slot);

        impl $name {
            /// Holds the whole transaction back unless it is true.
            pub(crate) fn when(self, condition: &str) -> Self {
                Self(self.0.condition_expression(condition))
            }
        }
    };
}

transaction_item!(PutOf, aws_sdk_dynamodb::types::builders::PutBuilder, put, conditional);
transaction_item!(DeleteOf, aws_sdk_dynamodb::types::builders::DeleteBuilder, delete, conditional);
transaction_item!(UpdateOf, aws_sdk_dynamodb::types::builders::UpdateBuilder, update, conditional);
transaction_item!(CheckOf, aws_sdk_dynamodb::types::builders::ConditionCheckBuilder, condition_check);

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn b(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(crate) fn key_item(key: Key) -> Item {
    Item::from([("pk".to_owned(), s(key.pk)), ("sk".to_owned(), s(key.sk))])
}

/// An item from its key and attributes.
pub(crate) fn item<const N: usize>(key: Key, attributes: [(&str, AttributeValue); N]) -> Item {
    let mut item = key_item(key);
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    item
}

/// None when it isn't set.
pub(crate) fn flag(item: &Item, name: &str) -> Option<bool> {
    item.get(name)?.as_bool().ok().copied()
}

fn corrupt(item: &Item, attribute: &str) -> Error {
    let key = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    Error::Corrupt(format!("{} {}: {attribute}", key("pk"), key("sk")))
}

pub(crate) fn text(item: &Item, attribute: &str) -> Result<String, Error> {
    let value = item.get(attribute).and_then(|value| value.as_s().ok());
    value.cloned().ok_or_else(|| corrupt(item, attribute))
}

pub(crate) fn number<T: std::str::FromStr>(item: &Item, attribute: &str) -> Result<T, Error> {
    let value = item.get(attribute).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok());
    value.ok_or_else(|| corrupt(item, attribute))
}

pub(crate) fn bytes(item: &Item, attribute: &str) -> Result<Vec<u8>, Error> {
    let value = item.get(attribute).and_then(|value| value.as_b().ok());
    value.map(|blob| blob.as_ref().to_vec()).ok_or_else(|| corrupt(item, attribute))
}

/// Reads an attribute that has to follow a grammar.
pub(crate) fn parsed<T: std::str::FromStr>(item: &Item, attribute: &str) -> Result<T, Error> {
    text(item, attribute)?.parse().map_err(|_| corrupt(item, attribute))
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub fn now() -> u64 {
    now_ms() / 1000
}
