//! Limited child processes that parse what strangers sent.
