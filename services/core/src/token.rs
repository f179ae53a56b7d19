//! TokenRequest: tokens of service accounts (`registry/core/serviceaccount/storage/token.go`).

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{
    Reason, Status, Value,
    field::{Error, Errors, Path},
    meta,
};
use catena_registry::{Context, Handler, Store};

use crate::reader::ObjectReader;

const GROUP: &str = "authentication.k8s.io";
const DEFAULT_SECONDS: i64 = 3_600;
const MIN_SECONDS: i64 = 600;
const MAX_SECONDS: i64 = 1 << 32;

/// What a token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    pub namespace: String,
    pub account: String,
    pub account_uid: String,
    /// Empty: those of the API server.
    pub audiences: Vec<String>,
    pub seconds: i64,
    /// Kind, name and uid of the object that the token dies with.
    pub bound: Option<(String, String, String)>,
    /// Name and uid ("" if not known) of the node of the pod that it is bound to.
    pub node: Option<(String, String)>,
}

/// A signed token, and when it ends in RFC 3339.
#[derive(Clone, Debug)]
pub struct Issued {
    pub token: String,
    pub expires: String,
}

/// Signs tokens.
#[async_trait]
pub trait TokenIssuer: Send + Sync + 'static {
    /// Audiences of a token that names none (`--api-audiences`).
    fn default_audiences(&self) -> Vec<String>;
    async fn issue(&self, claims: &Claims) -> Result<Issued, Status>;
}

/// `SetDefaults_TokenRequestSpec`.
pub fn default(request: &mut Value) {
    request.set_default(&["spec", "expirationSeconds"], DEFAULT_SECONDS);
}

/// `ValidateTokenRequest`.
pub fn validate(request: &Value) -> Errors {
    let mut errors = Errors::new();
    let seconds = request.i64_at(&["spec", "expirationSeconds"]).unwrap_or(0);
    let path = Path::new("spec").child("expirationSeconds");
    if seconds < MIN_SECONDS {
        let text = "may not specify a duration less than 10 minutes";
        errors.push(Error::invalid(&path, seconds, text));
    }
    if seconds > MAX_SECONDS {
        let text = "may not specify a duration larger than 2^32 seconds";
        errors.push(Error::invalid(&path, seconds, text));
    }
    errors
}

/// What is given must be that of the path.
fn check_names(request: &Value, namespace: &str, name: &str) -> Result<(), Status> {
    let given = request.str_at(&["metadata", "namespace"]);
    if !given.is_empty() && given != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let given = request.str_at(&["metadata", "name"]);
    if given.is_empty() || given == name {
        return Ok(());
    }
    let mut errors = Errors::new();
    let path = Path::new("metadata").child("name");
    let text = "must match the service account name if specified";
    errors.push(Error::invalid(&path, given, text));
    Err(Status::invalid(GROUP, "TokenRequest", name, &errors))
}

fn check_uid(request: &Value, name: &str, uid: &str) -> Result<(), Status> {
    let given = request.str_at(&["metadata", "uid"]);
    if given.is_empty() || given == uid {
        return Ok(());
    }
    let why = format!(
        "the UID in the token request ({given}) does not match the UID of the service account ({uid})"
    );
    Err(Status::conflict(GROUP, "TokenRequest", name, &why))
}

/// The object that a token is bound to, and the node of a pod.
type Bound = (Option<(String, String, String)>, Option<(String, String)>);

/// POST `serviceaccounts/<name>/token`.
pub struct TokenRequests {
    pub reader: Arc<dyn ObjectReader>,
    pub issuer: Arc<dyn TokenIssuer>,
}

#[async_trait]
impl Handler for TokenRequests {
    fn kind(&self) -> (&str, &str, &str) {
        (GROUP, "v1", "TokenRequest")
    }

    fn default(&self, body: &mut Value) {
        default(body);
    }

    async fn create(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        mut body: Value,
    ) -> Result<(u16, Value), Status> {
        check_names(&body, &ctx.namespace, name)?;
        let account = store.get(&ctx.namespace, name).await?;
        check_uid(&body, name, meta::uid(&account))?;
        default(&mut body);
        let errors = validate(&body);
        if !errors.is_empty() {
            return Err(Status::invalid(GROUP, "TokenRequest", "", &errors));
        }
        if body.items_at(&["spec", "audiences"]).is_empty() {
            let all: Vec<Value> = self
                .issuer
                .default_audiences()
                .into_iter()
                .map(Value::from)
                .collect();
            body.set(&["spec", "audiences"], all);
        }
        let (bound, node) = self.bound(ctx, &body, name).await?;
        let claims = Claims {
            namespace: ctx.namespace.clone(),
            account: name.to_owned(),
            account_uid: meta::uid(&account).to_owned(),
            audiences: crate::steps::strings(&body, &["spec", "audiences"])
                .into_iter()
                .map(str::to_owned)
                .collect(),
            seconds: body
                .i64_at(&["spec", "expirationSeconds"])
                .unwrap_or(DEFAULT_SECONDS),
            bound,
            node,
        };
        body.set(&["metadata", "name"], name);
        body.set(&["metadata", "namespace"], ctx.namespace.as_str());
        body.set(&["metadata", "uid"], meta::uid(&account));
        body.set(&["metadata", "creationTimestamp"], ctx.now.as_str());
        // Nothing is stored, so a dry run gives a token, too.
        let issued = self.issuer.issue(&claims).await?;
        body.set(&["status", "token"], issued.token);
        body.set(&["status", "expirationTimestamp"], issued.expires);
        Ok((201, body))
    }
}

impl TokenRequests {
    /// The object that the token is bound to, which must exist and be the one
    /// that is meant, and the node of a pod.
    async fn bound(&self, ctx: &Context, body: &Value, account: &str) -> Result<Bound, Status> {
        let Some(reference) = body
            .at(&["spec", "boundObjectRef"])
            .filter(|v| !v.is_null())
        else {
            return Ok((None, None));
        };
        let (kind, name) = (reference.str_at(&["kind"]), reference.str_at(&["name"]));
        let version = reference.str_at(&["apiVersion"]);
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let (plural, namespace) = match (group, kind) {
            ("", "Pod") => ("pods", ctx.namespace.as_str()),
            ("", "Secret") => ("secrets", ctx.namespace.as_str()),
            ("", "Node") => ("nodes", ""),
            _ => {
                let why =
                    format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
                return Err(Status::bad_request(why));
            }
        };
        let Some(found) = self.reader.get("", plural, namespace, name).await? else {
            return Err(Status::not_found("", plural, name));
        };
        if kind == "Pod" && found.str_at(&["spec", "serviceAccountName"]) != account {
            let why = format!(
                "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
            );
            return Err(Status::bad_request(why));
        }
        let (wanted, uid) = (reference.str_at(&["uid"]), meta::uid(&found));
        if !wanted.is_empty() && wanted != uid {
            let why = format!(
                "the UID in the bound object reference ({wanted}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            let mut status = Status::conflict("", plural, name, &why);
            status.reason = Reason::Conflict;
            return Err(status);
        }
        let node = match kind {
            "Pod" => self.node_of(&found).await?,
            _ => None,
        };
        let bound = (kind.to_owned(), name.to_owned(), uid.to_owned());
        Ok((Some(bound), node))
    }

    /// A node that does not exist any more is named all the same.
    async fn node_of(&self, pod: &Value) -> Result<Option<(String, String)>, Status> {
        let name = pod.str_at(&["spec", "nodeName"]);
        if name.is_empty() {
            return Ok(None);
        }
        let found = self.reader.get("", "nodes", "", name).await?;
        let uid = found.as_ref().map(meta::uid).unwrap_or_default();
        Ok(Some((name.to_owned(), uid.to_owned())))
    }
}
