//! Who owns the replicas, seen from the scale and from the object
//! (`managedfields.ScaleHandler`): the same entries, with the path of each.

use catena_objects::{Map, Value, obj};

/// Path of the replicas in a scale.
const IN_SCALE: [&str; 2] = ["f:spec", "f:replicas"];

/// Entries of an object that own its replicas, as entries of a scale.
pub(super) fn of_scale(entries: &[Value], replicas: &[String]) -> Vec<Value> {
    let place = fields(replicas);
    entries
        .iter()
        .filter(|e| owns(e, &place))
        .map(|e| {
            let mut entry = e.clone();
            entry.set(&["apiVersion"], "autoscaling/v1");
            let owned: Value = obj!({"f:spec": {"f:replicas": {}}});
            entry.set(&["fieldsV1"], owned);
            entry
        })
        .collect()
}

/// Entries of the object after its scale was applied: owners of the scale own
/// its replicas, who lost them there loses them here.
pub(super) fn of_object(
    entries: &[Value],
    scale: &[Value],
    api_version: &str,
    replicas: &[String],
) -> Vec<Value> {
    let place = fields(replicas);
    let same = |a: &Value, b: &Value| {
        ["manager", "operation", "subresource"]
            .iter()
            .all(|k| a.str_at(&[k]) == b.str_at(&[k]))
    };
    let mut out = Vec::with_capacity(entries.len() + 1);
    for entry in entries {
        if !owns(entry, &place) || scale.iter().any(|s| same(s, entry)) {
            out.push(entry.clone());
        } else if let Some(rest) = without(entry, &place) {
            out.push(rest);
        }
    }
    let new = scale
        .iter()
        .filter(|s| owns(s, &IN_SCALE.map(str::to_owned)))
        .filter(|s| !entries.iter().any(|e| same(s, e) && owns(e, &place)));
    for entry in new {
        let mut entry = entry.clone();
        entry.set(&["apiVersion"], api_version);
        entry.set(&["fieldsV1"], nested(&place));
        entry.unset(&["time"]);
        out.insert(rank(&out, &entry), entry);
    }
    out
}

/// Applies come first, and among equals those without a time.
fn rank(entries: &[Value], entry: &Value) -> usize {
    let operation = entry.str_at(&["operation"]);
    entries
        .iter()
        .position(|e| e.str_at(&["operation"]) >= operation)
        .unwrap_or(entries.len())
}

fn fields(path: &[String]) -> Vec<String> {
    path.iter().map(|step| format!("f:{step}")).collect()
}

fn steps(place: &[String]) -> Vec<&str> {
    place.iter().map(String::as_str).collect()
}

fn owns(entry: &Value, place: &[String]) -> bool {
    let fields = entry.get("fieldsV1");
    fields.is_some_and(|f| f.at(&steps(place)).is_some())
}

/// `None` when nothing else was owned.
fn without(entry: &Value, place: &[String]) -> Option<Value> {
    let mut entry = entry.clone();
    let mut path = vec!["fieldsV1"];
    path.extend(steps(place));
    entry.unset(&path);
    while path.pop().is_some() && path.len() > 1 {
        let empty = entry.at(&path).and_then(Value::as_object);
        if empty.is_some_and(Map::is_empty) {
            entry.unset(&path);
        }
    }
    let left = entry.get("fieldsV1").and_then(Value::as_object);
    left.is_some_and(|m| !m.is_empty()).then_some(entry)
}

fn nested(place: &[String]) -> Value {
    let mut out = Value::object();
    out.set(&steps(place), Value::object());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Vec<String> {
        vec!["spec".into(), "replicas".into()]
    }

    fn entry(manager: &str, operation: &str, owned: Value) -> Value {
        obj!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": "t", "fieldsV1": (owned)})
    }

    #[test]
    fn replicas_change_hands() {
        let a = entry(
            "a",
            "Apply",
            obj!({"f:spec": {"f:replicas": {}, "f:paused": {}}}),
        );
        let b = entry("b", "Update", obj!({"f:spec": {"f:replicas": {}}}));
        let c = entry("c", "Update", obj!({"f:spec": {"f:paused": {}}}));
        let entries = [a, b, c];
        let scale = of_scale(&entries, &path());
        assert_eq!(scale.len(), 2);
        assert_eq!(scale[0].str_at(&["apiVersion"]), "autoscaling/v1");
        let taken = entry("d", "Apply", obj!({"f:spec": {"f:replicas": {}}}));
        let after = of_object(&entries, &[taken], "apps/v1", &path());
        let names: Vec<&str> = after.iter().map(|e| e.str_at(&["manager"])).collect();
        assert_eq!(names, ["d", "a", "c"]);
        assert_eq!(
            after[1].get("fieldsV1"),
            Some(&obj!({"f:spec": {"f:paused": {}}}))
        );
    }
}
