//! The section on the store: where flows, numbers and calls are kept.

use std::path::{Path, PathBuf};

use ari::SecretSource;
use serde::Deserialize;
use store::Location;

use super::SettingsError;

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    #[serde(default = "default_location")]
    location: String,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    password_credential: Option<String>,
    root_file: Option<PathBuf>,
    #[serde(default = "default_spool")]
    spool: PathBuf,
}

fn default_location() -> String {
    "patchcord.db".to_owned()
}

fn default_spool() -> PathBuf {
    "spool".into()
}

/// Where flows, numbers and calls are kept.
pub(crate) struct StoreSettings {
    pub location: Location,
    /// The folder for what the database has not taken yet.
    pub spool: PathBuf,
    /// A password that others may read as well.
    pub exposed: Option<ari::ExposedSecret>,
}

impl StoreSettings {
    /// Where the flows and numbers are that were last seen.
    pub(crate) fn last_seen(&self) -> PathBuf {
        self.spool.join("published.json")
    }
}

impl Section {
    /// Reads the password. File names are relative to `folder`; `path` is for the messages.
    pub(super) fn read(&self, path: &Path, folder: &Path) -> Result<StoreSettings, SettingsError> {
        let sources = [
            self.password_env.clone().map(SecretSource::Environment),
            self.password_file.as_ref().map(|file| SecretSource::File(folder.join(file))),
            self.password_credential.clone().map(SecretSource::Credential),
        ];
        let sources: Vec<_> = sources.into_iter().flatten().collect();
        if sources.len() > 1 {
            return Err(SettingsError::StorePasswords {
                path: path.to_owned(),
                count: sources.len(),
            });
        }
        let wrong = |source| SettingsError::StoreLocation { path: path.to_owned(), source };
        let location = &*self.location;
        let mut location = match location.strip_prefix("sqlite:").unwrap_or(location) {
            address if is_address(address) => Location::parse(address).map_err(wrong)?,
            "" => return Err(wrong(store::LocationError::Empty)),
            file => Location::sqlite(folder.join(file)),
        };
        if let Some(source) = sources.first() {
            let password = source
                .read()
                .map_err(|source| SettingsError::StoreSecret { path: path.to_owned(), source })?;
            location = location.with_password(password.expose());
        }
        if let Some(root) = &self.root_file {
            location = location.with_roots(folder.join(root));
        }
        let exposed = sources.first().and_then(SecretSource::exposed);
        Ok(StoreSettings { location, spool: folder.join(&self.spool), exposed })
    }
}

fn is_address(text: &str) -> bool {
    ["postgresql://", "postgres://"].iter().any(|scheme| text.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<StoreSettings, String> {
        let section: Section = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        section.read(Path::new("desk.toml"), Path::new("/etc/desk")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_store_is_a_file_beside_the_configuration_or_an_address() {
        let store = read("").expect("nothing is needed");
        assert_eq!(store.location.to_string(), "/etc/desk/patchcord.db");
        assert_eq!(store.spool, Path::new("/etc/desk/spool"));
        for (location, is) in [
            ("sqlite:calls.db", "/etc/desk/calls.db"),
            ("/var/lib/calls.db", "/var/lib/calls.db"),
            ("postgresql://desk@db.example/calls", "postgresql://desk@db.example:5432/calls"),
        ] {
            let store = read(&format!("location = \"{location}\"")).expect("it is right");
            assert_eq!(store.location.to_string(), is);
        }
    }

    #[test]
    fn what_cannot_be_is_told_with_its_mend_and_without_the_password() {
        for (text, says) in [
            ("location = \"\"", "desk.toml: [store] location: the database has no name"),
            ("location = \"postgresql:///calls\"", "names no host"),
            ("password_env = \"A\"\npassword_file = \"b\"", "desk.toml: [store] has 2 passwords"),
            ("password_env = \"PATCHCORD_NO_SUCH\"", "PATCHCORD_NO_SUCH, which should hold"),
            ("pasword = \"x\"", "unknown field `pasword`"),
            ("location = \"postgresql://desk:s3cret@db:port/x\"", "cannot be read"),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
