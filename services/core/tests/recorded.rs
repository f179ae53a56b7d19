//! Replays recorded writes against schemas and strategies, without a server:
//! decode, defaults, preparation, validation, compared by the message of the answer.

use std::{collections::BTreeMap, path::PathBuf};

use catena_core::groups::strategy_for;
use catena_objects::{
    Status, Value,
    field::{Errors, Path},
    json, meta,
};
use catena_registry::{Context, Strategy};
use std::sync::Arc;

/// Stands for the namespace of a conversation.
const NS: &str = "recorded-ns";
const UID: &str = "11111111-2222-3333-4444-555555555555";

fn recorded(file: &str) -> Option<String> {
    let root = std::env::var_os("CATENA_FACTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(root.join("recorded").join(file)).ok();
    if text.is_none() {
        eprintln!("skipped: no recordings of {file} beside the project");
    }
    text
}

struct Target {
    group: String,
    version: String,
    plural: String,
    namespaced: bool,
}

fn target(path: &str) -> Option<Target> {
    let path = path.split('?').next()?;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", v, rest @ ..] => ("", *v, rest),
        ["apis", g, v, rest @ ..] => (*g, *v, rest),
        _ => return None,
    };
    let (plural, namespaced) = match rest {
        ["namespaces", _, plural, ..] => (*plural, true),
        [plural, ..] => (*plural, false),
        [] => return None,
    };
    Some(Target {
        group: group.into(),
        version: version.into(),
        plural: plural.into(),
        namespaced,
    })
}

fn decode(t: &Target, body: &Value) -> Result<Value, String> {
    let kind = body.str_at(&["kind"]);
    let node = catena_schema::builtin(&t.group, &t.version, kind).ok_or("no schema")?;
    catena_schema::decode(&node, body.clone())
        .map(
            |d| match catena_core::groups::autoscaling::conversion(&t.plural, &t.version) {
                Some(c) => c.to_storage(d.value),
                None => d.value,
            },
        )
        .map_err(|e| format!("{e:?}"))
}

struct World {
    strategy: Arc<dyn Strategy>,
    target: Target,
    ctx: Context,
}

impl World {
    fn new(path: &str) -> Option<Self> {
        let target = target(path)?;
        let strategy = strategy_for(&target.group, &target.version, &target.plural);
        let ctx = Context {
            namespace: NS.into(),
            version: target.version.clone(),
            now: "2026-01-02T03:04:05Z".into(),
            ..Context::default()
        };
        Some(Self {
            strategy,
            target,
            ctx,
        })
    }

    fn create(&self, body: &Value) -> Result<Value, (u16, String)> {
        let mut o = decode(&self.target, body).map_err(|e| (400, e))?;
        self.strategy.default(&mut o);
        if self.target.namespaced {
            o.set(&["metadata", "namespace"], NS);
        }
        o.set(&["metadata", "uid"], UID);
        if self.target.plural == "pods" {
            // What the ServiceAccount plugin would have done.
            o.set_default(&["spec", "serviceAccountName"], "default");
        }
        self.strategy.prepare_create(&self.ctx, &mut o);
        let empty = Value::object();
        let mut e = meta::validate_object_meta(
            o.get("metadata").unwrap_or(&empty),
            self.target.namespaced,
            &|n, p| self.strategy.validate_name(n, p),
            &Path::new("metadata"),
        );
        e.extend(self.strategy.validate(&self.ctx, &o));
        self.answer(o, &e)
    }

    fn update(&self, body: &Value, old: &Value) -> Result<Value, (u16, String)> {
        let mut o = decode(&self.target, body).map_err(|e| (400, e))?;
        self.strategy.default(&mut o);
        for name in ["namespace", "uid", "creationTimestamp"] {
            if let Some(v) = old.at(&["metadata", name]) {
                o.set(&["metadata", name], v.clone());
            }
        }
        self.strategy.prepare_update(&self.ctx, &mut o, old);
        let e = self.strategy.validate_update(&self.ctx, &o, old);
        self.answer(o, &e)
    }

    fn answer(&self, o: Value, e: &Errors) -> Result<Value, (u16, String)> {
        if e.is_empty() {
            return Ok(o);
        }
        let s = Status::invalid(
            &self.target.group,
            o.str_at(&["kind"]),
            o.str_at(&["metadata", "name"]),
            e,
        );
        Err((
            422,
            s.message
                .replace(UID, "<uid>")
                .replace("2026-01-02T03:04:05Z", "<time>"),
        ))
    }
}

#[derive(Default)]
struct Score {
    good: BTreeMap<String, usize>,
    bad: BTreeMap<String, usize>,
}

impl Score {
    fn add(&mut self, id: &str, same: bool) {
        let kind = id.split('/').nth(1).unwrap_or(id).to_owned();
        *if same { &mut self.good } else { &mut self.bad }
            .entry(kind)
            .or_default() += 1;
    }

    fn report(&self, what: &str) -> (usize, usize) {
        let (good, bad) = (self.good.values().sum(), self.bad.values().sum());
        for (k, n) in &self.bad {
            eprintln!(
                "{what} {k}: {n} differ, {} same",
                self.good.get(k).unwrap_or(&0)
            );
        }
        eprintln!("{what}: {good} same, {bad} differ");
        (good, bad)
    }
}

/// Conversations of this server, cut down to `ONLY` when it is set.
fn only(id: &str) -> bool {
    // Served by other processes.
    if id.contains("apiextensions") || id.contains("apiregistration") {
        return false;
    }
    match std::env::var("ONLY") {
        Ok(o) => o.split(',').any(|p| id.contains(p)),
        Err(_) => true,
    }
}

/// The same message, the difference of specs aside.
fn same_message(a: &str, b: &str) -> bool {
    let cut = |s: &str| s.split("\n@@").next().unwrap_or_default().to_owned();
    b.is_empty() || a == b || cut(a) == cut(b)
}

fn show(id: &str, step: &Value, want: &str, got: &str) {
    if std::env::var_os("SHOW").is_some() {
        eprintln!("--- {id} {} {}", step.str_at(&["m"]), step.str_at(&["p"]));
        eprintln!("want {want}\ngot  {got}");
        if std::env::var_os("BODY").is_some() {
            eprintln!(
                "body {}",
                json::to_string(step.get("b").unwrap_or(&Value::Null))
            );
        }
    }
}

fn conversations(text: &str) -> impl Iterator<Item = Value> + '_ {
    text.lines()
        .map(|l| json::parse(l.replace("{ns}", NS).as_bytes()).expect("recordings are JSON"))
}

#[test]
fn wrong_objects_are_refused_as_recorded() {
    let Some(text) = recorded("invalid.jsonl") else {
        return;
    };
    let mut score = Score::default();
    for c in conversations(&text) {
        let id = c.str_at(&["id"]).to_owned();
        if !only(&id) {
            continue;
        }
        for step in c.items_at(&["steps"]) {
            let (path, want) = (step.str_at(&["p"]), step.i64_at(&["s"]).unwrap_or(0));
            let Some(body) = step.get("b").filter(|b| b.as_object().is_some()) else {
                continue;
            };
            let world = World::new(path);
            let (Some(w), false) = (
                world,
                path.contains("fieldValidation")
                    || body.str_at(&["metadata", "namespace"]) == "other",
            ) else {
                continue;
            };
            let message = step.str_at(&["r", "message"]);
            if message.contains("is registered for version") {
                continue;
            }
            let (same, got) = match w.create(body) {
                Ok(_) => (want == 201 || want == 403, "201".to_owned()),
                Err((400, m)) => (want == 400, m),
                Err((_, m)) => (want == 422 && same_message(&m, message), m),
            };
            if !same {
                show(&id, step, &format!("{want} {message}"), &got);
            }
            score.add(&id, same);
        }
    }
    let (good, bad) = score.report("invalid");
    assert!(
        good > bad * 10 || std::env::var_os("ONLY").is_some(),
        "too many answers differ"
    );
}

/// A body, or what a JSON patch makes of the stored object.
fn patched(body: &Value, old: Option<&Value>) -> Option<Value> {
    let Some(ops) = body.as_array() else {
        return Some(body.clone());
    };
    let mut out = old?.clone();
    for op in ops {
        let steps: Vec<String> = op
            .str_at(&["path"])
            .split('/')
            .skip(1)
            .map(|s| s.replace("~1", "/").replace("~0", "~"))
            .collect();
        let (last, parents) = steps.split_last()?;
        let mut at = &mut out;
        for s in parents {
            at = match s.parse::<usize>() {
                Ok(i) if at.as_array().is_some() => at.as_array_mut()?.get_mut(i)?,
                _ => at.at_mut(&[s])?,
            };
        }
        let value = op.get("value").cloned().unwrap_or_default();
        let remove = op.str_at(&["op"]) == "remove";
        if let Some(list) = at.as_array_mut() {
            let i = last.parse::<usize>().unwrap_or(list.len());
            match op.str_at(&["op"]) {
                "remove" => drop(list.remove(i)),
                "add" => list.insert(i, value),
                _ => *list.get_mut(i)? = value,
            }
        } else if remove {
            at.unset(&[last]);
        } else {
            at.set(&[last], value);
        }
    }
    Some(out)
}

#[test]
fn updates_are_judged_as_recorded() {
    let Some(text) = recorded("update.jsonl") else {
        return;
    };
    let mut score = Score::default();
    for c in conversations(&text) {
        let id = c.str_at(&["id"]).to_owned();
        if !only(&id) {
            continue;
        }
        let mut old = None;
        for step in c.items_at(&["setup"]).iter().chain(c.items_at(&["steps"])) {
            let (path, want) = (step.str_at(&["p"]), step.i64_at(&["s"]).unwrap_or(0));
            let Some(w) = World::new(path) else { continue };
            let convert =
                catena_core::groups::autoscaling::conversion(&w.target.plural, &w.target.version);
            let served = old
                .clone()
                .map(|o: Value| convert.map_or(o.clone(), |c| c.from_storage(o)));
            let Some(body) = step.get("b").and_then(|b| patched(b, served.as_ref())) else {
                continue;
            };
            let body = &body;
            if step.str_at(&["m"]) == "POST" {
                old = w
                    .create(body)
                    .map_err(|(_, m)| eprintln!("{id} setup: {m}"))
                    .ok();
                continue;
            }
            let Some(before) = &old else { continue };
            let message = step.str_at(&["r", "message"]);
            let answer = w.update(body, before);
            let (same, got) = match &answer {
                Ok(_) => (want == 200, "200".to_owned()),
                // A patched object that does not decode is 422, which the endpoint makes of it.
                Err((400, m)) => (want == 400 || message.is_empty(), m.clone()),
                Err((_, m)) => (want == 422 && same_message(m, message), m.clone()),
            };
            if !same {
                show(&id, step, &format!("{want} {message}"), &got);
            }
            score.add(&id, same);
            if let (Ok(o), 200, false) = (answer, want, path.contains("dryRun")) {
                old = Some(o);
            }
        }
    }
    let (good, bad) = score.report("update");
    assert!(
        good > bad * 10 || std::env::var_os("ONLY").is_some(),
        "too many answers differ"
    );
}

/// Members of `want` that `got` lacks or has otherwise.
fn lacking(want: &Value, got: &Value, path: &str, out: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(w), Value::Object(g)) => {
            for (k, v) in w.iter() {
                let volatile = matches!(v.as_str(), Some(s) if s.starts_with('<'));
                match g.get(k) {
                    _ if volatile => {}
                    Some(x) => lacking(v, x, &format!("{path}.{k}"), out),
                    None => out.push(format!("{path}.{k}: lacks {}", json::to_string(v))),
                }
            }
            for (k, v) in g.iter() {
                if !w.contains_key(k) {
                    out.push(format!("{path}.{k}: has {}", json::to_string(v)));
                }
            }
        }
        (Value::Array(w), Value::Array(g)) if w.len() == g.len() => {
            for (i, (x, y)) in w.iter().zip(g.iter()).enumerate() {
                lacking(x, y, &format!("{path}[{i}]"), out);
            }
        }
        _ if want == got => {}
        _ => out.push(format!(
            "{path}: want {} got {}",
            json::to_string(want),
            json::to_string(got)
        )),
    }
}

#[test]
fn defaults_are_as_recorded() {
    let Some(text) = recorded("defaults.jsonl") else {
        return;
    };
    let mut score = Score::default();
    for c in conversations(&text) {
        let id = c.str_at(&["id"]).to_owned();
        let Some(step) = c.items_at(&["steps"]).first().filter(|_| only(&id)) else {
            continue;
        };
        let Some(w) = World::new(step.str_at(&["p"])) else {
            continue;
        };
        let (Some(body), Some(want)) = (step.get("b"), step.get("r")) else {
            continue;
        };
        let mut out = Vec::new();
        match w.create(body) {
            Ok(o) => {
                let kind = body.str_at(&["kind"]);
                let node = catena_schema::builtin(&w.target.group, &w.target.version, kind);
                let o = match catena_core::groups::autoscaling::conversion(
                    &w.target.plural,
                    &w.target.version,
                ) {
                    Some(c) => c.from_storage(o),
                    None => o,
                };
                let mut o = node.map_or(o.clone(), |n| catena_schema::canonical(&n, o));
                let mut want = want.clone();
                for v in [&mut want, &mut o] {
                    v.unset(&["metadata"]);
                }
                lacking(&want, &o, "", &mut out);
            }
            Err((code, m)) => out.push(format!("{code} {m}")),
        }
        if !out.is_empty() {
            show(&id, step, "", &out.join("\n     "));
        }
        score.add(&id, out.is_empty());
    }
    score.report("defaults");
}
