//! A password that cannot be printed by accident, and where it is kept.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A password. `Debug` prints `***`, there is no `Display`, and [`Secret::expose`] is the one way to the text.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// Where a password is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// An environment variable of this name.
    Environment(String),
    /// A file.
    File(PathBuf),
    /// A credential of this name that systemd gives to its service (`LoadCredential=`, `SetCredential=`): the file
    /// `$CREDENTIALS_DIRECTORY/name`.
    Credential(String),
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or is not text.
    #[error("the environment variable {0}, which should hold the password, is not set; set it")]
    NoVariable(String),
    /// No systemd credentials were given to this process.
    #[error(
        "the credential {0} is not there, since this process was not started by systemd with credentials; write LoadCredential={0}:FILE in its unit"
    )]
    NoCredentials(String),
    /// The name of a credential is none.
    #[error("{0:?} cannot be the name of a credential: it must be a file name without a slash")]
    CredentialName(String),
    /// The file cannot be read.
    #[error(
        "the password cannot be read from {path}: {cause}; put it there, readable for this user alone"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// There is nothing in it.
    #[error("the password in {0} is empty; write it there")]
    Empty(String),
}

/// What should be mended, although the password could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "every user of this machine may read the password in {path}; take that away with: chmod 600 {path}"
)]
pub struct ExposedSecret {
    /// The file.
    pub path: PathBuf,
}

impl SecretSource {
    /// Reads the password. Line breaks at its end do not belong to it.
    ///
    /// # Errors
    /// [`SecretError`]; none repeats anything of the password.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (text, place) = match self {
            Self::Environment(name) => {
                let text =
                    std::env::var(name).map_err(|_| SecretError::NoVariable(name.clone()))?;
                (text, format!("the environment variable {name}"))
            }
            Self::File(path) => (contents(path)?, path.display().to_string()),
            Self::Credential(name) => {
                let path = credential(name, std::env::var_os("CREDENTIALS_DIRECTORY"))?;
                (contents(&path)?, path.display().to_string())
            }
        };
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(SecretError::Empty(place)),
            password => Ok(Secret::from(password)),
        }
    }

    /// Whether others may read the password as well. Says nothing of a file that is not there.
    pub fn exposed(&self) -> Option<ExposedSecret> {
        match self {
            Self::File(path) if readable_for_all(path) => {
                Some(ExposedSecret { path: path.clone() })
            }
            // systemd keeps its credentials from others, and the system the environment.
            Self::File(_) | Self::Environment(_) | Self::Credential(_) => None,
        }
    }
}

fn credential(name: &str, folder: Option<std::ffi::OsString>) -> Result<PathBuf, SecretError> {
    if matches!(name, "" | "." | "..") || name.contains('/') {
        return Err(SecretError::CredentialName(name.to_owned()));
    }
    let folder = folder.ok_or_else(|| SecretError::NoCredentials(name.to_owned()))?;
    Ok(Path::new(&folder).join(name))
}

fn contents(path: &Path) -> Result<String, SecretError> {
    std::fs::read_to_string(path)
        .map_err(|cause| SecretError::Unreadable { path: path.to_owned(), cause })
}

#[cfg(unix)]
fn readable_for_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn readable_for_all(_: &Path) -> bool {
    false
}

impl Secret {
    /// The password itself. Call it only where the text leaves the program on purpose.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test's own, gone when it is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ari-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_line_break_at_the_end_is_not_part_of_the_password() {
        let folder = Folder::new("break");
        let source = SecretSource::File(folder.file("password", " hunter2 \r\n"));
        assert_eq!(source.read().unwrap().expose(), " hunter2 ");
    }

    #[test]
    fn each_missing_password_says_where_it_should_be() {
        let folder = Folder::new("missing");
        let says = |source: SecretSource| source.read().unwrap_err().to_string();
        assert!(says(SecretSource::File(folder.0.join("none"))).contains("none"));
        assert!(says(SecretSource::File(folder.file("empty", "\n"))).contains("is empty"));
        assert!(says(SecretSource::Environment("ARI_NOT_SET".into())).contains("ARI_NOT_SET"));
        assert!(says(SecretSource::Credential("../shadow".into())).contains("cannot be"));
    }

    #[test]
    fn a_credential_lies_in_the_folder_that_systemd_names() {
        let error = credential("ari", None).unwrap_err();
        assert!(error.to_string().contains("LoadCredential=ari:"), "{error}");
        let path = credential("ari", Some("/run/credentials/patchcord.service".into())).unwrap();
        assert_eq!(path, Path::new("/run/credentials/patchcord.service/ari"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_may_read_is_told_of() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("exposed");
        let path = folder.file("password", "hunter2");
        let source = SecretSource::File(path.clone());
        let allow =
            |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        allow(0o640);
        assert_eq!(source.exposed(), None);
        allow(0o644);
        let warning = source.exposed().unwrap().to_string();
        assert!(warning.contains("chmod 600") && !warning.contains("hunter2"), "{warning}");
    }
}
