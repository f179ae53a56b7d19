//! The extensions server: CustomResourceDefinitions and every custom resource,
//! as the delegate at the end of the chain.

pub mod definition;
