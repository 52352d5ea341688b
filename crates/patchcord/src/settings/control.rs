//! The section on the way in for those who look after calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ari::{Secret, SecretSource};
use serde::Deserialize;

use super::SettingsError;

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    #[serde(default = "default_address")]
    address: SocketAddr,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    token_credential: Option<String>,
}

fn default_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 8089).into()
}

/// Where those who look after calls come in, and what they show.
pub(crate) struct ControlSettings {
    pub address: SocketAddr,
    pub token: Secret,
}

/// The shortest token, in characters.
const SHORTEST: usize = 16;

impl Section {
    /// Reads the token. File names are relative to `folder`; `path` is for the messages.
    pub(super) fn read(
        &self,
        path: &Path,
        folder: &Path,
    ) -> Result<ControlSettings, SettingsError> {
        let wrong = |cause: String| SettingsError::Control { path: path.to_owned(), cause };
        let address = self.address;
        if !address.ip().is_loopback() {
            let mend = "name an address of this machine alone, as in 127.0.0.1:8089, and go there by a tunnel";
            let cause = format!("address: {address} can be reached from outside\n  mend: {mend}");
            return Err(wrong(cause));
        }
        let sources = [
            self.token_env.clone().map(SecretSource::Environment),
            self.token_file.as_ref().map(|file| SecretSource::File(folder.join(file))),
            self.token_credential.clone().map(SecretSource::Credential),
        ];
        let sources: Vec<_> = sources.into_iter().flatten().collect();
        let [source] = &sources[..] else {
            let mend = "give it one of token_env, token_file and token_credential";
            let cause = format!("it needs one token, and has {}\n  mend: {mend}", sources.len());
            return Err(wrong(cause));
        };
        let token = source.read().map_err(|source| wrong(source.to_string()))?;
        if token.expose().len() < SHORTEST {
            let mend = "make one with: openssl rand -hex 32";
            let cause = format!("the token is shorter than {SHORTEST} characters\n  mend: {mend}");
            return Err(wrong(cause));
        }
        Ok(ControlSettings { address, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ControlSettings, String> {
        let section: Section = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        section.read(Path::new("desk.toml"), Path::new("/etc/desk")).map_err(|e| e.to_string())
    }

    #[test]
    fn the_way_in_is_on_this_machine_alone_and_has_one_token() {
        for (text, says) in [
            ("", "desk.toml: [control] it needs one token, and has 0"),
            ("token_env = \"A\"\ntoken_file = \"b\"", "has 2"),
            ("address = \"0.0.0.0:8089\"\ntoken_env = \"PATH\"", "can be reached from outside"),
            ("token_env = \"PATCHCORD_NO_SUCH\"", "PATCHCORD_NO_SUCH"),
            ("token_file = \"none\"", "/etc/desk/none"),
            ("token = \"x\"", "unknown field `token`"),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.contains(says), "{text}: {error}");
        }
        // Any variable that every test has will do.
        let read = read("token_env = \"CARGO_MANIFEST_DIR\"").expect("it is right");
        assert_eq!(read.address.to_string(), "127.0.0.1:8089");
    }
}
