//! Watches that end when their definition changes or goes.

use std::{sync::Arc, time::Duration};

use catena_delegate::{Body, EventStream, Response};
use futures_util::{StreamExt, future::BoxFuture, stream};

use crate::{catalog::Catalog, entry::Entry};

/// Events that are on their way when the definition goes are still sent.
const LAST_EVENTS: Duration = Duration::from_millis(100);

struct Watch {
    events: EventStream,
    /// Until the definition is another one.
    while_same: Option<BoxFuture<'static, ()>>,
}

/// Ends a watch with its definition: clients come back and get what is served then.
pub(crate) fn end_with(catalog: &Arc<Catalog>, entry: &Entry, response: &mut Response) {
    let Body::Events(events) = &mut response.body else {
        return;
    };
    let events = std::mem::replace(events, stream::empty().boxed());
    let watch = Watch {
        events,
        while_same: Some(Box::pin(until_changed(catalog.clone(), entry))),
    };
    response.body = Body::Events(stream::unfold(watch, next).boxed());
}

fn until_changed(catalog: Arc<Catalog>, entry: &Entry) -> impl Future<Output = ()> + use<> {
    let (name, uid, generation) = (entry.name.clone(), entry.uid.clone(), entry.generation);
    let accepted = entry.accepted.clone();
    async move {
        let mut changes = catalog.changes();
        let same =
            |e: Arc<Entry>| e.uid == uid && e.generation == generation && e.accepted == accepted;
        while catalog.get(&name).is_some_and(same) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

type Item = <EventStream as futures_util::Stream>::Item;

async fn next(mut watch: Watch) -> Option<(Item, Watch)> {
    if let Some(same) = &mut watch.while_same {
        tokio::select! {
            biased;
            event = watch.events.next() => return Some((event?, watch)),
            () = same => watch.while_same = None,
        }
    }
    let event = tokio::time::timeout(LAST_EVENTS, watch.events.next()).await;
    Some((event.ok()??, watch))
}
