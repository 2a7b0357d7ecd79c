//! Reading one message: parts, envelope, proof.
