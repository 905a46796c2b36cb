//! Whether somebody takes away what they have themselves.

use std::fmt;

use access::{Grants, IamPrincipal};

/// How a change of the grants for IAM principals leaves whoever makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// With permissions, or there is nothing to lose and nobody knows who it is.
    Unaffected,
    /// Without any, as before; the ARN.
    Nothing(String),
    /// Without any, unlike before; the ARN.
    LockedOut(String),
    /// There is something to lose, and AWS doesn't say who it is; why.
    Unknown(String),
}

impl Standing {
    /// `caller` is the ARN of whoever makes the change, or why it isn't known.
    pub(crate) fn of(caller: Result<String, String>, before: &Grants, after: &Grants) -> Self {
        let principal = caller.and_then(|arn| arn.parse::<IamPrincipal>().map_err(|error| error.to_string()));
        match principal {
            Err(_) if before.iam.is_empty() => Self::Unaffected,
            Err(why) => Self::Unknown(why),
            Ok(who) if !after.of_iam(&who).is_empty() => Self::Unaffected,
            Ok(who) if before.of_iam(&who).is_empty() => Self::Nothing(who.to_string()),
            Ok(who) => Self::LockedOut(who.to_string()),
        }
    }

    /// Whether nobody has to be asked about it.
    pub(crate) fn is_safe(&self) -> bool {
        match self {
            Self::Unaffected | Self::Nothing(_) => true,
            Self::LockedOut(_) | Self::Unknown(_) => false,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unaffected => f.write_str("you keep what you may do"),
            Self::Nothing(arn) => write!(f, "you ({arn}) may do nothing in the registry, before and after this"),
            Self::LockedOut(arn) => {
                write!(f, "this takes every permission in the registry from you ({arn}): it locks you out")
            }
            Self::Unknown(why) => write!(f, "whether this locks you out can't be told: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "arn:aws:sts::123456789012:assumed-role/Admin/me";

    fn grants(principal: &str) -> Grants {
        let iam =
            format!(r#"{{"principal": "{principal}", "grants": [{{"repositories": ["*"], "actions": ["pull"]}}]}}"#);
        Grants::from_json(&format!(r#"{{"iam": [{iam}]}}"#)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn whoever_loses_everything_is_locked_out() {
        let (mine, others) =
            (grants("arn:aws:iam::123456789012:role/Admin"), grants("arn:aws:iam::123456789012:role/x"));
        let caller = || Ok(ME.to_owned());
        assert_eq!(Standing::of(caller(), &mine, &others), Standing::LockedOut(ME.to_owned()));
        assert_eq!(Standing::of(caller(), &mine, &Grants::default()), Standing::LockedOut(ME.to_owned()));
        assert_eq!(Standing::of(caller(), &mine, &mine), Standing::Unaffected);
        assert_eq!(Standing::of(caller(), &others, &mine), Standing::Unaffected);
        assert_eq!(Standing::of(caller(), &others, &others), Standing::Nothing(ME.to_owned()));
    }

    #[test]
    fn a_grant_that_allows_nothing_is_no_permission() {
        let mine = grants("arn:aws:iam::123456789012:role/Admin");
        let mut idle = mine.clone();
        idle.iam[0].grants.clear();
        assert_eq!(Standing::of(Ok(ME.to_owned()), &mine, &idle), Standing::LockedOut(ME.to_owned()));
    }

    #[test]
    fn somebody_unknown_could_be_anybody_who_has_something_to_lose() {
        let some = grants("arn:aws:iam::123456789012:role/Admin");
        let unknown = || Err("no answer".to_owned());
        assert_eq!(Standing::of(unknown(), &some, &some), Standing::Unknown("no answer".to_owned()));
        assert_eq!(Standing::of(unknown(), &Grants::default(), &some), Standing::Unaffected);
        let odd = Standing::of(Ok("someone".to_owned()), &some, &some);
        assert!(matches!(&odd, Standing::Unknown(_)) && !odd.is_safe(), "{odd}");
    }
}
