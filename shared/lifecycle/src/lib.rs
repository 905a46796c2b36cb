//! Lifecycle policies: which images of a repository expire, and why.
//!
//! A [`Policy`] is Amazon ECR's JSON, checked by ECR's rules; [`evaluate()`] compares it with the images of a repository
//! and says which of them go. Both are functions of their arguments: nothing is read or deleted here, so that a preview
//! and the real thing come to the same.
//!
//! The rules are those of three pages of ECR's user guide: "Lifecycle policy properties", "Examples of lifecycle
//! policies", and the section "Lifecycle policy evaluation rules" of "Automate the cleanup of images". What is
//! different stands at [`evaluate()`] and [`InvalidPolicy`].

mod evaluate;
mod fields;
mod invalid;
mod policy;
mod rule;

pub use evaluate::{Expiry, Image, evaluate};
pub use invalid::{InvalidPolicy, InvalidRule, RuleName};
pub use policy::Policy;
