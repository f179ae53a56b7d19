//! Acting as someone else: by modes that are limited to what is done, or by the
//! old one that is not (`filters/impersonation`, KEP 5284).

mod checks;
mod headers;

pub use headers::wanted;

use catena_objects::{
    Status,
    user::{ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS, User},
};
use moka::sync::Cache;

use self::checks::Checks;
use crate::{
    authz::{Attributes, Authorizer},
    tokens,
};

/// Users whose last mode is remembered.
const REMEMBERED: u64 = 10_000;
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// What stands for all extras of an account that acts as its node.
const NODE_KEYS: &str = "authentication.kubernetes.io/associated-node-keys";
const NODE: &str = "system:node:";

/// How someone acts as someone else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A service account as the node that its pod runs on.
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    /// Everything that the user may do, for everybody that may be named.
    Legacy,
}

const MODES: [Mode; 5] = [
    Mode::AssociatedNode,
    Mode::ArbitraryNode,
    Mode::ServiceAccount,
    Mode::UserInfo,
    Mode::Legacy,
];

impl Mode {
    /// "" for the old mode.
    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    /// Whether the mode is about such users at all.
    fn applies(self, wanted: &User, requestor: &User) -> bool {
        let plain = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_of(&wanted.name);
        let account = tokens::split_user(&wanted.name);
        match self {
            Self::AssociatedNode => {
                let own = requestor.extra.get(NODE_NAME).map(Vec::as_slice);
                plain
                    && tokens::split_user(&requestor.name).is_some()
                    && node.is_some_and(|n| own == Some(&[n.to_owned()]))
            }
            Self::ArbitraryNode => plain && node.is_some(),
            Self::ServiceAccount => plain && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }
}

/// The name of a node in the name of its user.
fn node_of(user: &str) -> Option<&str> {
    let name = user.strip_prefix(NODE)?;
    catena_objects::names::dns1123_subdomain(name, false)
        .is_empty()
        .then_some(name)
}

/// Judges who may act as whom.
pub(crate) struct Impersonation {
    /// The mode that let a user through last is tried first.
    last: Cache<String, Mode>,
}

impl Impersonation {
    pub(crate) fn new() -> Self {
        Self {
            last: Cache::new(REMEMBERED),
        }
    }

    /// The user that does what `request` asks for instead of the user in it.
    ///
    /// # Errors
    /// 403 of the first mode that is about such users.
    pub(crate) async fn judge(
        &self,
        authorizer: &Authorizer,
        wanted: &User,
        request: &Attributes,
    ) -> Result<User, Status> {
        let last = self.last.get(&request.user.name);
        let others = MODES.into_iter().filter(|m| Some(*m) != last);
        let mut first = None;
        for mode in last.into_iter().chain(others) {
            if !mode.applies(wanted, &request.user) {
                continue;
            }
            let checks = Checks::new(authorizer, mode, &request.user);
            match checks.run(wanted, request).await {
                Ok(()) => {
                    self.last.insert(request.user.name.clone(), mode);
                    return Ok(complete(wanted.clone(), mode));
                }
                Err(e) => first = first.or(Some(e)),
            }
        }
        Err(first.unwrap_or_else(|| Status::internal("all impersonation modes failed")))
    }
}

/// The groups that come with a name.
fn complete(mut user: User, mode: Mode) -> User {
    if mode != Mode::Legacy && node_of(&user.name).is_some() {
        user.groups = vec!["system:nodes".to_owned()];
    }
    if let Some((namespace, _)) = tokens::split_user(&user.name)
        && user.groups.is_empty()
    {
        user.groups = tokens::groups(namespace);
    }
    let group = if user.name == ANONYMOUS {
        ALL_UNAUTHENTICATED
    } else {
        ALL_AUTHENTICATED
    };
    if !user.in_group(group) && !user.in_group(ALL_UNAUTHENTICATED) {
        user.groups.push(group.to_owned());
    }
    user
}
