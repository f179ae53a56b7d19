//! The delegate as the front asks it, on storage in memory.

mod life;
mod outage;
mod support;
