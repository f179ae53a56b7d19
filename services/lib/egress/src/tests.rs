//! What peers may do, and what files may say.

mod config;
mod http_connect;
mod konnectivity;
mod whole;
