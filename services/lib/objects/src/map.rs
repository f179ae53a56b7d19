//! Ordered map of an object's members.

use compact_str::CompactString;
use indexmap::IndexMap;

use crate::Value;

/// Member names are short and repeat, so they are stored inline where they fit.
pub type Key = CompactString;

type Inner = IndexMap<Key, Value, foldhash::fast::RandomState>;

/// Members of an object in insertion order. Order carries no meaning for
/// equality; the printer follows it, and the schema engine sets it.
#[derive(Clone, Debug, Default)]
pub struct Map(Inner);

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(n: usize) -> Self {
        Self(Inner::with_capacity_and_hasher(n, Default::default()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(key)
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Sets a member and returns what it replaced. A new member goes last.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    /// Sets a member in front of all others (used for `kind`, `apiVersion`).
    pub fn insert_first(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        let key = key.into();
        self.0.shift_remove(&key);
        self.0.shift_insert(0, key, value.into());
    }

    /// Removes a member; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key)
    }

    /// The member, made with `default` where it is absent.
    pub fn entry_or(&mut self, key: &str, default: impl FnOnce() -> Value) -> &mut Value {
        self.0.entry(Key::from(key)).or_insert_with(default)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Value)> + ExactSizeIterator {
        self.0.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Value)> {
        self.0.iter_mut()
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.values()
    }

    pub fn retain(&mut self, keep: impl FnMut(&Key, &mut Value) -> bool) {
        self.0.retain(keep);
    }

    /// Puts members in byte order of their names, as Go prints a map.
    pub fn sort_keys(&mut self) {
        self.0.sort_unstable_keys();
    }

    /// Puts members in the order given by `rank`; equal ranks by name.
    pub fn sort_by_rank(&mut self, rank: impl Fn(&str) -> usize) {
        self.0
            .sort_unstable_by(|a, _, b, _| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    }

    /// Puts members with these names before all others, which keep their order.
    pub fn put_first(&mut self, names: &[&str]) {
        let mut to = 0;
        for name in names {
            if let Some(from) = self.0.get_index_of(*name) {
                self.0.move_index(from, to);
                to += 1;
            }
        }
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl FromIterator<(Key, Value)> for Map {
    fn from_iter<T: IntoIterator<Item = (Key, Value)>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
