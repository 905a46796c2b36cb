//! Pulls by tag: the stored form or a conversion, by what the client accepts.

mod digests;
mod lists;
mod quality;
mod refusals;
mod served;
mod table;
mod upgrades;
mod wishes;
