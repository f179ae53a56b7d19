//! Labels of an object in one piece of memory, for selectors.

use catena_objects::Value;

/// Bytes of the two lengths before a key and its value.
const HEAD: usize = 8;

/// Keys and values one after the other, each pair after its lengths.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Labels(Box<[u8]>);

impl Labels {
    /// Of `metadata.labels`; what is no text is left out.
    pub fn new(labels: Option<&Value>) -> Self {
        let mut packed = Vec::new();
        for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
            let Some(value) = value.as_str() else {
                continue;
            };
            let lengths = [u32::try_from(key.len()), u32::try_from(value.len())];
            let [Ok(k), Ok(v)] = lengths else {
                continue;
            };
            packed.extend_from_slice(&k.to_le_bytes());
            packed.extend_from_slice(&v.to_le_bytes());
            packed.extend_from_slice(key.as_bytes());
            packed.extend_from_slice(value.as_bytes());
        }
        Self(packed.into())
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        self.pairs()
            .filter_map(move |(k, v)| Some((text(k)?, text(v)?)))
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.pairs().find(|(own, _)| *own == key.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (head, pairs) = rest.split_first_chunk::<HEAD>()?;
            let length = |i: usize| {
                let four = [head[i], head[i + 1], head[i + 2], head[i + 3]];
                u32::from_le_bytes(four) as usize
            };
            let (key, pairs) = pairs.split_at_checked(length(0))?;
            let (value, pairs) = pairs.split_at_checked(length(4))?;
            rest = pairs;
            Some((key, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use catena_objects::obj;

    use super::*;

    #[test]
    fn labels_are_found() {
        let labels = Labels::new(Some(&obj!({ "app": "a", "": "empty", "tier": "", "n": 1 })));
        assert_eq!(labels.get("app"), Some("a"));
        assert_eq!(labels.get(""), Some("empty"));
        assert_eq!(labels.get("tier"), Some(""));
        assert_eq!(labels.get("n"), None);
        assert_eq!(labels.get("ap"), None);
        assert_eq!(Labels::new(None), Labels::default());
        assert_eq!(Labels::default().get("app"), None);
    }
}
