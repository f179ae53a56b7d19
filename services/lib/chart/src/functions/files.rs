//! `.Files`.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Answer, Entry, fixed, helm::yaml_text};
use crate::{
    exec::{Args, Type::Text},
    glob,
    session::Env,
    value::{Files, Members, Native, Value},
};

pub(super) const METHODS: &[Entry] = &[
    ("Get", fixed(&[Text], get)),
    ("GetBytes", fixed(&[Text], get)),
    ("Glob", fixed(&[Text], globbed)),
    ("Lines", fixed(&[Text], lines)),
    (
        "AsConfig",
        fixed(&[], |e, a| flattened(e, a, |text| text.to_owned())),
    ),
    (
        "AsSecrets",
        fixed(&[], |e, a| flattened(e, a, |text| STANDARD.encode(text))),
    ),
];

fn files(args: &Args) -> Arc<Files> {
    match args.get(0) {
        Value::Native(Native::Files(files)) => files.clone(),
        _ => Arc::default(),
    }
}

/// "" where there is no such file.
fn get(_: Env<'_>, args: &Args) -> Answer {
    let text = files(args).get(args.text(1)).cloned();
    Ok(Value::Text(text.unwrap_or_else(|| "".into())))
}

fn globbed(env: Env<'_>, args: &Args) -> Answer {
    let files = files(args);
    env.budget().spend(files.len())?;
    let found = files
        .iter()
        .filter(|(name, _)| glob::matches(args.text(1), name));
    let found = found
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    Ok(Value::Native(Native::Files(Arc::new(found))))
}

fn lines(env: Env<'_>, args: &Args) -> Answer {
    let files = files(args);
    let Some(text) = files.get(args.text(1)).filter(|text| !text.is_empty()) else {
        return Ok(Value::texts(Vec::<String>::new()));
    };
    env.budget().text(text.len())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Value::texts(text.split('\n')))
}

/// Contents by the last part of the name, as YAML.
fn flattened(env: Env<'_>, args: &Args, content: fn(&str) -> String) -> Answer {
    let mut members = Members::new();
    for (name, text) in files(args).iter() {
        env.budget().text(text.len() * 2)?;
        let base = name.rsplit('/').next().unwrap_or(name);
        members.insert(base.into(), Value::text(content(text)));
    }
    yaml_text(env, &Value::map(members)).map(Value::text)
}
