//! Users by a file of tokens (`authentication/token/tokenfile`).

#[cfg(test)]
mod tests;

use std::{collections::HashMap, path::Path};

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use catena_objects::user::User;

/// Tokens by their hash: a lookup takes no time that tells about a token.
pub(super) struct StaticTokens(HashMap<Vec<u8>, User>);

fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

impl StaticTokens {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| shown.to_string())?;
        Self::parse(&text).map_err(|e| anyhow::anyhow!("token file '{shown}' {e}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut users = HashMap::new();
        for (i, record) in records(text)?.into_iter().enumerate() {
            let [token, name, uid, rest @ ..] = record.as_slice() else {
                return Err(format!(
                    "must have at least 3 columns (token, user name, user uid), found {}",
                    record.len()
                ));
            };
            if token.is_empty() {
                tracing::warn!(record = i + 1, "empty token has been found in token file");
                continue;
            }
            let groups = rest.first().map(|g| g.split(',').map(str::to_owned));
            let user = User {
                name: name.clone(),
                uid: uid.clone(),
                groups: groups.into_iter().flatten().collect(),
                ..User::default()
            };
            if users.insert(hash(token), user).is_some() {
                tracing::warn!(
                    record = i + 1,
                    "duplicate token has been found in token file"
                );
            }
        }
        Ok(Self(users))
    }

    pub(super) fn user(&self, token: &str) -> Option<User> {
        self.0.get(&hash(token)).cloned()
    }
}

/// Records of CSV as Go's `encoding/csv` reads it: quotes keep commas and line
/// ends, two quotes are one, empty lines are none.
fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line_end = rest.find('\n').unwrap_or(rest.len());
        if rest[..line_end].trim_end_matches('\r').is_empty() {
            rest = rest.get(line_end + 1..).unwrap_or_default();
            continue;
        }
        let (record, after) = record(rest).map_err(|e| format!("record {}: {e}", out.len() + 1))?;
        out.push(record);
        rest = after;
    }
    Ok(out)
}

/// One record, and the text behind it.
fn record(mut rest: &str) -> Result<(Vec<String>, &str), &'static str> {
    let mut fields = Vec::new();
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(inner) => quoted(inner)?,
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let field = &rest[..end];
                if field.contains('"') {
                    return Err("bare \" in non-quoted field");
                }
                (field.to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        if let Some(more) = after.strip_prefix(',') {
            rest = more;
            continue;
        }
        if let Some(last) = fields.last_mut()
            && last.ends_with('\r')
        {
            last.pop();
        }
        return Ok((fields, after.strip_prefix('\n').unwrap_or_default()));
    }
}

/// A field behind its opening quote.
fn quoted(mut rest: &str) -> Result<(String, &str), &'static str> {
    const OPEN: &str = "extraneous or missing \" in quoted-field";
    let mut field = String::new();
    loop {
        let end = rest.find('"').ok_or(OPEN)?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if let Some(more) = rest.strip_prefix('"') {
            field.push('"');
            rest = more;
            continue;
        }
        let rest = rest
            .strip_prefix('\r')
            .filter(|r| r.starts_with('\n'))
            .unwrap_or(rest);
        if rest.is_empty() || rest.starts_with([',', '\n']) {
            return Ok((field, rest));
        }
        return Err(OPEN);
    }
}
