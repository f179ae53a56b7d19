//! The questions that a mode asks the authorizer.

use catena_objects::{
    Status,
    field::Path,
    json::go_quote,
    names,
    user::{SYSTEM_MASTERS, User},
};

use super::{Mode, NODE_KEYS, node_of};
use crate::{
    authz::{Attributes, Authorizer, Decision, forbidden_status},
    tokens,
};

/// From so many values on, one question about all of them is asked first.
const MANY: usize = 4;
const AUTHENTICATION: &str = "authentication.k8s.io";

/// One mode with who asks.
pub(super) struct Checks<'a> {
    authorizer: &'a Authorizer,
    mode: Mode,
    verb: String,
    requestor: &'a User,
}

impl<'a> Checks<'a> {
    pub(super) fn new(authorizer: &'a Authorizer, mode: Mode, requestor: &'a User) -> Self {
        let verb = match mode {
            Mode::Legacy => "impersonate".to_owned(),
            _ => format!("impersonate:{}", mode.name()),
        };
        Self {
            authorizer,
            mode,
            verb,
            requestor,
        }
    }

    fn is_limited(&self) -> bool {
        self.mode != Mode::Legacy
    }

    /// First whether this may be done as someone else, then each thing that is claimed.
    pub(super) async fn run(&self, wanted: &User, request: &Attributes) -> Result<(), Status> {
        if self.is_limited() {
            let verb = format!("impersonate-on:{}:{}", self.mode.name(), request.verb);
            let on = Attributes {
                verb,
                ..request.clone()
            };
            self.ask(on).await?;
        }
        self.name(&wanted.name).await?;
        if !wanted.uid.is_empty() {
            self.ask(self.about("uids", &wanted.uid)).await?;
        }
        self.groups(&wanted.groups).await?;
        self.extra(wanted).await
    }

    fn about(&self, resource: &str, name: &str) -> Attributes {
        Attributes {
            user: self.requestor.clone(),
            verb: self.verb.clone(),
            api_group: AUTHENTICATION.to_owned(),
            api_version: "v1".to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            resource_request: true,
            ..Attributes::default()
        }
    }

    /// Users and groups were in the core group when there was one mode.
    fn about_name(&self, resource: &str, name: &str) -> Attributes {
        let mut a = self.about(resource, name);
        if !self.is_limited() {
            a.api_group.clear();
        }
        a
    }

    async fn name(&self, name: &str) -> Result<(), Status> {
        let mut a = self.about_name("users", name);
        if let Some(node) = node_of(name).filter(|_| self.is_limited()) {
            a = self.about_name("nodes", node);
        }
        if let Some((namespace, account)) = tokens::split_user(name) {
            a = self.about_name("serviceaccounts", account);
            a.namespace = namespace.to_owned();
        }
        self.ask(a).await
    }

    async fn groups(&self, groups: &[String]) -> Result<(), Status> {
        if self.is_limited() {
            let has = |group: &str| groups.iter().any(|g| g == group);
            let refused = |name: &str, why: &str| {
                Err(forbidden_status(&self.about_name("groups", name), why))
            };
            if has("") {
                return refused("", "impersonating the empty string group is not allowed");
            }
            if has(SYSTEM_MASTERS) {
                let why = "impersonating the system:masters group is not allowed";
                return refused(SYSTEM_MASTERS, why);
            }
            let all = self.about_name("groups", "*");
            if groups.len() >= MANY && self.ask(all).await.is_ok() {
                return Ok(());
            }
        }
        for group in groups {
            self.ask(self.about_name("groups", group)).await?;
        }
        Ok(())
    }

    async fn extra(&self, wanted: &User) -> Result<(), Status> {
        if self.is_limited() && !wanted.extra.is_empty() {
            if let Err(why) = validate_extra(wanted) {
                return Err(forbidden_status(&self.about("userextras", ""), &why));
            }
            let mut all = self.about("userextras", "*");
            all.subresource = "*".to_owned();
            let values: usize = wanted.extra.values().map(Vec::len).sum();
            let many = wanted.extra.len() >= MANY || values >= MANY;
            if many && self.ask(all).await.is_ok() {
                return Ok(());
            }
        }
        for (key, values) in &wanted.extra {
            for value in values {
                let mut a = self.about("userextras", value);
                a.subresource.clone_from(key);
                self.ask(a).await?;
            }
        }
        Ok(())
    }

    async fn ask(&self, mut a: Attributes) -> Result<(), Status> {
        if self.mode == Mode::AssociatedNode {
            // The answer must hold for the account on every node: neither the
            // name of the node nor what differs between pods counts.
            let keys = std::mem::take(&mut a.user.extra).into_keys().collect();
            a.user.extra.insert(NODE_KEYS.to_owned(), keys);
            if a.verb == self.verb {
                a.name = "*".to_owned();
            }
        }
        match self.authorizer.authorize(&a).await {
            (Decision::Allow, _) => Ok(()),
            (_, reason) => Err(forbidden_status(&a, &reason)),
        }
    }
}

fn validate_extra(wanted: &User) -> Result<(), String> {
    let path = Path::new("extra").child("key");
    for (key, values) in &wanted.extra {
        if key.is_empty() {
            return Err("impersonating the empty string key in extra is not allowed".to_owned());
        }
        let errors = names::domain_prefixed_path(&path, key);
        if !errors.is_empty() {
            let why = errors.aggregate();
            return Err(format!(
                "impersonating an invalid key in extra is not allowed: {why}"
            ));
        }
        if key.to_lowercase() != *key {
            let key = go_quote(key);
            return Err(format!(
                "impersonating a non-lowercase key in extra is not allowed: {key}"
            ));
        }
        if values.iter().any(String::is_empty) {
            return Err("impersonating the empty string value in extra is not allowed".to_owned());
        }
    }
    Ok(())
}
