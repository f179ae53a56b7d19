//! A future or a stream that runs within a span.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as Task, Poll},
};

use futures_util::Stream;
use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::Span;

pin_project! {
    /// Made by [`Span::run`].
    pub struct Traced<T> {
        span: Span,
        #[pin]
        inner: T,
    }
}

impl<T> Traced<T> {
    pub(super) fn new(span: Span, inner: T) -> Self {
        Self { span, inner }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _attached = this.span.0.clone().map(Context::attach);
        let polled = this.inner.poll(task);
        if polled.is_ready() {
            *this.span = Span::NONE;
        }
        polled
    }
}

impl<S: Stream> Stream for Traced<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let _attached = this.span.0.clone().map(Context::attach);
        let polled = this.inner.poll_next(task);
        if let Poll::Ready(None) = polled {
            *this.span = Span::NONE;
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
