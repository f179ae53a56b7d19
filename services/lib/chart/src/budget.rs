//! What a rendering may cost.

use std::cell::Cell;

use crate::fault::Fault;

/// Limits of a chart and its renderings. The defaults are far above what charts
/// need; an embedder lowers them where templates are not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file of a chart.
    pub file_bytes: usize,
    /// Bytes of one text: what a template or a function makes.
    pub text_bytes: usize,
    /// Bytes of all that templates print in one rendering.
    pub output_bytes: usize,
    /// Steps of one rendering. A node, a call, a round of a loop, an element that is
    /// copied and 64 bytes of text are a step each.
    pub steps: usize,
    /// Templates, blocks, parentheses and levels of values in each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 20,
            text_bytes: 4 << 20,
            output_bytes: 16 << 20,
            steps: 10_000_000,
            depth: 5_000,
        }
    }
}

/// What is left of the limits.
pub(crate) struct Budget {
    limits: Limits,
    steps: Cell<usize>,
    output: Cell<usize>,
    depth: Cell<usize>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            steps: Cell::new(limits.steps),
            output: Cell::new(limits.output_bytes),
            depth: Cell::new(limits.depth),
        }
    }

    /// Pays for steps.
    ///
    /// # Errors
    /// Too many of them.
    pub(crate) fn spend(&self, steps: usize) -> Result<(), Fault> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => {
                self.steps.set(0);
                Err(Fault::limit(format!("{} steps", self.limits.steps)))
            }
        }
    }

    /// Pays for a text of so many bytes, before it is made.
    ///
    /// # Errors
    /// The text is too long, or there were too many of them.
    pub(crate) fn text(&self, bytes: usize) -> Result<(), Fault> {
        self.grow(0, bytes)
    }

    /// Pays for what a text grows by.
    ///
    /// # Errors
    /// The text would be too long, or there were too many of them.
    pub(crate) fn grow(&self, bytes: usize, by: usize) -> Result<(), Fault> {
        let most = self.limits.text_bytes;
        if bytes.saturating_add(by) > most {
            return Err(Fault::limit(format!("{most} bytes of a text")));
        }
        self.spend(1 + by / 64)
    }

    /// Pays for what is printed for good.
    ///
    /// # Errors
    /// Too much of it.
    pub(crate) fn print(&self, bytes: usize) -> Result<(), Fault> {
        match self.output.get().checked_sub(bytes) {
            Some(left) => {
                self.output.set(left);
                Ok(())
            }
            None => Err(Fault::limit(format!(
                "{} bytes of output",
                self.limits.output_bytes
            ))),
        }
    }

    /// One level down, for as long as the result lives.
    ///
    /// # Errors
    /// Too deep.
    pub(crate) fn deeper(&self) -> Result<Level<'_>, Fault> {
        match self.depth.get().checked_sub(1) {
            Some(left) => {
                self.depth.set(left);
                Ok(Level(&self.depth))
            }
            None => Err(Fault::limit(format!(
                "{} templates, blocks or values in each other",
                self.limits.depth
            ))),
        }
    }
}

pub(crate) struct Level<'a>(&'a Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}
