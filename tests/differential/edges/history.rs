//! The config's history: how many steps there are, and when they were made.

use fastrand::Rng;

use super::{Edge, edge};
use crate::draft::{Draft, Step, set};
use crate::json::{field, text};
use crate::obstacle::Obstacle;

pub(super) const EDGES: &[Edge] = &[
    edge("history: none", |draft, _| draft.steps = None),
    edge("history: empty", |draft, _| draft.steps = Some(Vec::new())),
    edge("history: null", |draft, _| {
        draft.steps = None;
        draft.set("history", "null");
    }),
    edge("history: more steps than layers", |draft, _| draft.add_step(Step::new("ADD nothing", false))),
    edge("history: fewer steps than layers", |draft, rng| {
        draft.add_layer(rng);
        draft.steps.get_or_insert_default().pop();
        draft.add_step(Step::new("CMD", true));
    }),
    edge("history: only steps without a layer", |draft, rng| {
        draft.some_layer(rng);
        draft.steps.iter_mut().flatten().for_each(|step| step.empty = true);
    }),
    edge("history: a first step without a layer", |draft, _| {
        draft.steps.get_or_insert_default().insert(0, Step::new("FROM scratch", true));
    }),
    edge("history: a last step without a layer", |draft, _| draft.add_step(Step::new("CMD", true))),
    edge("history: the same step twice", |draft, rng| {
        let mut twin = draft.some_step(rng).clone();
        twin.empty = true;
        draft.add_step(twin.clone());
        draft.add_step(twin);
    }),
    edge("history: author and comment", |draft, rng| {
        let step = draft.some_step(rng);
        set(&mut step.fields, "author", text("A & B <ab@example.com>"));
        set(&mut step.fields, "comment", text("buildkit.dockerfile.v0"));
    }),
    edge("history: empty and unknown fields", |draft, rng| {
        let step = draft.some_step(rng);
        set(&mut step.fields, "author", text(""));
        set(&mut step.fields, "comment", "null");
        set(&mut step.fields, "created_by", "null");
        set(&mut step.fields, "org.example.unknown", "[1.0]");
    }),
    edge("history: a step that says nothing", |draft, rng| draft.some_step(rng).fields.clear()),
    edge("history: a long step", |draft, rng| {
        let line = "RUN true && \\\n";
        set(&mut draft.some_step(rng).fields, "created_by", text(&line.repeat(5_000)));
    }),
    edge("history: created_by is a number", |draft, _| {
        draft.spoil_step(Obstacle::MalformedConfig, |step| set(step, "created_by", "7"))
    }),
    edge("history: empty_layer is text", |draft, _| {
        draft.spoil_step(Obstacle::MalformedConfig, |step| step.push(field("empty_layer", text("no"))));
    }),
    edge("times: no fraction", |draft, rng| times(draft, rng, "2024-05-06T07:08:09Z")),
    edge("times: a fraction with zeros", |draft, rng| times(draft, rng, "2024-05-06T07:08:09.120300Z")),
    edge("times: a fraction of nothing but zeros", |draft, rng| times(draft, rng, "2024-05-06T07:08:09.000000000Z")),
    edge("times: nanoseconds", |draft, rng| times(draft, rng, "2024-05-06T07:08:09.123456789Z")),
    edge("times: more than nanoseconds", |draft, rng| times(draft, rng, "2024-05-06T07:08:09.1234567891234Z")),
    edge("times: an offset", |draft, rng| times(draft, rng, "2024-05-06T07:08:09.5+05:45")),
    edge("times: a negative offset", |draft, rng| times(draft, rng, "2024-05-06T07:08:09-09:30")),
    edge("times: an offset of nought", |draft, rng| times(draft, rng, "2024-05-06T07:08:09+00:00")),
    edge("times: an offset of minus nought", |draft, rng| times(draft, rng, "2024-05-06T07:08:09-00:00")),
    edge("times: the zero time", |draft, rng| times(draft, rng, "0001-01-01T00:00:00Z")),
    edge("times: the first and the last year", |draft, rng| {
        times(draft, rng, "9999-12-31T23:59:59.999999999Z");
        set(&mut draft.some_step(rng).fields, "created", text("0000-01-01T00:00:00Z"));
    }),
    edge("times: a leap day", |draft, rng| times(draft, rng, "2024-02-29T00:00:00Z")),
    edge("times: missing", |draft, rng| {
        draft.config.retain(|(key, _)| key != "\"created\"");
        draft.some_step(rng).fields.retain(|(key, _)| key != "\"created\"");
    }),
    edge("times: null", |draft, rng| {
        draft.set("created", "null");
        set(&mut draft.some_step(rng).fields, "created", "null");
    }),
    edge("times: a word", |draft, _| no_time(draft, "yesterday")),
    edge("times: nothing", |draft, _| no_time(draft, "")),
    edge("times: a day that isn't", |draft, _| no_time(draft, "2023-02-29T00:00:00Z")),
    edge("times: a leap second", |draft, _| no_time(draft, "2016-12-31T23:59:60Z")),
    edge("times: lower case", |draft, _| no_time(draft, "2024-05-06t07:08:09z")),
    edge("times: without an offset", |draft, _| no_time(draft, "2024-05-06T07:08:09")),
];

fn times(draft: &mut Draft, rng: &mut Rng, time: &str) {
    draft.set("created", text(time));
    set(&mut draft.some_step(rng).fields, "created", text(time));
}

fn no_time(draft: &mut Draft, time: &'static str) {
    draft.spoil_step(Obstacle::MalformedConfig, move |step| set(step, "created", text(time)));
}
