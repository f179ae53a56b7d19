//! `.helmignore`.

use regex::Regex;

use crate::glob;

/// Files that are no part of a chart.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Regex,
    /// `!`: what does not fit is left out.
    negated: bool,
    /// `/` at the end.
    folders: bool,
    /// Without a slash, the last part of the path is meant.
    name_only: bool,
}

impl Rules {
    /// Reads the lines of the file, and Helm's own rule: hidden files below
    /// `templates` are left out.
    ///
    /// # Errors
    /// The line that is no rule.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for line in text.lines().chain(["templates/.?*"]) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            rules.push(rule(line).ok_or_else(|| format!("{line}: not a pattern"))?);
        }
        Ok(Self(rules))
    }

    /// Whether a file is left out, by itself or with one of its folders.
    pub(crate) fn leave_out(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.into_iter().any(|folder| self.fits(folder, true)) || self.fits(path, false)
    }

    fn fits(&self, path: &str, folder: bool) -> bool {
        self.0.iter().any(|rule| {
            let name = match rule.name_only {
                true => path.rsplit('/').next().unwrap_or(path),
                false => path,
            };
            let fits = rule.pattern.is_match(name);
            match (rule.negated, rule.folders && !folder) {
                (true, not_a_folder) => not_a_folder || !fits,
                (false, not_a_folder) => !not_a_folder && fits,
            }
        })
    }
}

fn rule(line: &str) -> Option<Rule> {
    // Helm refuses them.
    if line.contains("**") {
        return None;
    }
    let (negated, line) = match line.strip_prefix('!') {
        Some(line) => (true, line),
        None => (false, line),
    };
    let (folders, line) = match line.strip_suffix('/') {
        Some(line) => (true, line),
        None => (false, line),
    };
    let (rooted, line) = match line.strip_prefix('/') {
        Some(line) => (true, line),
        None => (false, line),
    };
    Some(Rule {
        pattern: glob::compiled(line, false)?,
        negated,
        folders,
        name_only: !rooted && !line.contains('/'),
    })
}
