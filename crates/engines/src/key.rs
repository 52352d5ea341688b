//! A vendor's key: read from where it is kept, shown nowhere.

use std::fmt;
use std::path::{Path, PathBuf};

use tokio_tungstenite::tungstenite::http::HeaderValue;

/// A key. `Debug` prints `***`, there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// Where a key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In an environment variable.
    Environment(String),
    /// In a file.
    File(PathBuf),
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The environment variable is not set, or is not text.
    #[error(
        "the environment variable {0}, which should hold the key, is not set; set it, or name a key_file"
    )]
    NoVariable(String),
    /// The file cannot be read.
    #[error(
        "the key cannot be read from {path}: {cause}; put it there, readable for this user alone"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// There is nothing in it, or something that no header can carry.
    #[error(
        "what {0} holds is no key: it is empty, or has characters that no key has; write the key there, alone"
    )]
    Unusable(String),
}

impl KeySource {
    /// Where the configuration says, or else in the vendor's usual variable. A file is relative to `folder`.
    #[must_use]
    pub fn new(env: Option<&str>, file: Option<&Path>, folder: &Path, usual: &str) -> Self {
        match (env, file) {
            (_, Some(file)) => Self::File(folder.join(file)),
            (Some(name), None) => Self::Environment(name.to_owned()),
            (None, None) => Self::Environment(usual.to_owned()),
        }
    }

    /// Reads the key. White space around it does not belong to it.
    ///
    /// # Errors
    /// [`KeyError`]; none repeats anything of the key.
    pub fn read(&self) -> Result<Key, KeyError> {
        let text = match self {
            Self::Environment(name) => {
                std::env::var(name).map_err(|_| KeyError::NoVariable(name.clone()))?
            }
            Self::File(path) => std::fs::read_to_string(path).map_err(|cause| {
                KeyError::Unreadable { path: path.clone(), cause: cause.to_string() }
            })?,
        };
        let key = text.trim();
        let usable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        if usable { Ok(Key(key.to_owned())) } else { Err(KeyError::Unusable(self.to_string())) }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Key {
    /// The key itself. Call it only where it leaves the program on purpose.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// A header's value with the key in it, which no log shows: `Token KEY` with the scheme `Token `.
    pub(crate) fn header(&self, scheme: &str) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("{scheme}{}", self.0))
            .expect("a key was checked to be visible ASCII");
        value.set_sensitive(true);
        value
    }

    /// `text` without the key, should a vendor have repeated it.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.chars().filter(char::is_ascii_graphic).collect())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_names_its_place_and_a_present_one_is_never_shown() {
        let folder = std::env::temp_dir();
        let source = KeySource::new(None, None, &folder, "PATCHCORD_NO_SUCH_KEY");
        assert!(source.read().unwrap_err().to_string().contains("PATCHCORD_NO_SUCH_KEY"));
        let name = format!("patchcord-key-{}", std::process::id());
        let source = KeySource::new(Some("X"), Some(Path::new(&name)), &folder, "X");
        assert!(source.read().unwrap_err().to_string().contains(&name));
        let write = |text| std::fs::write(folder.join(&name), text).unwrap();
        write("hunter2\n");
        let key = source.read().unwrap();
        assert_eq!(format!("{key:?} {:?}", key.header("Token ")), "*** Sensitive");
        assert_eq!(key.header("Token ").to_str().unwrap(), "Token hunter2");
        assert_eq!(key.redact("no such key: hunter2"), "no such key: ***");
        write("hunter2\nX-Other: header");
        let error = source.read().unwrap_err().to_string();
        assert!(error.contains("is no key") && !error.contains("hunter2"), "{error}");
        std::fs::remove_file(folder.join(name)).unwrap();
    }
}
