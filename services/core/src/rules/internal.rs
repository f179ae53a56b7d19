//! Objects as Go prints its internal types: errors that show how two objects
//! differ use them and not the names of an API version (`diff.Diff`).
//!
//! `types.txt` names the members of each type, in Go's order:
//! `Type GoName=jsonName:GoType <Embedded`. `?` stands for a member that
//! version v1 keeps elsewhere.

mod matching;
mod unified;

use std::{collections::HashMap, sync::LazyLock};

use catena_objects::{Map, Value, json};

enum Member {
    Embedded(&'static str),
    Named {
        go: &'static str,
        json: &'static str,
        ty: &'static str,
    },
}

static TYPES: LazyLock<HashMap<&'static str, Vec<Member>>> = LazyLock::new(|| {
    include_str!("internal/types.txt")
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.filter_map(member).collect()))
        })
        .collect()
});

fn member(word: &'static str) -> Option<Member> {
    if let Some(embedded) = word.strip_prefix('<') {
        return Some(Member::Embedded(embedded));
    }
    let (go, rest) = word.split_once('=')?;
    let (json, ty) = rest.split_once(':')?;
    Some(Member::Named { go, json, ty })
}

/// A unified diff of two objects of an internal type, three lines around each change.
pub fn diff(ty: &str, old: &Value, new: &Value) -> String {
    unified::diff(&lines(&tree(ty, old)), &lines(&tree(ty, new)))
}

/// A template of pods as Go prints it: metadata is embedded.
pub fn pod_template(template: &Value) -> Value {
    let mut out = template
        .get("metadata")
        .cloned()
        .unwrap_or_else(Value::object);
    let spec = template.get("spec").unwrap_or(&Value::Null);
    out.set(&["Spec"], pod_spec(spec));
    out
}

/// The spec of a pod as Go prints it.
pub fn pod_spec(spec: &Value) -> Value {
    tree("PodSpec", spec)
}

/// The object with Go's names and with every member.
fn tree(ty: &str, value: &Value) -> Value {
    let mut out = strukt(ty, value);
    if ty == "PodSpec" {
        // What v1 keeps in the spec is part of a context that is always there.
        const MOVED: [(&str, &str, Value); 5] = [
            ("HostNetwork", "hostNetwork", Value::Bool(false)),
            ("HostPID", "hostPID", Value::Bool(false)),
            ("HostIPC", "hostIPC", Value::Bool(false)),
            (
                "ShareProcessNamespace",
                "shareProcessNamespace",
                Value::Null,
            ),
            ("HostUsers", "hostUsers", Value::Null),
        ];
        let context = value.get("securityContext").unwrap_or(&Value::Null);
        let mut context = strukt("PodSecurityContext", context);
        for (go, json, zero) in MOVED {
            context.set(&[go], value.get(json).cloned().unwrap_or(zero));
        }
        out.set(&["SecurityContext"], context);
    }
    out
}

fn strukt(ty: &str, value: &Value) -> Value {
    let mut out = Map::new();
    fill(&mut out, ty, value);
    out.into()
}

fn fill(out: &mut Map, ty: &str, value: &Value) {
    for member in TYPES.get(ty).into_iter().flatten() {
        match member {
            Member::Embedded(of) => fill(out, of, value),
            Member::Named { go, json, ty } => {
                out.insert(*go, printed(ty, value.get(json)));
            }
        }
    }
}

/// A value of a Go type; absent is its zero value.
fn printed(ty: &str, value: Option<&Value>) -> Value {
    let value = value.filter(|v| !v.is_null());
    if let Some(of) = ty.strip_prefix('*') {
        return value.map_or(Value::Null, |v| printed(of, Some(v)));
    }
    if let Some(of) = ty.strip_prefix("[]") {
        let list = |v: &Value| match v.as_array() {
            Some(items) => {
                let items: Vec<Value> = items.iter().map(|i| printed(of, Some(i))).collect();
                items.into()
            }
            None => v.clone(),
        };
        return value.map_or(Value::Null, list);
    }
    if let Some(of) = ty.strip_prefix("{}") {
        return value.map_or(Value::Null, |v| map(of, v));
    }
    if TYPES.contains_key(ty) {
        return tree(ty, value.unwrap_or(&Value::Null));
    }
    match value {
        Some(v) if ty == "metav1.LabelSelector" => super::labels::shown(v),
        Some(v) => v.clone(),
        None => zero(ty),
    }
}

fn map(of: &str, value: &Value) -> Value {
    let Some(members) = value.as_object() else {
        return value.clone();
    };
    let mut out = Map::new();
    for (key, v) in members.iter() {
        out.insert(key.clone(), printed(of, Some(v)));
    }
    out.sort_keys();
    out.into()
}

fn zero(ty: &str) -> Value {
    match ty {
        "bool" => Value::Bool(false),
        "int" | "int32" | "int64" | "intstr.IntOrString" => Value::Int(0),
        "string" | "types.UID" => Value::from(""),
        "resource.Quantity" => Value::from("0"),
        "metav1.LabelSelector" => Value::object(),
        _ => Value::Null,
    }
}

fn lines(v: &Value) -> Vec<String> {
    let mut out = vec![String::new()];
    render(v, 0, &mut out);
    out
}

fn push(out: &mut [String], text: &str) {
    if let Some(last) = out.last_mut() {
        last.push_str(text);
    }
}

/// `json.MarshalIndent` with one space.
fn render(v: &Value, depth: usize, out: &mut Vec<String>) {
    let members: Vec<(Option<&str>, &Value)> = match v {
        Value::Object(m) => m.iter().map(|(k, v)| (Some(k.as_str()), v)).collect(),
        Value::Array(a) => a.iter().map(|v| (None, v)).collect(),
        other => {
            let text = String::from_utf8_lossy(&json::to_vec(other)).into_owned();
            return push(out, &text);
        }
    };
    let (open, close) = match v {
        Value::Object(_) => ("{", "}"),
        _ => ("[", "]"),
    };
    push(out, open);
    if members.is_empty() {
        return push(out, close);
    }
    let last = members.len() - 1;
    for (i, (key, v)) in members.into_iter().enumerate() {
        out.push(" ".repeat(depth + 1));
        if let Some(k) = key {
            push(out, &format!("{}: ", json::go_quote(k)));
        }
        render(v, depth + 1, out);
        if i != last {
            push(out, ",");
        }
    }
    out.push(format!("{}{close}", " ".repeat(depth)));
}

#[cfg(test)]
mod tests {
    use catena_objects::obj;

    use super::*;

    #[test]
    fn names_and_lines_are_those_of_go() {
        let old = obj!({"name": "e", "image": "i", "command": ["a"]});
        let new = obj!({"name": "e", "image": "other"});
        let want = "@@ -1,9 +1,7 @@
 {
  \"Name\": \"e\",
- \"Image\": \"i\",
- \"Command\": [
-  \"a\"
- ],
+ \"Image\": \"other\",
+ \"Command\": null,
  \"Args\": null,
  \"WorkingDir\": \"\",
  \"Ports\": null,
";
        assert_eq!(diff("EphemeralContainer", &old, &new), want);
        assert_eq!(diff("EphemeralContainer", &old, &old), "");
    }

    #[test]
    fn templates_have_their_metadata_inside() {
        let template =
            obj!({"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never"}});
        let text = json::to_string(&pod_template(&template));
        assert!(
            text.starts_with("{\"labels\":{\"a\":\"b\"},\"Spec\":{\"Volumes\":null,"),
            "{text}"
        );
        assert!(text.contains("\"RestartPolicy\":\"Never\""), "{text}");
    }

    #[test]
    fn the_context_of_a_pod_has_what_v1_keeps_in_its_spec() {
        let diff = diff("PodSpec", &obj!({}), &obj!({"hostNetwork": true}));
        assert!(diff.contains("-  \"HostNetwork\": false,\n+  \"HostNetwork\": true,\n"));
    }
}
