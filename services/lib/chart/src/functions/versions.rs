//! Versions of the cluster and of anything.

use super::{Entry, fixed};
use crate::{
    exec::Type::Text,
    value::{Native, Value},
    version,
};

pub(super) const TABLE: &[Entry] = &[(
    "semverCompare",
    fixed(&[Text, Text], |_, a| {
        Ok(Value::Bool(version::satisfies(a.text(0), a.text(1))?))
    }),
)];

/// Of `.Capabilities.APIVersions`.
pub(super) const METHODS: &[Entry] = &[(
    "Has",
    fixed(&[Text], |_, a| {
        let found = match a.get(0) {
            Value::Native(Native::Versions(c)) => c.api_versions.contains(a.text(1)),
            _ => false,
        };
        Ok(Value::Bool(found))
    }),
)];
