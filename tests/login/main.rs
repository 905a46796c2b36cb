//! Real clients log in to a registry that asks who they are, and may do what was granted to them and nothing else.
//!
//! What each route asks for, and what attackers try, is tested in `infra/local`.

mod changes;
mod docker;
mod ecs;
mod expiry;
mod helper;
mod logins;
mod person;
mod relay;
mod rights;
mod story;
mod tool;
mod ways;
