//! infra/examples: what somebody copies from there is right.
//!
//! The files are linted with the tools of their trades. What their pages tell is done as it stands, against a registry on
//! this machine and an AWS emulator; where GitHub or a cluster would act, the test does what they do.

mod account;
mod ecs;
mod files;
mod github_actions;
mod kubernetes;
mod lint;
mod terraform;
mod workplace;
