//! Notices by mail, through the relay that the configuration names.

use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::base::config::{Post, PostTls};
use crate::base::limits::POST_SECONDS;

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("[post] {key}: {what}")]
    Setting { key: &'static str, what: String },
    #[error("make the notice")]
    Make(#[source] lettre::error::Error),
    #[error("send the notice by the relay {relay}")]
    Send { relay: String, source: lettre::transport::smtp::Error },
}

/// A notice with files.
pub struct Notice<'a> {
    pub to: &'a [String],
    pub subject: String,
    pub text: String,
    /// Name, media type and bytes of each.
    pub files: Vec<(String, &'static str, Vec<u8>)>,
}

/// Sends it in one transaction to all.
pub async fn send(post: &Post, notice: Notice<'_>) -> Result<(), MailError> {
    let message = made(post, notice)?;
    let relay = relay(post)?;
    let failed = |source| MailError::Send { relay: post.relay.clone(), source };
    relay.send(message).await.map(|_| ()).map_err(failed)
}

fn made(post: &Post, notice: Notice<'_>) -> Result<Message, MailError> {
    let mut builder = Message::builder()
        .from(mailbox("from", &post.from)?)
        .subject(notice.subject)
        // RFC 3834 section 5: nobody's absence notice answers it.
        .raw_header(lettre::message::header::HeaderValue::new(
            lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .message_id(Some(format!("<{}@{}>", uuid::Uuid::now_v7().simple(), domain(&post.from))));
    for to in notice.to {
        builder = builder.to(mailbox("to", to)?);
    }
    let mut parts = MultiPart::mixed().singlepart(SinglePart::plain(notice.text));
    for (name, kind, bytes) in notice.files {
        let kind = ContentType::parse(kind).expect("the media types here are valid");
        // Byte for byte, whatever a relay does to lines.
        let body = Body::new_with_encoding(bytes, ContentTransferEncoding::Base64);
        let body = body.expect("base64 carries any bytes");
        parts = parts.singlepart(Attachment::new(name).body(body, kind));
    }
    builder.multipart(parts).map_err(MailError::Make)
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

fn mailbox(key: &'static str, address: &str) -> Result<Mailbox, MailError> {
    let wrong = |_| MailError::Setting { key, what: format!("{address:?} is not a mail address") };
    address.parse().map_err(wrong)
}

fn relay(post: &Post) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let (host, port) = post.host_and_port();
    let mut relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .timeout(Some(Duration::from_secs(POST_SECONDS)));
    if post.tls != PostTls::Off {
        let mut parameters = TlsParameters::builder(host.to_owned());
        if let Some(path) = &post.ca_file {
            let wrong = |what: String| MailError::Setting { key: "ca_file", what };
            let pem = std::fs::read(path)
                .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
            let added = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
            parameters = parameters.add_root_certificate(added);
        }
        let failed = |source| MailError::Send { relay: post.relay.clone(), source };
        let parameters = parameters.build().map_err(failed)?;
        relay = relay.tls(match post.tls {
            PostTls::Implicit => Tls::Wrapper(parameters),
            _ => Tls::Required(parameters),
        });
    }
    if let Some(path) = &post.credentials {
        relay = relay.credentials(credentials(path)?);
    }
    Ok(relay.build())
}

/// A file of two lines: the name and the password.
fn credentials(path: &std::path::Path) -> Result<Credentials, MailError> {
    let wrong = |what: String| MailError::Setting { key: "credentials", what };
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some(name), Some(password)) if !name.is_empty() => {
            Ok(Credentials::new(name.to_owned(), password.to_owned()))
        }
        _ => Err(wrong(format!(
            "{} does not have a line with the name and one with the password",
            path.display()
        ))),
    }
}
