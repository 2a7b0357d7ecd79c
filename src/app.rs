//! Choosing implementations and starting the process: the composition root.
