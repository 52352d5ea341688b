//! TLS: whom we trust, and how we prove who we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::ClientConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio_rustls::rustls::{ConfigBuilder, ConfigSide, RootCertStore, WantsVerifier};

/// How TLS connections to Asterisk are checked. The default trusts the roots of this system.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A PEM file of further roots to trust, such as the one that signed Asterisk's own certificate.
    pub root: Option<PathBuf>,
    /// The certificate that we show, where the other end asks for one.
    pub identity: Option<Identity>,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// A PEM file: the certificate, and after it those between it and the root.
    pub certificate: PathBuf,
    /// A PEM file with the certificate's private key.
    pub key: PathBuf,
}

/// Why TLS cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read, or holds nothing of what it should.
    #[error(
        "{path} holds no usable {what}: {cause}; it must be a PEM file that this user can read"
    )]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for in it.
        what: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// This system has no roots, and no file of roots was given.
    #[error(
        "this system has no trusted roots ({0}); install its package ca-certificates, or name a PEM file of roots"
    )]
    NoRoots(String),
    /// The certificate and its key do not belong together, or are of a kind that is not supported.
    #[error("{path} cannot serve as a certificate: {cause}; does the key belong to it?")]
    Identity {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

impl Tls {
    /// What outgoing connections use. Reads files.
    pub(crate) fn client(&self) -> Result<ClientConfig, TlsError> {
        let system = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(system.certs);
        if let Some(path) = &self.root {
            add_roots(&mut roots, path)?;
        }
        if roots.is_empty() {
            let causes: Vec<_> = system.errors.iter().map(ToString::to_string).collect();
            return Err(TlsError::NoRoots(causes.join("; ")));
        }
        let builder = modern(ClientConfig::builder_with_provider(default_provider().into()))
            .with_root_certificates(roots);
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some(identity) => {
                let (chain, key) = identity.read()?;
                builder.with_client_auth_cert(chain, key).map_err(|error| identity.bad(error))
            }
        }
    }
}

impl Identity {
    /// What a listener uses. With `clients`, a PEM file of roots, it takes only clients that show a certificate
    /// signed by one of them. Reads files.
    pub(crate) fn server(&self, clients: Option<&Path>) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(default_provider());
        let builder = modern(ServerConfig::builder_with_provider(Arc::clone(&provider)));
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                add_roots(&mut roots, path)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .build()
                    .map_err(|error| bad_pem(path, ROOTS, &error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let (chain, key) = self.read()?;
        builder.with_single_cert(chain, key).map_err(|error| self.bad(error))
    }

    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| bad_pem(&self.key, "private key", &error))?;
        Ok((certificates(&self.certificate, "certificate")?, key))
    }

    fn bad(&self, error: tokio_rustls::rustls::Error) -> TlsError {
        TlsError::Identity { path: self.certificate.clone(), cause: error.to_string() }
    }
}

const ROOTS: &str = "root certificates";

fn modern<S: ConfigSide>(
    builder: ConfigBuilder<S, tokio_rustls::rustls::WantsVersions>,
) -> ConfigBuilder<S, WantsVerifier> {
    builder.with_safe_default_protocol_versions().expect("ring has suites for TLS 1.2 and 1.3")
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    for certificate in certificates(path, ROOTS)? {
        roots.add(certificate).map_err(|error| bad_pem(path, ROOTS, &error))?;
    }
    Ok(())
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
    match all {
        Ok(all) if all.is_empty() => Err(bad_pem(path, what, &"there is no certificate in it")),
        Ok(all) => Ok(all),
        Err(error) => Err(bad_pem(path, what, &error)),
    }
}

fn bad_pem(path: &Path, what: &'static str, cause: &dyn std::fmt::Display) -> TlsError {
    TlsError::Pem { path: path.to_owned(), what, cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_certificate_is_named() {
        let missing = Tls { root: Some("/nowhere/root.pem".into()), identity: None };
        let error = missing.client().unwrap_err();
        assert!(matches!(error, TlsError::Pem { what: ROOTS, .. }), "{error:?}");
        assert!(error.to_string().contains("/nowhere/root.pem"), "{error}");

        let empty = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).to_owned();
        let identity = Identity { certificate: empty.clone(), key: empty.clone() };
        let error = identity.server(None).unwrap_err();
        assert!(matches!(error, TlsError::Pem { what: "private key", .. }), "{error:?}");
        let error = certificates(&empty, "certificate").unwrap_err();
        assert!(error.to_string().contains("there is no certificate in it"), "{error}");
    }
}
