//! A delegate of the chain, with what it last said about itself.

use std::{sync::Arc, time::Duration};

use catena_delegate::{Delegate, Description};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Pause before a lost description is asked for again.
const AGAIN: Duration = Duration::from_millis(5);
const AGAIN_AT_MOST: Duration = Duration::from_secs(2);

/// One delegate. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) delegate: Arc<dyn Delegate>,
    state: watch::Receiver<State>,
}

/// What is known of a delegate.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// The last description; kept while the delegate cannot be reached.
    pub(crate) description: Option<Arc<Description>>,
    pub(crate) reachable: bool,
}

impl Link {
    /// Starts to follow the delegate's description until `stop`.
    pub(crate) fn new(
        name: &'static str,
        delegate: Arc<dyn Delegate>,
        stop: CancellationToken,
    ) -> Self {
        let (tx, state) = watch::channel(State::default());
        let source = delegate.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follow(name, source, tx) => {}
            }
        });
        Self {
            name,
            delegate,
            state,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Changes of the description, and of whether the delegate is reached.
    pub(crate) fn changes(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Whether the delegate said that the path is its own.
    pub(crate) fn claims(&self, path: &str) -> bool {
        let state = self.state.borrow();
        let Some(description) = &state.description else {
            return false;
        };
        description.prefixes.iter().any(|prefix| {
            path.strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

async fn follow(name: &'static str, delegate: Arc<dyn Delegate>, tx: watch::Sender<State>) {
    let mut pause = AGAIN;
    loop {
        let mut stream = delegate.describe();
        while let Some(item) = stream.next().await {
            match item {
                Ok(description) => {
                    pause = AGAIN;
                    tx.send_replace(State {
                        description: Some(Arc::new(description)),
                        reachable: true,
                    });
                }
                Err(e) => {
                    tracing::debug!(delegate = name, error = %e.message, "description was lost");
                    break;
                }
            }
        }
        tx.send_modify(|s| s.reachable = false);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_AT_MOST);
    }
}
