//! Which replica takes a call.

use std::{sync::Arc, time::Duration};

use super::replica::{Replica, Sender};

/// A new replica starts with this share: its caches are cold.
const FIRST_SHARE: f64 = 0.1;

pub(super) struct Choice {
    pub(super) replica: Arc<Replica>,
    pub(super) sender: Sender,
    pub(super) number: usize,
}

/// The connected replica with the least load, `turn` deciding between equals.
pub(super) fn choose(
    replicas: &[Arc<Replica>],
    turn: usize,
    slow_start: Duration,
) -> Option<Choice> {
    let mut best: Option<(f64, Choice)> = None;
    for i in 0..replicas.len() {
        let replica = &replicas[(turn.wrapping_add(i)) % replicas.len()];
        let Some((sender, number, age)) = replica.open() else {
            continue;
        };
        let load = load(replica.in_flight(), age, slow_start);
        if best.as_ref().is_none_or(|(l, _)| load < *l) {
            best = Some((
                load,
                Choice {
                    replica: Arc::clone(replica),
                    sender,
                    number,
                },
            ));
        }
    }
    best.map(|(_, choice)| choice)
}

/// The share grows in steps: replicas of nearly the same age take turns.
const STEPS: f64 = 10.0;

/// Calls in flight, counted against the share that the age of the connection gives.
pub(super) fn load(in_flight: usize, age: Duration, slow_start: Duration) -> f64 {
    let share = if slow_start.is_zero() {
        1.0
    } else {
        (age.as_secs_f64() / slow_start.as_secs_f64() * STEPS).floor() / STEPS
    };
    (in_flight as f64 + 1.0) / share.clamp(FIRST_SHARE, 1.0)
}
