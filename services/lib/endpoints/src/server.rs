//! The delegate that serves a set of resources.

use std::sync::Arc;

use async_trait::async_trait;
use catena_delegate::{ByteStream, Delegate, Description, Outcome, Request, Response};
use catena_objects::Status;
use catena_registry::{Store, Version};
use futures_util::stream::BoxStream;

use crate::{discovery, encode, verbs};

/// A resource in the version of a request.
#[derive(Clone)]
pub struct Served {
    pub store: Store,
    /// Index in the resource's versions.
    pub version: usize,
}

impl Served {
    pub fn version(&self) -> &Version {
        &self.store.resource.versions[self.version]
    }

    /// Whether stored bytes are what this version serves.
    pub(crate) fn is_stored_form(&self) -> bool {
        self.version == self.store.resource.storage_version && self.version().conversion.is_none()
    }
}

/// What a server serves; may change while it runs.
pub trait Resources: Send + Sync + 'static {
    fn find(&self, group: &str, version: &str, resource: &str) -> Option<Served>;

    /// Whether the group version is this server's: an unknown resource in it is a
    /// 404 here and not someone else's.
    fn claims(&self, group: &str, version: &str) -> bool;

    /// All resources of a group version, for discovery; empty when it is not served.
    fn list(&self, group: &str, version: &str) -> Vec<Served>;

    /// Versions of a group, preferred first; empty when it is not served.
    fn versions(&self, group: &str) -> Vec<String>;

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>>;

    /// The OpenAPI v3 document of a group version as JSON, `None` when not served.
    fn openapi_v3(&self, group: &str, version: &str) -> Option<bytes::Bytes>;

    /// This server's part of the OpenAPI v2 document as JSON.
    fn openapi_v2(&self) -> bytes::Bytes;
}

/// Serves [`Resources`] as a delegate.
pub struct Server {
    pub resources: Arc<dyn Resources>,
}

#[async_trait]
impl Delegate for Server {
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        self.answer(request, None).await
    }

    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status> {
        self.answer(request, Some(input)).await
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        self.resources.describe()
    }
}

impl Server {
    /// [`Delegate::serve`], or with `input` [`Delegate::upgrade`].
    pub async fn answer(
        &self,
        request: Request,
        input: Option<ByteStream>,
    ) -> Result<Outcome, Status> {
        if !request.info.is_resource {
            return Ok(match discovery::document(&*self.resources, &request) {
                Some(r) => Outcome::Served(r),
                None => Outcome::NotMine,
            });
        }
        let i = &request.info;
        let Some(served) = self
            .resources
            .find(&i.api_group, &i.api_version, &i.resource)
        else {
            if self.resources.claims(&i.api_group, &i.api_version) {
                let s = Status::no_such_path();
                return Ok(Outcome::Served(encode::failure(
                    request.header("accept"),
                    &s,
                )));
            }
            return Ok(Outcome::NotMine);
        };
        // A namespaced resource has no endpoint for single objects outside of one,
        // a cluster-scoped one none inside.
        if !scope_fits(&served, &request) {
            if served.store.resource.custom {
                return Ok(Outcome::NotMine);
            }
            let s = Status::no_such_path();
            return Ok(Outcome::Served(encode::failure(
                request.header("accept"),
                &s,
            )));
        }
        Ok(Outcome::Served(verbs::run(&served, request, input).await))
    }
}

fn scope_fits(served: &Served, request: &Request) -> bool {
    let i = &request.info;
    if served.store.resource.namespaced {
        // The name of a collection is that of its field selector, not of the path.
        let collection = matches!(&*i.verb, "list" | "watch" | "deletecollection")
            && request.path.ends_with(&format!("/{}", i.resource));
        let whole = i.name.is_empty() || collection;
        return !i.namespace.is_empty() || (whole && i.subresource.is_empty());
    }
    i.namespace.is_empty() || served.store.resource.plural == "namespaces"
}

/// A response for a whole object in JSON, bytes as they are.
pub(crate) fn json_bytes(status: u16, body: bytes::Bytes) -> Response {
    Response::json(status, body)
}
