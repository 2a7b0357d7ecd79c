//! STARTTLS: TLS 1.2 and later, and who the client is by its certificate.
//!
//! A client certificate never makes a handshake fail: mail systems show one to
//! every server that asks, and refusing it would lose their mail. It only
//! counts, as the SHA-256 of its DER form, when `ingest` asks who the peer is.
//! The handshake proves that the client holds its key. Where authorities are
//! configured it must also chain to one of them and be in date; where none are,
//! sources pin certificates by digest and that is all that is checked.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, ServerConnection,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::SmtpError;
use crate::base::clock::Timestamp;
use crate::base::config::{Config, StartTls};
use crate::base::hash::Digest;

/// What is known of a peer after its handshake.
#[derive(Clone, Debug)]
pub(super) struct Secured {
    /// As `TLSv1.3 TLS_AES_256_GCM_SHA384`.
    pub(super) text: String,
    pub(super) certificate: Option<Digest>,
}

pub(super) struct Tls {
    acceptor: TlsAcceptor,
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

impl Tls {
    pub(super) fn load(config: &Config) -> Result<Option<Self>, SmtpError> {
        let smtp = &config.smtp;
        if smtp.tls == StartTls::Off {
            return Ok(None);
        }
        let (Some(certificate), Some(key)) = (&smtp.tls_certificate, &smtp.tls_key) else {
            return Err(SmtpError::TlsFilesMissing);
        };
        let chain = certificates("smtp.tls_certificate", certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| SmtpError::TlsFile {
            key: "smtp.tls_key",
            path: key.clone(),
            source,
        })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let authorities = match &smtp.tls_client_ca {
            Some(path) => Some(authorities(path, &provider)?),
            None => None,
        };
        let pins = config.source.iter().any(|source| !source.client_certificates.is_empty());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(SmtpError::TlsPair)?;
        let builder = if pins || authorities.is_some() {
            let hints = match &authorities {
                Some(authorities) => authorities.root_hint_subjects().to_vec(),
                None => Vec::new(),
            };
            let algorithms = provider.signature_verification_algorithms;
            builder.with_client_cert_verifier(Arc::new(AskOnly { hints, algorithms }))
        } else {
            builder.with_no_client_auth()
        };
        let server = builder.with_single_cert(chain, key).map_err(SmtpError::TlsPair)?;
        Ok(Some(Self { acceptor: TlsAcceptor::from(Arc::new(server)), authorities }))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    pub(super) fn secured(&self, connection: &ServerConnection, now: Timestamp) -> Secured {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        let suite = suite.and_then(|suite| suite.as_str()).unwrap_or("unknown");
        // rustls writes the version into the names of TLS 1.3's suites.
        let text = format!("{version} {}", suite.replacen("TLS13_", "TLS_", 1));
        Secured { text, certificate: self.certificate(connection.peer_certificates(), now) }
    }

    fn certificate(&self, chain: Option<&[CertificateDer<'_>]>, now: Timestamp) -> Option<Digest> {
        let (own, intermediates) = chain?.split_first()?;
        if !can_prove(own) {
            tracing::info!("a client certificate is not of X.509 version 3, and proves nothing");
            return None;
        }
        if let Some(authorities) = &self.authorities {
            let seconds = u64::try_from(now.seconds()).ok()?;
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            if let Err(error) = authorities.verify_client_cert(own, intermediates, now) {
                tracing::info!(%error, "a client certificate is not of a configured authority");
                return None;
            }
        }
        Some(Digest::of(own))
    }
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SmtpError> {
    let failed = |source| SmtpError::TlsFile { key, path: path.to_owned(), source };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    if chain.is_empty() {
        return Err(failed(rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(chain)
}

fn authorities(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, SmtpError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("smtp.tls_client_ca", path)?);
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| SmtpError::TlsClientCa { path: path.to_owned() })
}

/// Whether a signature can be checked by it: what is older than version 3 of X.509 is not
/// read by what checks them. Its connection goes on, as one without a certificate.
fn can_prove(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok()
}

/// Asks for a client certificate, checks that its key signed the handshake, and
/// leaves whose it is to [`Tls::certificate`].
#[derive(Debug)]
struct AskOnly {
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AskOnly {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if !can_prove(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if !can_prove(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
