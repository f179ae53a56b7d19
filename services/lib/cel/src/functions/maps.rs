//! Making maps.

use std::{collections::BTreeMap, sync::Arc};

use super::Function;
use crate::value::{Outcome, Val, fault};

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "cel.@mapInsert" => insert,
        _ => return None,
    })
}

/// `cel.@mapInsert(map, key, value)` or `(map, entries)`.
fn insert<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let mut entries = match &args[0] {
        Val::Map(entries) => BTreeMap::clone(entries),
        other => other
            .entries()?
            .into_iter()
            .map(|(k, v)| Ok((k.key()?, (k, v))))
            .collect::<Outcome<_>>()?,
    };
    let new = match args {
        [_, key, value] => vec![(key.clone(), value.clone())],
        _ => args[1].entries()?,
    };
    for (key, value) in new {
        let k = key.key()?;
        if entries.contains_key(&k) {
            let shown = super::strings::shown(&key);
            return fault(format!("insert failed: key {shown} already exists"));
        }
        entries.insert(k, (key, value));
    }
    Ok(Val::Map(Arc::new(entries)))
}
