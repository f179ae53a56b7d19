//! Answers from the items of a stream.

use catena_objects::Status;
use catena_proto::delegate::v1::{ServeItem, serve_item::Item};
use futures_util::{StreamExt as _, stream};
use tonic::Streaming;

use crate::{Body, Outcome, wire};

/// `first` has been read from `items` already.
pub(super) async fn from_items(
    first: Option<ServeItem>,
    mut items: Streaming<ServeItem>,
    peer: &str,
) -> Result<Outcome, Status> {
    let head = match first.and_then(|i| i.item) {
        Some(Item::NotMine(_)) => {
            end(&mut items).await;
            return Ok(Outcome::NotMine);
        }
        Some(Item::Head(head)) => head,
        _ => {
            return Err(Status::internal(format_args!(
                "{peer}: an answer without a head"
            )));
        }
    };
    let body = if head.whole {
        end(&mut items).await;
        Body::Full(head.data)
    } else {
        let peer = peer.to_owned();
        let first = (!head.data.is_empty()).then_some(Ok(head.data));
        let rest = stream::unfold(Some(items), move |items| {
            let peer = peer.clone();
            async move {
                let mut items = items?;
                match items.message().await {
                    Ok(Some(ServeItem {
                        item: Some(Item::Data(b)),
                    })) => Some((Ok(b), Some(items))),
                    Ok(Some(_)) => Some((
                        Err(Status::internal(format_args!(
                            "{peer}: an item of a body is no data"
                        ))),
                        None,
                    )),
                    Ok(None) => None,
                    Err(e) => Some((Err(wire::status_from(&e, &peer)), None)),
                }
            }
        });
        Body::Stream(stream::iter(first).chain(rest).boxed())
    };
    wire::head_from(head.head, body)
        .map(Outcome::Served)
        .map_err(Status::internal)
}

/// Reads the end of a stream, so that it closes and is not reset.
async fn end(items: &mut Streaming<ServeItem>) {
    if let Ok(Some(_)) = items.message().await {
        tracing::warn!("a delegate sent more than it announced");
    }
}
