//! Who may do what.
//!
//! A request shows [`Credentials`]; they lead to a [`Caller`], a [`Principal`] with its [`Rights`]; and [`grant`] decides
//! whether the caller may do what the request [`Ask`]s for. Every handler needs a [`Granted`], and only [`grant`] makes
//! one: nothing is read or written before it has decided.
//!
//! Everything here is a function of its arguments: what is kept of users, grants and keys is read by others.

mod action;
mod challenge;
mod credentials;
mod decision;
mod grants;
mod iam;
mod mode;
mod pattern;
mod permission;
mod principal;
mod scope;
mod secret;
mod session;
mod token;
mod user;

pub use action::{Action, Actions, UnknownAction};
pub use challenge::{Origin, TokenProblem, basic_challenge, bearer_challenge};
pub use credentials::{Credentials, MalformedCredentials};
pub use decision::{Ask, Caller, Denied, Granted, Need, Rights, grant};
pub use grants::{Grants, IamGrant};
pub use iam::{IamPattern, IamPrincipal, InvalidArn};
pub use mode::{Access, InvalidAccess};
pub use pattern::{InvalidPattern, RepositoryPattern};
pub use permission::{Permission, Permissions};
pub use principal::{InvalidPrincipal, InvalidUserName, Principal, UserName};
pub use scope::Scope;
pub use secret::{NoRandomness, Secret, SecretHash};
pub use token::{AccessEntry, Claims, InvalidKey, PublicKeys, SigningKey, TokenError, Usage, random_id};
pub use user::{User, UserSecret};

/// The name that IAM principals log in with, as at Amazon ECR.
pub const IAM_USER: &str = "AWS";
