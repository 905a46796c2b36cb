//! Those who do everything, what they may do, and what has to become of what they try.

use access::Action;

use crate::http::Request;
use crate::operations::Needs;
use crate::registry::Registry;

/// What the names of repositories begin with.
pub(crate) const KINDS: [&str; 3] = ["team", "open", "rest"];

/// What a principal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    Nothing,
    /// A token for everything that it may do.
    Token,
    /// A token that isn't good any more.
    WorthlessToken,
    /// The password of a principal of IAM.
    Password,
    /// A password that isn't one for routes, or for nothing any more.
    WorthlessPassword,
}

/// Who, what they show, who they are in the log, and what they may do with repositories whose names begin with `team`
/// and with `open`, which everybody may pull.
type Row = (Who, Shows, &'static str, &'static [Action], &'static [Action]);

/// Nobody may do anything with repositories whose names begin with `rest`.
const PRINCIPALS: &[Row] = {
    use Action::{Delete, Pull, Push};
    use Shows::{Nothing, Password, Token, WorthlessPassword, WorthlessToken};
    &[
        (Who::Nobody, Nothing, "anonymous", &[], &[]),
        (Who::Anonymous, Token, "anonymous", &[], &[Pull]),
        (Who::User("pull"), Token, "user:pull", &[Pull], &[Pull]),
        (Who::User("push"), Token, "user:push", &[Push], &[Pull]),
        (Who::User("pull-push"), Token, "user:pull-push", &[Pull, Push], &[Pull]),
        (Who::User("delete"), Token, "user:delete", &[Delete], &[Pull]),
        (Who::User("all"), Token, "user:all", &[Pull, Push, Delete], &[Pull]),
        (Who::IamWithPassword, Password, "iam:arn:aws:sts::123456789012:assumed-role/Ci/run-1", &[Pull, Push], &[Pull]),
        (Who::IamWithToken, Token, "iam:arn:aws:sts::123456789012:assumed-role/Ci/run-1", &[Pull, Push], &[Pull]),
        (Who::PullSecret, Token, "pull-secret", &[Pull], &[Pull]),
        (Who::ExpiredToken, WorthlessToken, "unknown", &[], &[]),
        (Who::SecretOf("all"), WorthlessPassword, "unknown", &[], &[]),
        (Who::SecretOf("disabled"), WorthlessPassword, "unknown", &[], &[]),
        (Who::SecretOf("expired"), WorthlessPassword, "unknown", &[], &[]),
    ]
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Anonymous,
    User(&'static str),
    IamWithPassword,
    IamWithToken,
    PullSecret,
    ExpiredToken,
    /// A user's secret, where no user's secret has to be.
    SecretOf(&'static str),
}

/// Somebody with something to show.
pub(crate) struct Principal {
    pub(crate) who: Who,
    pub(crate) shows: Shows,
    /// As the log has it.
    pub(crate) name: &'static str,
    team: &'static [Action],
    open: &'static [Action],
    pub(crate) request: Request,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    LetIn,
    /// 401 with this challenge.
    Challenge(String),
    /// 403 by the registry.
    Denied,
    /// 401 with the challenge of the token endpoint.
    WrongPassword,
    /// 403 by the gateway.
    NotSigned,
}

impl Principal {
    fn may(&self, action: Action, kind: &str) -> bool {
        let actions = match kind {
            "team" => self.team,
            "open" => self.open,
            _ => &[],
        };
        actions.contains(&action)
    }

    pub(crate) fn outcome(&self, needs: Needs, name: &str, kind: &str, realm: &str) -> Outcome {
        let (allowed, scope) = match needs {
            Needs::Password => {
                // A token that is shown here counts for nothing, and nobody may have one for the scope that is asked.
                let has_password = self.shows == Shows::Password || self.who == Who::SecretOf("all");
                return if has_password { Outcome::LetIn } else { Outcome::WrongPassword };
            }
            Needs::Signature => return Outcome::NotSigned,
            Needs::Credentials => (true, None),
            Needs::Catalog => {
                let may = self.shows == Shows::Password || KINDS.iter().any(|kind| self.may(Action::Pull, kind));
                (may, Some("registry:catalog:*".to_owned()))
            }
            Needs::Pull => (self.may(Action::Pull, kind), Some(format!("repository:{name}:pull"))),
            Needs::Push => (self.may(Action::Push, kind), Some(format!("repository:{name}:pull,push"))),
            Needs::Delete => (self.may(Action::Delete, kind), Some(format!("repository:{name}:delete"))),
        };
        let scope = scope.map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
        let challenge = |error: &str| Outcome::Challenge(format!("Bearer {realm}{scope}{error}"));
        match (self.shows, allowed) {
            (Shows::Nothing | Shows::WorthlessPassword, _) => challenge(""),
            (Shows::WorthlessToken, _) => challenge(",error=\"invalid_token\""),
            (Shows::Token | Shows::Password, true) => Outcome::LetIn,
            (Shows::Token, false) => challenge(",error=\"insufficient_scope\""),
            (Shows::Password, false) => Outcome::Denied,
        }
    }
}

/// Everybody of [`PRINCIPALS`], with tokens for all there is.
pub(crate) async fn principals(registry: &Registry, scopes: &[&str]) -> Vec<Principal> {
    let text = |actions: &[Action]| actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(",");
    let ci = registry.identity(0);
    let iam = PRINCIPALS.iter().find(|(who, ..)| *who == Who::IamWithPassword).unwrap();
    let role = "arn:aws:iam::123456789012:role/Ci";
    registry.grants(&[(role, &[("team*", &text(iam.3))])], &["open*"]).await;
    let password = registry.password(ci).await;
    let mut principals = Vec::new();
    for &(who, shows, name, team, open) in PRINCIPALS {
        let none = Request::get("/");
        let request = match who {
            Who::Nobody => none,
            Who::Anonymous => none.bearer(&registry.anonymous_token(scopes).await),
            Who::User(user) => {
                let secret = registry.user(user, &[("team*", &text(team))]).await;
                none.bearer(&registry.token(user, &secret, scopes).await)
            }
            Who::IamWithPassword => none.basic("AWS", &password),
            Who::IamWithToken => none.bearer(&registry.token("AWS", &password, scopes).await),
            Who::PullSecret => {
                let (user, password) = registry.pull_secret().await;
                none.bearer(&registry.token(&user, &password, scopes).await)
            }
            Who::ExpiredToken => {
                let forge = registry.forge().await;
                let claims = forge.claims_with("exp", runtime::now().into());
                none.bearer(&forge.sign(&forge.header(), &claims))
            }
            Who::SecretOf(user) => {
                let secret = registry.user(&format!("{user}-secret"), &[("team*", "pull,push,delete")]).await;
                let name = format!("{user}-secret");
                match user {
                    "disabled" => registry.change_user(&name, |user| user.enabled = false).await,
                    "expired" => registry.change_user(&name, |user| user.expires_at = Some(runtime::now())).await,
                    _ => {}
                }
                none.basic(&name, &secret)
            }
        };
        principals.push(Principal { who, shows, name, team, open, request });
    }
    principals
}
