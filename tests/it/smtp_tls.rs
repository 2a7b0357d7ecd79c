//! STARTTLS: what is forgotten, what is refused, and who a client is.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::smtp::client;
use crate::support::dialogue::Client;
use crate::support::mail_server::{JOURNAL, MailServer, tls_file};

type Tls = StreamOwned<ClientConnection, std::net::TcpStream>;

/// Shakes hands on a connection that was answered 220 to STARTTLS.
fn handshake(client: Client, identity: Option<&str>) -> Tls {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(tls_file("ca.pem")).unwrap()).unwrap();
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(verifier.unwrap());
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = CertificateDer::from_pem_file(tls_file(&format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(tls_file(&format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    let name = "server.test".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, client.into_stream())
}

fn ask(tls: &mut Tls, command: &str) -> String {
    tls.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut reply = Vec::new();
    loop {
        let mut byte = [0];
        tls.read_exact(&mut byte).unwrap();
        reply.push(byte[0]);
        if byte[0] == b'\n' {
            let line = String::from_utf8(std::mem::take(&mut reply)).unwrap();
            if line.as_bytes()[3] != b'-' {
                return line;
            }
        }
    }
}

fn start_tls(address: SocketAddr, identity: Option<&str>) -> Tls {
    let mut client = Client::connect(address);
    client.reply();
    assert!(client.ask("EHLO client.test").starts_with("250"));
    assert!(client.ask("STARTTLS").starts_with("220"));
    let mut tls = handshake(client, identity);
    assert!(ask(&mut tls, "EHLO client.test").starts_with("250"));
    tls
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_over_tls_says_so() {
    let server = MailServer::start("tls = required").await;
    let address = server.address;
    client(move || {
        let mut tls = start_tls(address, None);
        assert!(ask(&mut tls, "STARTTLS").starts_with("503"));
        assert!(ask(&mut tls, "MAIL FROM:<>").starts_with("250"));
        assert!(ask(&mut tls, &format!("RCPT TO:<{JOURNAL}>")).starts_with("250"));
        assert!(ask(&mut tls, "DATA").starts_with("354"));
        assert!(ask(&mut tls, "over TLS\r\n.").starts_with("250 2.0.0"));
        assert!(ask(&mut tls, "QUIT").starts_with("221"));
    })
    .await;
    let kept = server.deliveries().await;
    assert_eq!(kept[0].1, b"over TLS\r\n");
    let tls = kept[0].0.tls.clone().unwrap();
    assert!(tls.starts_with("TLSv1.3 TLS_"), "{tls}");
}

/// CVE-2011-0411 and its many kin: what was sent in plain text behind STARTTLS
/// must not be obeyed as if it had come over TLS.
#[tokio::test(flavor = "multi_thread")]
async fn plaintext_behind_starttls_is_discarded() {
    let server = MailServer::start("tls = required").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.reply();
        client.ask("EHLO client.test");
        let injected = format!(
            "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<{JOURNAL}>\r\nDATA\r\n"
        );
        client.send(injected.as_bytes());
        assert!(client.reply().starts_with("220 2.0.0"));
        let mut tls = handshake(client, None);
        // Neither the injected commands nor the EHLO before TLS are known.
        assert!(ask(&mut tls, "NOOP").starts_with("250 2.0.0 OK"));
        assert!(ask(&mut tls, "MAIL FROM:<>").starts_with("503"));
        assert!(ask(&mut tls, "EHLO client.test").starts_with("250"));
        assert!(ask(&mut tls, "DATA").starts_with("503"));
    })
    .await;
    assert!(server.kept().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn source_is_known_by_its_client_certificate() {
    for authority in [false, true] {
        let server = MailServer::start_with("tls = optional", |config| {
            config.smtp.tls_client_ca = authority.then(|| tls_file("ca.pem"));
        })
        .await;
        let address = server.address;
        client(move || {
            for (identity, answer) in [
                (Some("client"), "250 2.1.5"),
                (Some("stranger"), "550 5.7.1"),
                (None, "550 5.7.1"),
            ] {
                let mut tls = start_tls(address, identity);
                assert!(ask(&mut tls, "MAIL FROM:<>").starts_with("250"));
                let reply = ask(&mut tls, "RCPT TO:<pinned@archive.example>");
                assert!(reply.starts_with(answer), "{identity:?}: {reply}");
                // A certificate that proves nothing does no harm either.
                let reply = ask(&mut tls, "RSET\r\nMAIL FROM:<>\r\nNOOP");
                assert!(reply.starts_with("250"));
            }
        })
        .await;
        server.kept().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tls_1_2_and_later_is_spoken() {
    let server = MailServer::start("tls = optional").await;
    let port = server.address.port();
    client(move || {
        for (version, is_spoken) in
            [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)]
        {
            let output = Command::new("openssl")
                .args(["s_client", "-starttls", "smtp", "-connect"])
                .arg(format!("127.0.0.1:{port}"))
                .args([version, "-cipher", "DEFAULT@SECLEVEL=0"])
                .stdin(Stdio::null())
                .output()
                .expect("openssl is installed");
            let said = String::from_utf8_lossy(&output.stdout);
            let has_session = said.contains("BEGIN CERTIFICATE");
            assert_eq!(has_session, is_spoken, "{version}: {said}");
        }
    })
    .await;
    server.kept().await;
}
