//! APIServices: which group versions there are, and who serves them.

mod available;
mod local;
mod printer;
mod resource;
mod strategy;
mod view;

pub(crate) use available::watch_remote;
pub(crate) use local::register_local;
pub(crate) use resource::declaration;
pub(crate) use view::{Entry, ServiceRef, View, Views};

pub(crate) const GROUP: &str = "apiregistration.k8s.io";
pub(crate) const PLURAL: &str = "apiservices";
