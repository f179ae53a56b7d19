//! Users by a file of tokens (`authentication/token/tokenfile`).

use std::{collections::HashMap, path::Path};

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use catena_objects::user::User;

/// Tokens by their hash: a lookup takes no time that tells about a token.
pub(crate) struct StaticTokens(HashMap<Vec<u8>, User>);

fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

impl StaticTokens {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--token-auth-file {}", path.display()))?;
        let mut users = HashMap::new();
        for (i, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields = csv(line);
            let [token, name, uid, rest @ ..] = fields.as_slice() else {
                anyhow::bail!(
                    "{}: line {}: a token, a user and a uid are expected, {} columns found",
                    path.display(),
                    i + 1,
                    fields.len()
                );
            };
            if token.is_empty() {
                anyhow::bail!("{}: line {}: the token is empty", path.display(), i + 1);
            }
            let groups = rest.first().map(String::as_str).unwrap_or_default();
            let user = User {
                name: name.clone(),
                uid: uid.clone(),
                groups: groups
                    .split(',')
                    .map(str::trim)
                    .filter(|g| !g.is_empty())
                    .map(str::to_owned)
                    .collect(),
                ..User::default()
            };
            users.insert(hash(token), user);
        }
        Ok(Self(users))
    }

    pub(crate) fn user(&self, token: &str) -> Option<User> {
        self.0.get(&hash(token)).cloned()
    }
}

/// Columns of a line; quotes keep commas, two quotes are one.
fn csv(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut out, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => push(&mut out, c),
        }
    }
    out.iter().map(|s| s.trim().to_owned()).collect()
}

fn push(columns: &mut [String], c: char) {
    if let Some(last) = columns.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(csv(r#"t,u,id,"a,b""#), ["t", "u", "id", "a,b"]);
        assert_eq!(csv(r#""a ""b""",c"#), [r#"a "b""#, "c"]);
    }
}
