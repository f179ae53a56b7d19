//! Functions that Helm adds: other templates, the cluster, YAML and JSON.

use catena_objects::{self as objects, json, yaml};

use super::{Answer, Entry, fixed};
use crate::{
    budget::Budget,
    exec::{
        self, Args, NO_VALUE,
        Type::{Any, Text},
    },
    fault::Fault,
    format,
    session::Env,
    template,
    value::{Members, Value},
};

/// What comes before an error of the JSON that is made of YAML.
const YAML: &str = "error unmarshaling JSON: while decoding JSON: ";

pub(super) const TABLE: &[Entry] = &[
    ("include", fixed(&[Text, Any], include)),
    ("tpl", fixed(&[Text, Any], tpl)),
    ("lookup", fixed(&[Text, Text, Text, Text], lookup)),
    (
        "toYaml",
        fixed(&[Any], |e, a| yaml_text(e, a.get(0)).map(Value::text)),
    ),
    (
        "fromYaml",
        fixed(&[Text], |e, a| read(e, parse_yaml(a.text(0)), YAML, true)),
    ),
    (
        "fromYamlArray",
        fixed(&[Text], |e, a| read(e, parse_yaml(a.text(0)), YAML, false)),
    ),
    (
        "toJson",
        fixed(&[Any], |e, a| json_text(e, a.get(0)).map(Value::text)),
    ),
    (
        "mustToJson",
        fixed(&[Any], |e, a| json_text(e, a.get(0)).map(Value::text)),
    ),
    ("toPrettyJson", fixed(&[Any], pretty)),
    ("mustToPrettyJson", fixed(&[Any], pretty)),
    ("toRawJson", fixed(&[Any], raw)),
    ("mustToRawJson", fixed(&[Any], raw)),
    (
        "fromJson",
        fixed(&[Text], |e, a| read(e, parse_json(a.text(0)), "", true)),
    ),
    (
        "fromJsonArray",
        fixed(&[Text], |e, a| read(e, parse_json(a.text(0)), "", false)),
    ),
    ("mustFromJson", fixed(&[Text], must_from_json)),
    // Helm's answer unless it is told to ask the DNS.
    ("getHostByName", fixed(&[Text], |_, _| Ok(Value::text("")))),
];

/// What a template prints, as a value.
fn include(env: Env<'_>, args: &Args) -> Answer {
    let name = args.text(0);
    let out = env.session.including(name, || {
        exec::execute(env, name, args.get(1).clone().or_missing())
    })?;
    Ok(Value::text(out))
}

/// A text as a template of its own, which sees all others.
fn tpl(env: Env<'_>, args: &Args) -> Answer {
    const NAME: &str = "gotpl";
    let text = args.text(0);
    let budget = env.budget();
    budget.spend(env.trees.len())?;
    budget.text(text.len() * 4)?;
    let mut trees = env.trees.clone();
    trees.remove(NAME);
    let known = |name: &str| super::find(name).is_some();
    template::parse(NAME, text, &mut trees, &known).map_err(|e| {
        let quoted = format::quote(text);
        Fault::new(format!("cannot parse template {quoted}: {e}"))
    })?;
    let env = Env {
        session: env.session,
        trees: &trees,
    };
    let out = exec::execute(env, NAME, args.get(1).clone().or_missing()).map_err(|fault| {
        if fault.limit.is_some() {
            return fault;
        }
        let quoted = format::quote(text);
        fault.within(|why| format!("error during tpl function execution for {quoted}: {why}"))
    })?;
    Ok(Value::text(out.replace(NO_VALUE, "")))
}

fn lookup(env: Env<'_>, args: &Args) -> Answer {
    let cluster = env.session.cluster;
    let found = cluster.lookup(args.text(0), args.text(1), args.text(2), args.text(3))?;
    Ok(match found {
        Some(object) => Value::of_object(&object),
        None => Value::map(Members::new()),
    })
}

/// YAML as `sigs.k8s.io/yaml` prints it, without the last line feed.
pub(super) fn yaml_text(env: Env<'_>, value: &Value) -> Result<String, Fault> {
    let tree = value.to_tree(env.budget())?;
    let text = yaml::to_string(&tree);
    env.budget().text(text.len())?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}

fn json_text(env: Env<'_>, value: &Value) -> Result<String, Fault> {
    let tree = value.to_tree(env.budget())?;
    let text = json::to_string(&tree);
    env.budget().text(text.len())?;
    Ok(text)
}

fn pretty(env: Env<'_>, args: &Args) -> Answer {
    let tree = args.get(0).to_tree(env.budget())?;
    let mut out = String::new();
    indented(&mut out, &tree, 0, env.budget())?;
    Ok(Value::text(out))
}

fn indented(
    out: &mut String,
    tree: &objects::Value,
    depth: usize,
    budget: &Budget,
) -> Result<(), Fault> {
    budget.grow(out.len(), 2 * depth)?;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match tree {
        objects::Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                line(out, depth + 1);
                indented(out, item, depth + 1, budget)?;
            }
            line(out, depth);
            out.push(']');
        }
        objects::Value::Object(members) if !members.is_empty() => {
            out.push('{');
            for (i, (key, item)) in members.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                line(out, depth + 1);
                out.push_str(&json::to_string(&key.as_str().into()));
                out.push_str(": ");
                indented(out, item, depth + 1, budget)?;
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&json::to_string(other)),
    }
    Ok(())
}

/// JSON in which `<`, `>` and `&` stand as they are.
fn raw(env: Env<'_>, args: &Args) -> Answer {
    let text = json_text(env, args.get(0))?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let plain = [("\\u003c", '<'), ("\\u003e", '>'), ("\\u0026", '&')];
        let plain = plain.iter().find(|(code, _)| escape.starts_with(code));
        let taken = match plain {
            Some((code, c)) => {
                out.push(*c);
                code.len()
            }
            // The character that is escaped is never the start of another escape.
            None => {
                let len = 2.min(escape.len());
                out.push_str(&escape[..len]);
                len
            }
        };
        rest = &escape[taken..];
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

fn parse_yaml(text: &str) -> Result<objects::Value, String> {
    yaml::to_value(text.as_bytes()).map_err(|e| e.to_string())
}

fn parse_json(text: &str) -> Result<objects::Value, String> {
    match json::parse(text.as_bytes()) {
        Ok(tree) => Ok(tree),
        Err(_) if text.trim().is_empty() => Err("unexpected end of JSON input".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}

fn must_from_json(env: Env<'_>, args: &Args) -> Answer {
    let tree = parse_json(args.text(0))?;
    Value::of_tree(&tree, env.budget())
}

/// What was read as a map, or a list. An error is no error of the template: it is
/// the member `Error` of the map, or the only element of the list.
fn read(env: Env<'_>, tree: Result<objects::Value, String>, words: &str, as_map: bool) -> Answer {
    let wanted = |tree: &objects::Value| match tree {
        objects::Value::Null => true,
        objects::Value::Object(_) => as_map,
        objects::Value::Array(_) => !as_map,
        _ => false,
    };
    let why = match tree {
        Ok(objects::Value::Null) if as_map => return Ok(Value::map(Members::new())),
        Ok(objects::Value::Null) => return Ok(Value::list_or_nil(Vec::new())),
        Ok(tree) if wanted(&tree) => return Value::of_tree(&tree, env.budget()),
        Ok(tree) => {
            let of = if as_map {
                "map[string]interface {}"
            } else {
                "[]interface {}"
            };
            let name = match tree {
                objects::Value::Bool(_) => "bool",
                objects::Value::Int(_) | objects::Value::Float(_) => "number",
                objects::Value::String(_) => "string",
                objects::Value::Array(_) => "array",
                _ => "object",
            };
            format!("{words}json: cannot unmarshal {name} into Go value of type {of}")
        }
        Err(why) => why,
    };
    Ok(if as_map {
        Value::map(Members::from([("Error".into(), Value::text(why))]))
    } else {
        Value::list(vec![Value::text(why)])
    })
}
