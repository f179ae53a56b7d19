//! Admission: what may refuse or change a write after it is decoded.

use async_trait::async_trait;
use catena_objects::{Status, Value};

use crate::{Context, Resource};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// One operation under admission (`admission.Attributes`).
pub struct Attributes<'a> {
    pub operation: Operation,
    pub ctx: &'a Context,
    pub resource: &'a Resource,
    /// "" on create with generateName before the name is made, and on deletecollection.
    pub name: &'a str,
    /// `None` on delete.
    pub object: Option<&'a mut Value>,
    pub old: Option<&'a Value>,
}

/// One plugin. All plugins mutate first, then all validate.
#[async_trait]
#[allow(unused_variables)]
pub trait Admission: Send + Sync + 'static {
    fn handles(&self, operation: Operation, group: &str, resource: &str, subresource: &str)
    -> bool;

    async fn admit(&self, attributes: &mut Attributes<'_>) -> Result<(), Status> {
        Ok(())
    }

    async fn validate(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        Ok(())
    }
}
