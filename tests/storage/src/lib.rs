//! One contract suite for everything that is storage; see `tests/`.
