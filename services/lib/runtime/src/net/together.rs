//! Tasks of a connection, run in the task of the connection.

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::{
    FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered, task::AtomicWaker,
};
use parking_lot::Mutex;

/// Times that the connection is polled before other tasks of the runtime have
/// their turn.
const TURNS: usize = 8;
/// Times that the tasks are asked who was woken before the connection writes
/// what they have to say.
const ROUNDS: usize = 64;

/// An executor for the tasks of one HTTP/2 connection.
///
/// hyper has a task for each stream beside that of the connection. A request is
/// then two or three trips through the scheduler, and an event to 200 watches on
/// a connection wakes 200 tasks, each of which takes the lock of the connection
/// and wakes it again. Here a stream that is woken is an entry in a queue of the
/// connection's own task, and what all of them have to say goes out together.
///
/// What a stream does holds up the others of its connection: work that takes
/// long belongs in a task of its own.
#[derive(Clone, Default)]
pub struct Together(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Its turn comes after the tasks of the runtime that are ready.
    last: bool,
    new: Mutex<Vec<BoxFuture<'static, ()>>>,
    connection: Arc<Bell>,
    tasks: Arc<Bell>,
}

/// A waker that only notes that it was woken while the one that it wakes runs:
/// streams and their connection wake each other all the time.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    /// Whoever it wakes looks at `rung` before it pauses.
    watched: AtomicBool,
    driver: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In one order with `watch` and `answered`: either this sees that nobody
        // watches, or the one that stops watching sees the ring.
        self.rung.store(true, SeqCst);
        if !self.watched.load(SeqCst) {
            self.driver.wake();
        }
    }
}

impl Bell {
    /// Whether it rang since it was asked last.
    fn answered(&self) -> bool {
        self.rung.load(SeqCst) && self.rung.swap(false, SeqCst)
    }

    fn watch(&self, cx: &Context<'_>) {
        self.driver.register(cx.waker());
        self.watched.store(true, SeqCst);
    }

    fn leave(&self) {
        self.watched.store(false, SeqCst);
    }

    fn is_rung(&self) -> bool {
        self.rung.load(SeqCst)
    }
}

impl<F> hyper::rt::Executor<F> for Together
where
    F: Future + Send + 'static,
{
    fn execute(&self, task: F) {
        // A task that panics ends alone, as one of the runtime does. The runtime's
        // budget is the connection's: with one for all, a hundred streams would
        // use it up and be asked in vain.
        let alone = AssertUnwindSafe(task).catch_unwind().map(drop);
        let alone = tokio::task::unconstrained(alone);
        self.0.new.lock().push(alone.boxed());
        self.0.tasks.wake_by_ref();
    }
}

type Tasks = FuturesUnordered<BoxFuture<'static, ()>>;

impl Together {
    /// For a connection to what takes a few requests at once for less than one
    /// after the other, as a store that makes writes durable: all tasks that are
    /// ready say what they want before any of it is sent.
    pub fn after_others() -> Self {
        Self(Arc::new(Shared {
            last: true,
            ..Shared::default()
        }))
    }

    /// Runs a connection and its tasks until the connection is at its end. Tasks
    /// that are left then, as calls that a server finishes while new ones go
    /// elsewhere, have a task of the runtime.
    pub async fn drive<C: Future>(self, connection: C) -> C::Output {
        self.0.connection.rung.store(true, SeqCst);
        let mut connection = pin!(connection);
        let mut tasks = Tasks::new();
        let mut due = false;
        let ended = poll_fn(|cx| {
            due = self.0.last && !due;
            if due {
                // Who wakes itself while it runs has its turn after the others.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.poll(&mut connection, &mut tasks, cx)
        })
        .await;
        if !tasks.is_empty() || !self.0.new.lock().is_empty() {
            tokio::spawn(async move {
                let mut nothing = std::future::pending::<()>();
                poll_fn(|cx| {
                    let ended = self.poll(&mut Pin::new(&mut nothing), &mut tasks, cx);
                    if tasks.is_empty() {
                        return Poll::Ready(());
                    }
                    ended
                })
                .await;
            });
        }
        ended
    }

    fn poll<C: Future>(
        &self,
        connection: &mut Pin<&mut C>,
        tasks: &mut Tasks,
        cx: &Context<'_>,
    ) -> Poll<C::Output> {
        let bells = [&self.0.connection, &self.0.tasks];
        bells.iter().for_each(|bell| bell.watch(cx));
        let waker = Waker::from(self.0.connection.clone());
        for _ in 0..TURNS {
            if self.0.connection.answered() {
                let polled = connection.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() {
                    return polled;
                }
            }
            self.step(tasks);
            if !bells.iter().any(|bell| bell.is_rung()) {
                break;
            }
        }
        bells.iter().for_each(|bell| bell.leave());
        // What rang before that has woken nobody.
        if bells.iter().any(|bell| bell.is_rung()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Polls the tasks that are new or were woken, until none is.
    fn step(&self, tasks: &mut Tasks) {
        let waker = Waker::from(self.0.tasks.clone());
        let mut cx = Context::from_waker(&waker);
        for _ in 0..ROUNDS {
            // A stream that wakes itself makes the set of tasks pause, which is a ring.
            let _ = self.0.tasks.answered();
            tasks.extend(std::mem::take(&mut *self.0.new.lock()));
            while let Poll::Ready(Some(())) = tasks.poll_next_unpin(&mut cx) {}
            if !self.0.tasks.is_rung() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, time::Duration};

    use hyper::rt::Executor as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn tasks_run_while_the_connection_does() {
        let together = Together::default();
        let (tx, rx) = oneshot::channel();
        let inner = together.clone();
        together.execute(async move {
            inner.execute(async move { tx.send(7).expect("somebody waits") });
        });
        assert_eq!(together.drive(rx).await, Ok(7));
    }

    #[tokio::test]
    async fn a_task_that_comes_from_elsewhere_is_run() {
        let together = Together::default();
        let (tx, rx) = oneshot::channel();
        let elsewhere = together.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            elsewhere.execute(async move {
                {
                    let _ = tx.send(());
                }
            });
        });
        assert_eq!(together.drive(rx).await, Ok(()));
    }

    #[tokio::test]
    async fn a_panic_ends_one_task() {
        let together = Together::default();
        let (tx, rx) = oneshot::channel();
        together.execute(async { panic!("on purpose") });
        together.execute(async move {
            {
                let _ = tx.send(());
            }
        });
        assert_eq!(together.drive(rx).await, Ok(()));
    }

    /// Wakes itself and is asked again, as streams do that ask for room.
    async fn again() {
        let mut asked = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// What 300 streams say at once, each of which wakes itself on the way, is
    /// written by one poll of the connection.
    #[tokio::test]
    async fn the_connection_hears_all_at_once() {
        let (tell, told) = tokio::sync::watch::channel(false);
        let together = Together::default();
        let (said, line) = (Arc::new(AtomicUsize::new(0)), Arc::<AtomicWaker>::default());
        for _ in 0..300 {
            let (mut told, said, line) = (told.clone(), said.clone(), line.clone());
            together.execute(async move {
                told.changed().await.expect("it is told");
                again().await;
                said.fetch_add(1, SeqCst);
                line.wake();
            });
        }
        let heard = Mutex::new(Vec::new());
        let connection = poll_fn(|cx| {
            line.register(cx.waker());
            let so_far = said.load(SeqCst);
            heard.lock().push(so_far);
            if so_far < 300 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        });
        let teller = async {
            tokio::task::yield_now().await;
            tell.send_replace(true);
        };
        tokio::join!(together.drive(connection), teller);
        assert_eq!(*heard.lock(), [0, 300]);
    }

    #[tokio::test]
    async fn tasks_may_outlive_the_connection() {
        let together = Together::default();
        let (go, wait) = oneshot::channel::<()>();
        let (tx, rx) = oneshot::channel();
        together.execute(async move {
            wait.await.expect("told to go on");
            let _ = tx.send(());
        });
        together.drive(tokio::task::yield_now()).await;
        go.send(()).expect("it waits");
        assert_eq!(rx.await, Ok(()));
    }
}
