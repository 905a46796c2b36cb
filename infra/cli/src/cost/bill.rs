//! A month's bill: what was used, times what it costs.

use serde::Serialize;

use super::memory;
use super::prices::Prices;
use super::quantity::GB;
use super::usage::Usage;
use super::work::{Records, Work};

/// Bytes of log of an invocation: the line for the request, the one for the decision who may do it, and the three of
/// Lambda. docs/cost.md says how they were counted.
const LOG_BYTES: f64 = 1_250.0;
/// What CloudWatch stores of a byte of log, as its price list reckons.
const LOG_COMPRESSION: f64 = 0.15;
/// X-Ray records the first request of each second and this part of the others; taken for the part of all.
const TRACED: f64 = 0.05;
/// The registry asks for the pull secret once a minute at most, in each environment of `auth`.
const MINUTES_A_MONTH: f64 = 30.0 * 24.0 * 60.0;

/// Processor architecture of the functions: the template's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

/// What decides the price beside the quantities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tariff<'a> {
    pub(crate) prices: &'a Prices,
    pub(crate) architecture: Architecture,
    /// Without what AWS gives every account without end.
    pub(crate) free_tier: bool,
}

/// One thing that is billed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Line {
    pub(crate) item: &'static str,
    pub(crate) quantity: f64,
    pub(crate) unit: &'static str,
    pub(crate) usd: f64,
}

/// Lines that together are a bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Bill {
    pub(crate) lines: Vec<Line>,
    pub(crate) total: f64,
}

impl Bill {
    fn new(lines: Vec<Line>) -> Self {
        // An empty sum of floats is -0.
        let total = lines.iter().fold(0.0, |total, line| total + line.usd);
        Self { lines, total }
    }
}

impl Tariff<'_> {
    /// The registry's.
    pub(crate) fn registry(&self, usage: &Usage, work: &Work, records: &Records) -> Bill {
        let (prices, free) = (self.prices, self.free_tier);
        let time = match self.architecture {
            Architecture::Arm64 => &prices.lambda_arm64,
            Architecture::X86_64 => &prices.lambda_x86_64,
        };
        let table = usage.records(records) / GB;
        let logs = work.invocations * LOG_BYTES / GB;
        let mut lines = Vec::new();
        let mut line = |item, quantity, unit, usd| lines.push(Line { item, quantity, unit, usd });
        line("API Gateway: requests", work.requests, "requests", prices.api_requests.usd(work.requests, free));
        line("Lambda: requests", work.invocations, "requests", prices.lambda_requests.usd(work.invocations, free));
        line("Lambda: time", work.gb_seconds, "GB-seconds", time.usd(work.gb_seconds, free));
        line("DynamoDB: reads", work.read_units, "units", prices.dynamodb_reads.usd(work.read_units, free));
        line("DynamoDB: writes", work.write_units, "units", prices.dynamodb_writes.usd(work.write_units, free));
        line("DynamoDB: storage", table, "GB", prices.dynamodb_storage.usd(table, free));
        line("DynamoDB: point-in-time recovery", table, "GB", prices.dynamodb_recovery.usd(table, free));
        let stored = usage.stored() / GB;
        line("S3: storage", stored, "GB", prices.s3_storage.usd(stored, free));
        line("S3: PUT, POST", work.s3_puts, "requests", prices.s3_puts.usd(work.s3_puts, free));
        line("S3: GET, HEAD", work.s3_gets, "requests", prices.s3_gets.usd(work.s3_gets, free));
        line("CloudWatch: logs taken in", logs, "GB", prices.logs_ingested.usd(logs, free));
        let kept = logs * LOG_COMPRESSION;
        line("CloudWatch: logs kept 30 days", kept, "GB", prices.logs_stored.usd(kept, free));
        lines.extend(self.extras(usage, work));
        lines.push(self.transfer(usage));
        Bill::new(lines)
    }

    /// What a deployment has beside the registry itself.
    fn extras(&self, usage: &Usage, work: &Work) -> Vec<Line> {
        let (prices, free, extras) = (self.prices, self.free_tier, usage.extras);
        let mut lines = Vec::new();
        let mut line = |item, quantity, unit, price: &super::prices::Price| {
            lines.push(Line { item, quantity, unit, usd: price.usd(quantity, free) });
        };
        if extras.events {
            line("EventBridge: events", usage.pushes, "events", &prices.event);
        }
        if extras.pull_secret {
            line("Secrets Manager: pull secret", 1.0, "secret", &prices.secret);
            let calls = (usage.pushes + usage.pulls).min(MINUTES_A_MONTH);
            line("Secrets Manager: calls, at most", calls, "calls", &prices.secret_calls);
        }
        if extras.alarms {
            line("CloudWatch: alarms", f64::from(memory::watched_metrics()), "metrics", &prices.alarm);
        }
        if extras.dashboard {
            line("CloudWatch: dashboard", 1.0, "dashboard", &prices.dashboard);
        }
        if extras.metrics > 0 {
            line("CloudWatch: custom metrics", f64::from(extras.metrics), "metrics", &prices.metric);
        }
        if extras.tracing {
            line("X-Ray: traces", work.invocations * TRACED, "traces", &prices.trace);
        }
        lines
    }

    /// Amazon ECR's, for the same images, pushes and pulls: it asks for no requests.
    pub(crate) fn ecr(&self, usage: &Usage) -> Bill {
        let stored = usage.stored() / GB;
        let usd = self.prices.ecr_storage.usd(stored, self.free_tier);
        let storage = Line { item: "ECR: storage", quantity: stored, unit: "GB", usd };
        Bill::new(vec![storage, self.transfer(usage)])
    }

    /// The same for both.
    fn transfer(&self, usage: &Usage) -> Line {
        let leaving = usage.leaving() / GB;
        let usd = self.prices.transfer_out.usd(leaving, self.free_tier);
        Line { item: "Data transfer out of AWS", quantity: leaving, unit: "GB", usd }
    }
}
