//! The bucket and the keys: segments, key pages, keyring, log objects.
