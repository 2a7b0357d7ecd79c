//! Where an S3 bucket and the objects in it are.

use crate::base::config;

#[derive(Clone, Debug)]
pub struct Address {
    /// As `http://s3.example/bucket` or `https://bucket.s3.example`.
    base: String,
    prefix: String,
    bucket: String,
    endpoint: String,
}

impl Address {
    pub fn new(config: &config::Bucket) -> Self {
        let endpoint = config.endpoint.trim_end_matches('/').to_owned();
        let bucket = config.name.clone();
        let base = match (config.path_style, endpoint.split_once("://")) {
            (false, Some((scheme, host))) => format!("{scheme}://{bucket}.{host}"),
            _ => format!("{endpoint}/{bucket}"),
        };
        let prefix = match config.prefix.is_empty() {
            true => String::new(),
            false => format!("{}/", config.prefix),
        };
        Self { base, prefix, bucket, endpoint }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The key of an object by its name in the archive.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The name in the archive, of a key that is below the prefix.
    pub fn name<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.prefix)
    }

    /// The URL of a key (of the bucket, where it is empty) with a query. Keys are
    /// of letters, digits and `/.-_` only, as names and prefixes are.
    pub fn url(&self, key: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}/{key}", self.base);
        for (at, (name, value)) in query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            escape(value.as_bytes(), &mut url);
        }
        url
    }
}

/// RFC 3986 section 2.3: all but the unreserved is escaped, as the signature has it.
pub(super) fn escape(value: &[u8], out: &mut String) {
    for &byte in value {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() {
        let mut config = config::Bucket {
            endpoint: "https://s3.example:9000/".into(),
            name: "mail".into(),
            prefix: "a/b".into(),
            ..config::Bucket::default()
        };
        let address = Address::new(&config);
        let key = address.key("seg/x");
        assert_eq!(key, "a/b/seg/x");
        assert_eq!(address.name(&key), Some("seg/x"));
        assert_eq!(address.name("c/seg/x"), None);
        let url = address.url(&key, &[("versions", ""), ("prefix", "a/b +")]);
        assert_eq!(url, "https://s3.example:9000/mail/a/b/seg/x?versions=&prefix=a%2Fb%20%2B");
        config.path_style = false;
        assert_eq!(Address::new(&config).url("", &[]), "https://mail.s3.example:9000/");
    }
}
