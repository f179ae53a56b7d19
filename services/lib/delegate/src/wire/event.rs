//! Events of a watch.

use catena_proto::delegate::v1 as pb;

use crate::{Event, EventKind};

pub(crate) fn events_to(events: Vec<Event>) -> pb::Events {
    let events = events.into_iter().map(|e| pb::Event {
        revision: e.revision,
        kind: match e.kind {
            EventKind::Change => pb::event::Kind::Change,
            EventKind::Bookmark => pb::event::Kind::Bookmark,
            EventKind::InitialEnd => pb::event::Kind::InitialEnd,
            EventKind::Error => pb::event::Kind::Error,
        }
        .into(),
        frame: e.frame,
    });
    pb::Events {
        events: events.collect(),
    }
}

pub(crate) fn events_from(events: pb::Events) -> Vec<Event> {
    let events = events.events.into_iter().map(|e| Event {
        kind: match e.kind() {
            pb::event::Kind::Change => EventKind::Change,
            pb::event::Kind::Bookmark => EventKind::Bookmark,
            pb::event::Kind::InitialEnd => EventKind::InitialEnd,
            pb::event::Kind::Error => EventKind::Error,
        },
        revision: e.revision,
        frame: e.frame,
    });
    events.collect()
}
