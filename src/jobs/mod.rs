//! Durable jobs and the followers' runner.
