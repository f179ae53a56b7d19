//! Storage in memory.

pub(crate) use catena_storage::testing::Memory;
