//! The scale subresource: where replicas are, and what they may be.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    go,
};
use catena_registry::resource;

/// Paths of a definition, as written and as steps.
pub(crate) struct Scale {
    pub(super) paths: resource::Scale,
    spec: String,
    status: String,
    selector: String,
}

/// Stands where only the presence of the subresource matters.
pub(super) fn unknown() -> resource::Scale {
    resource::Scale {
        spec_replicas: Vec::new(),
        status_replicas: Vec::new(),
        selector: Vec::new(),
    }
}

fn steps(path: &str) -> Vec<String> {
    if path.is_empty() {
        return Vec::new();
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    path.split('.').map(str::to_owned).collect()
}

impl Scale {
    pub(super) fn read(v: &Value) -> Option<Self> {
        v.as_object()?;
        let text = |key: &str| v.str_at(&[key]).to_owned();
        let (spec, status, selector) = (
            text("specReplicasPath"),
            text("statusReplicasPath"),
            text("labelSelectorPath"),
        );
        Some(Self {
            paths: resource::Scale {
                spec_replicas: steps(&spec),
                status_replicas: steps(&status),
                selector: if selector.is_empty() {
                    vec!["\0".to_owned()]
                } else {
                    steps(&selector)
                },
            },
            spec,
            status,
            selector,
        })
    }

    /// `ValidateScaleSpec`.
    pub(super) fn check_spec(&self, object: &Value, errors: &mut Errors) {
        replicas(object, &self.spec, &self.paths.spec_replicas, errors);
    }

    /// `ValidateScaleStatus`.
    pub(super) fn check_status(&self, object: &Value, errors: &mut Errors) {
        replicas(object, &self.status, &self.paths.status_replicas, errors);
        if self.selector.is_empty() {
            return;
        }
        let found = find(object, &self.paths.selector).map(|v| match v {
            Some(v) if v.as_str().is_none() => Err(wrong(&self.paths.selector, v, "string")),
            _ => Ok(()),
        });
        if let Err(why) | Ok(Err(why)) = found {
            errors.push(Error::invalid(&Path::new(&self.selector), "", why));
        }
    }
}

fn replicas(object: &Value, path: &str, steps: &[String], errors: &mut Errors) {
    let at = Path::new(path);
    match find(object, steps) {
        Err(why) => errors.push(Error::invalid(&at, 0i64, why)),
        Ok(None) => {}
        Ok(Some(v)) => match v.as_i64() {
            None => errors.push(Error::invalid(&at, 0i64, wrong(steps, v, "int64"))),
            Some(n) if n < 0 => {
                errors.push(Error::invalid(&at, n, "should be a non-negative integer"));
            }
            Some(n) if n > i64::from(i32::MAX) => {
                let why = "should be less than or equal to 2147483647";
                errors.push(Error::invalid(&at, n, why));
            }
            Some(_) => {}
        },
    }
}

/// `unstructured.NestedFieldNoCopy`.
fn find<'a>(object: &'a Value, steps: &[String]) -> Result<Option<&'a Value>, String> {
    let mut v = object;
    for (i, step) in steps.iter().enumerate() {
        if v.is_null() {
            return Ok(None);
        }
        if v.as_object().is_none() {
            return Err(wrong(&steps[..=i], v, "map[string]interface{}"));
        }
        match v.get(step) {
            Some(next) => v = next,
            None => return Ok(None),
        }
    }
    Ok(Some(v))
}

/// Go's words for a value of another type than expected.
fn wrong(steps: &[String], v: &Value, expected: &str) -> String {
    let (shown, ty) = (go::print(v), go::type_of(v));
    format!(
        ".{} accessor error: {shown} is of the type {ty}, expected {expected}",
        steps.join(".")
    )
}
