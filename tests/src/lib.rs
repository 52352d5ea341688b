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
    // A client asks for it though it never uses it; somebody may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("clear text needs nothing")
}
