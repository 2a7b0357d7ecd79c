//! Message sets: what makes two messages the same to a reader.
