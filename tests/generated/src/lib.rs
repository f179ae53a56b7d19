//! Generated code is what its generator makes now (`tests/`).
