//! What the scenarios against a real Asterisk are made of: the PBX itself, callers and phones around it, and the
//! program under test.

pub mod asterisk;
pub mod conformance;
pub mod network;
pub mod patchcord;
pub mod proxy;
pub mod sipp;
pub mod softphone;

/// A plain HTTP client, for what must be seen as it comes over the wire.
pub fn http_client() -> reqwest::Client {
    // `reqwest` wants one even for clear text, and has none of its own here. Somebody may have set it before.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("TLS has a provider")
}
