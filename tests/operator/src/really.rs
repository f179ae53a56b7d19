//! Runs pods of the store and of backups as processes of this machine.
