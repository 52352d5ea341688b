//! The configuration of `patchcord serve`: where Asterisk is, who we are, and which receptionist works.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

/// The configuration file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The receptionist's file, relative to this one.
    receptionist: PathBuf,
    ari: AriSettings,
    #[serde(default)]
    media: MediaSettings,
    #[serde(default)]
    hearing: HearingSettings,
    /// The folder of the file itself.
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AriSettings {
    #[serde(default = "default_url")]
    url: String,
    username: String,
    password: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    #[serde(default = "default_app")]
    app: String,
}

fn default_url() -> String {
    "http://127.0.0.1:8088/ari".to_owned()
}

fn default_app() -> String {
    "patchcord".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaSettings {
    address: IpAddr,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self { address: Ipv4Addr::LOCALHOST.into() }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HearingSettings {
    workers: Option<NonZeroUsize>,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error(
        "cannot read {path}: {source}\n  mend: name a configuration file; assets/patchcord.toml is one to begin with"
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}:{line}: {cause}\n  mend: see assets/patchcord.toml, where every key is explained"
    )]
    Parse { path: PathBuf, line: usize, cause: String },
    #[error(
        "{path}: [ari] needs one password, and has {count}\n  mend: give it one of password_env, password_file or password"
    )]
    Password { path: PathBuf, count: usize },
    #[error(
        "the environment variable {0}, which should hold the ARI password, is not set\n  mend: set it, or use password_file"
    )]
    NoVariable(String),
    #[error(
        "the ARI password cannot be read from {path}: {source}\n  mend: put it there, readable for this user alone"
    )]
    PasswordFile { path: PathBuf, source: std::io::Error },
    #[error("{path}: [ari] {source}")]
    Ari { path: PathBuf, source: ari::ConfigError },
}

impl Settings {
    pub(crate) fn open(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        let mut settings: Self = toml::from_str(&text).map_err(|error| SettingsError::Parse {
            path: path.to_owned(),
            line: line_of(&text, error.span().map_or(0, |span| span.start)),
            cause: error.message().to_owned(),
        })?;
        settings.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let ari = &settings.ari;
        let count = usize::from(ari.password.is_some())
            + usize::from(ari.password_file.is_some())
            + usize::from(ari.password_env.is_some());
        if count != 1 {
            return Err(SettingsError::Password { path: path.to_owned(), count });
        }
        Ok(settings)
    }

    /// The receptionist's file.
    pub(crate) fn receptionist(&self) -> PathBuf {
        self.folder.join(&self.receptionist)
    }

    /// An address of ours that Asterisk can reach.
    pub(crate) fn media_address(&self) -> IpAddr {
        self.media.address
    }

    /// How many readings may be under way at once; the engines' own default if none.
    pub(crate) fn workers(&self) -> Option<NonZeroUsize> {
        self.hearing.workers
    }

    /// The ARI client's configuration; reads the password from where it is kept. `path` is for the messages.
    pub(crate) fn ari(&self, path: &Path) -> Result<ari::Config, SettingsError> {
        self.ari_for(path, &self.ari.app)
    }

    /// The same for another application.
    pub(crate) fn ari_for(&self, path: &Path, app: &str) -> Result<ari::Config, SettingsError> {
        let password = self.password()?;
        ari::Config::new(&self.ari.url, &self.ari.username, password, app)
            .map_err(|source| SettingsError::Ari { path: path.to_owned(), source })
    }

    /// Whether the password is this one.
    pub(crate) fn password_is(&self, password: &str) -> bool {
        self.password().is_ok_and(|ours| ours == password)
    }

    fn password(&self) -> Result<String, SettingsError> {
        if let Some(variable) = &self.ari.password_env {
            return std::env::var(variable)
                .map_err(|_| SettingsError::NoVariable(variable.clone()));
        }
        if let Some(file) = &self.ari.password_file {
            let path = self.folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|source| SettingsError::PasswordFile { path, source })?;
            return Ok(text.trim_end().to_owned());
        }
        Ok(self.ari.password.clone().unwrap_or_default())
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}
