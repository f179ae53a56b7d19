//! The charts as Helm renders them and installs them.
