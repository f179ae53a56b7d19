use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{Client, Conversation, Step, at, differences, normal};

/// Conversations at the same time.
const PARALLEL: usize = 4;

/// How often a step is sent again, and how long after the answer before.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// What a replay came to.
#[derive(Default)]
pub struct Outcome {
    pub steps: usize,
    /// Steps whose answer was the expected one.
    pub same: usize,
    /// `conversation step N METHOD path: place: expected | got`.
    pub wrong: Vec<String>,
}

/// Replays conversations, each in a namespace of its own.
pub async fn replay_all(client: &Client, conversations: &[Conversation]) -> Outcome {
    let mut outcomes: Vec<(usize, Outcome)> = stream::iter(conversations.iter().enumerate())
        .map(|(n, conversation)| async move { (n, replay(client, conversation, n).await) })
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    outcomes.sort_by_key(|(n, _)| *n);
    let mut sum = Outcome::default();
    for (_, outcome) in outcomes {
        sum.steps += outcome.steps;
        sum.same += outcome.same;
        sum.wrong.extend(outcome.wrong);
    }
    sum
}

/// Replays one conversation; `number` keeps namespaces of one file apart.
pub async fn replay(client: &Client, conversation: &Conversation, number: usize) -> Outcome {
    let namespace = namespace(&conversation.id, number);
    let mut names = BTreeMap::from([("ns".to_owned(), namespace.clone())]);
    let first = [
        post(
            "/api/v1/namespaces",
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        ),
        post(
            "/api/v1/namespaces/{ns}/serviceaccounts",
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}),
        ),
    ];
    for step in first.iter().chain(&conversation.setup) {
        run(client, step, &mut names).await;
    }
    let mut outcome = Outcome::default();
    for (i, step) in conversation.steps.iter().enumerate() {
        let mut wrong = run(client, step, &mut names).await;
        for _ in 0..if step.until { ATTEMPTS } else { 0 } {
            if wrong.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            wrong = run(client, step, &mut names).await;
        }
        outcome.steps += 1;
        outcome.same += usize::from(wrong.is_empty());
        outcome.wrong.extend(wrong.iter().map(|w| {
            format!(
                "{} step {i} {} {}: {w}",
                conversation.id, step.method, step.path
            )
        }));
    }
    let last = request("DELETE", "/api/v1/namespaces/{ns}");
    for step in conversation.teardown.iter().chain([&last]) {
        run(client, step, &mut names).await;
    }
    outcome
}

/// Sends a step; what is different from what it expects.
async fn run(client: &Client, step: &Step, names: &mut BTreeMap<String, String>) -> Vec<String> {
    let mut headers = BTreeMap::from([
        ("authorization".to_owned(), "Bearer admin-token".to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ]);
    if step.body.is_some() {
        headers.insert("content-type".into(), "application/json".into());
    }
    for (name, value) in step.headers.iter().flatten() {
        let name = name.to_ascii_lowercase();
        match value {
            Some(value) => headers.insert(name, filled(value, names)),
            None => headers.remove(&name),
        };
    }
    let body = step.body.as_ref().map_or_else(String::new, |raw| {
        let text = serde_json::from_str::<String>(raw.get());
        filled(&text.unwrap_or_else(|_| raw.get().to_owned()), names)
    });
    let path = filled(&step.path, names);
    let answer = match client.send(&step.method, &path, &headers, body).await {
        Ok(answer) => answer,
        Err(e) => return vec![format!("{e:#}")],
    };
    let warnings = answer.headers.get_all(http::header::WARNING);
    let warnings: Vec<String> = warnings
        .iter()
        .filter_map(|w| quoted(w.to_str().ok()?))
        .collect();
    let text = || Value::from(String::from_utf8_lossy(&answer.body));
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| text());
    for (name, pointer) in &step.keep {
        let value = body.pointer(pointer).unwrap_or(&Value::Null);
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        names.insert(name.clone(), value);
    }
    if answer.status.is_success() {
        settle(client, step, &headers, &body).await;
    }
    compare(step, answer.status.as_u16(), body, &warnings, names)
}

/// A definition that was written is looked at by a controller; the recordings
/// went on when that was done.
async fn settle(client: &Client, step: &Step, headers: &BTreeMap<String, String>, body: &Value) {
    const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let writes = matches!(step.method.as_str(), "POST" | "PUT" | "PATCH");
    let name = body.pointer("/metadata/name").and_then(Value::as_str);
    let (true, Some(name)) = (writes && step.path.starts_with(DEFINITIONS), name) else {
        return;
    };
    if step.path.contains("dryRun") {
        return;
    }
    let path = format!("{DEFINITIONS}/{name}");
    for _ in 0..ATTEMPTS {
        let answer = client.send("GET", &path, headers, String::new()).await;
        let object: Option<Value> = answer
            .ok()
            .and_then(|a| serde_json::from_slice(&a.body).ok());
        if object.is_none_or(|o| is_settled(&o)) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_settled(definition: &Value) -> bool {
    let conditions = definition.pointer("/status/conditions");
    let is = |ty: &str, status: &str| {
        let all = conditions.and_then(Value::as_array).into_iter().flatten();
        all.into_iter()
            .any(|c| c["type"] == ty && c["status"] == status)
    };
    is("NamesAccepted", "False") || is("NamesAccepted", "True") && is("Established", "True")
}

fn compare(
    step: &Step,
    status: u16,
    body: Value,
    warnings: &[String],
    names: &BTreeMap<String, String>,
) -> Vec<String> {
    let namespace = &names["ns"];
    let mut wrong = Vec::new();
    for (pointer, expected) in &step.parts {
        let expected = serde_json::from_str(&filled(&expected.to_string(), names));
        wrong.extend(at(pointer, &expected.unwrap_or_default(), &body));
    }
    let text = body
        .as_str()
        .map_or_else(|| body.to_string(), str::to_owned);
    for piece in &step.texts {
        if !text.contains(&filled(piece, names)) {
            wrong.push(format!("no {piece:?} in {}", short(&text)));
        }
    }
    let body = normal(body, namespace);
    match (step.status, &step.answer) {
        (Some(expected), _) if expected != status => {
            wrong.insert(
                0,
                format!("status {expected} | {status} {}", short(&body.to_string())),
            );
        }
        (Some(_), Some(expected)) => {
            let expected = normal(expected.clone(), namespace);
            wrong.extend(differences(&expected, &body, ""));
        }
        _ => {}
    }
    let warnings: Vec<Value> = warnings
        .iter()
        .map(|w| normal(w.as_str().into(), namespace))
        .collect();
    if warnings != step.warnings {
        wrong.push(format!("warnings {:?} | {warnings:?}", step.warnings));
    }
    wrong
}

fn short(text: &str) -> String {
    text.chars().take(300).collect()
}

/// The text of a warning header: between its first and its last quote.
fn quoted(header: &str) -> Option<String> {
    let (_, rest) = header.split_once('"')?;
    Some(
        rest.rsplit_once('"')
            .map_or(rest, |(text, _)| text)
            .to_owned(),
    )
}

fn filled(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in names {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

fn namespace(id: &str, number: usize) -> String {
    let mut name = String::new();
    for c in id.to_ascii_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    name.truncate(36);
    let suffix: u16 = rand::random();
    format!("rp-{}-{number}-{suffix:04x}", name.trim_matches('-'))
}

fn request(method: &str, path: &str) -> Step {
    Step {
        method: method.into(),
        path: path.into(),
        headers: None,
        body: None,
        status: None,
        answer: None,
        warnings: Vec::new(),
        parts: BTreeMap::new(),
        texts: Vec::new(),
        keep: BTreeMap::new(),
        until: false,
    }
}

fn post(path: &str, body: &Value) -> Step {
    Step {
        body: serde_json::value::to_raw_value(body).ok(),
        ..request("POST", path)
    }
}
