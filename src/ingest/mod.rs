//! Deliveries in: sources, sealing, commit, and the followers behind it.
