//! Tasks of a connection, run in the task of the connection.

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{
    FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered, task::AtomicWaker,
};
use parking_lot::Mutex;

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
    new: Mutex<Vec<BoxFuture<'static, ()>>>,
    driver: AtomicWaker,
}

impl<F> hyper::rt::Executor<F> for Together
where
    F: Future + Send + 'static,
{
    fn execute(&self, task: F) {
        // A task that panics ends alone, as one of the runtime does.
        let alone = AssertUnwindSafe(task).catch_unwind().map(drop);
        self.0.new.lock().push(alone.boxed());
        self.0.driver.wake();
    }
}

type Tasks = FuturesUnordered<BoxFuture<'static, ()>>;

impl Together {
    /// Runs a connection and its tasks until the connection is at its end. Tasks
    /// that are left then, as calls that a server finishes while new ones go
    /// elsewhere, have a task of the runtime.
    pub async fn drive<C: Future>(self, connection: C) -> C::Output {
        let mut connection = pin!(connection);
        let mut tasks = Tasks::new();
        let ended = poll_fn(|cx| {
            self.0.driver.register(cx.waker());
            loop {
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    return Poll::Ready(ended);
                }
                if !self.step(&mut tasks, cx) {
                    return Poll::Pending;
                }
            }
        })
        .await;
        tasks.extend(self.take_new());
        if !tasks.is_empty() {
            tokio::spawn(async move { self.finish(tasks).await });
        }
        ended
    }

    async fn finish(&self, mut tasks: Tasks) {
        poll_fn(|cx| {
            self.0.driver.register(cx.waker());
            while self.step(&mut tasks, cx) {}
            if tasks.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn take_new(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut *self.0.new.lock())
    }

    /// Polls what is new or was woken; whether more came by that.
    fn step(&self, tasks: &mut Tasks, cx: &mut Context<'_>) -> bool {
        tasks.extend(self.take_new());
        while let Poll::Ready(Some(())) = tasks.poll_next_unpin(cx) {}
        !self.0.new.lock().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
