//! Signature Version 4 of AWS, in the query of a URL.
//!
//! From "Create a signed AWS API request" (IAM user guide). The URL that comes out is a credential for five minutes: it is used once, and
//! no log or error has it.

use ring::{digest, hmac};
use url::Url;

use super::config::AwsKeys;
use super::utc::Utc;

/// Seconds for which the signature is good.
const EXPIRES: &str = "300";
/// Of no payload.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// `url` with `parameters` and a signature for a `GET` without payload.
pub(super) fn presign(
    url: &Url,
    parameters: &[(&str, &str)],
    keys: &AwsKeys,
    region: &str,
    service: &str,
    now: &Utc,
) -> Url {
    let request = Request { path: url.path(), parameters, payload: EMPTY, expires: EXPIRES };
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, None) => host.to_owned(),
        (host, Some(port)) => format!("{host}:{port}"),
    };
    let query = request.sign(&host, keys, region, service, &now.basic());
    let mut signed = url.clone();
    signed.set_query(Some(&query));
    signed
}

/// What is signed.
struct Request<'a> {
    path: &'a str,
    parameters: &'a [(&'a str, &'a str)],
    payload: &'a str,
    expires: &'a str,
}

impl Request<'_> {
    /// The query, with its signature. `time` is as in `20130524T000000Z`.
    fn sign(&self, host: &str, keys: &AwsKeys, region: &str, service: &str, time: &str) -> String {
        let date = time.split('T').next().unwrap_or_default();
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let credential = format!("{}/{scope}", keys.access_key_id.expose());
        let mut query = vec![
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", time),
            ("X-Amz-Expires", self.expires),
            ("X-Amz-SignedHeaders", "host"),
        ];
        if let Some(token) = &keys.session_token {
            query.push(("X-Amz-Security-Token", token.expose()));
        }
        query.extend_from_slice(self.parameters);
        query.sort_unstable();
        let query: Vec<_> =
            query.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let query = query.join("&");
        let canonical =
            format!("GET\n{}\n{query}\nhost:{host}\n\nhost\n{}", self.path, self.payload);
        let digest = digest::digest(&digest::SHA256, canonical.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(digest.as_ref()));
        let mut key = mac(format!("AWS4{}", keys.secret.expose()).as_bytes(), date);
        for part in [region, service, "aws4_request"] {
            key = mac(key.as_ref(), part);
        }
        format!("{query}&X-Amz-Signature={}", hex(mac(key.as_ref(), &text).as_ref()))
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All but the unreserved characters of RFC 3986, section 2.3, in their percent-encoded form.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    /// The example of "Authenticating Requests: Using Query Parameters" in the S3 API reference.
    #[test]
    fn the_signature_is_the_one_of_the_manual() {
        let keys = AwsKeys {
            access_key_id: Key::from("AKIAIOSFODNN7EXAMPLE"),
            secret: Key::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        };
        let request = Request {
            path: "/test.txt",
            parameters: &[],
            payload: "UNSIGNED-PAYLOAD",
            expires: "86400",
        };
        let host = "examplebucket.s3.amazonaws.com";
        let query = request.sign(host, &keys, "us-east-1", "s3", "20130524T000000Z");
        let signature = query.split("X-Amz-Signature=").nth(1).unwrap();
        assert_eq!(signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    }

    #[test]
    fn a_url_keeps_its_host_and_port() {
        let keys = AwsKeys {
            access_key_id: Key::from("id"),
            secret: Key::from("secret"),
            session_token: Some(Key::from("to/ken")),
        };
        let url = Url::parse("wss://transcribe.example:8443/x").unwrap();
        let signed =
            presign(&url, &[("language-code", "en-US")], &keys, "r", "transcribe", &Utc::now());
        let text = signed.as_str();
        assert!(text.starts_with("wss://transcribe.example:8443/x?X-Amz-Algorithm="), "{text}");
        assert!(
            text.contains("&language-code=en-US&") || text.contains("&language-code=en-US"),
            "{text}"
        );
        assert!(
            text.contains("X-Amz-Security-Token=to%2Fken") && !text.contains("secret"),
            "{text}"
        );
    }
}
