//! The configuration of `patchcord serve`: where Asterisk is, who we are, and which receptionist works.

use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ari::SecretSource;
use engines::chain::Recognition;
use engines::llm::config::{LlmConfig, LlmConfigError};
use engines::llm::speech::config::{SpeechModelConfig, SpeechModelConfigError};
use engines::remote::config::{ConfigError, RecognitionConfig};
use engines::synthesis::SynthesisConfig;
use media::road::{Preference, Road, UnknownRoad};
use media::websocket::Credentials;
use media::{PlaneConfig, Scheduling};
use serde::Deserialize;
use store::LocationError;
use thiserror::Error;
use tokio::runtime::Handle;

use crate::capture::CaptureSettings;
use crate::desk::Models;
use crate::dialling::DiallingSettings;
use crate::media_road::MediaSettings;
use crate::tapes::{self, RecordingSettings, TapeSettings};

mod control;
mod kept;

pub(crate) use control::ControlSettings;
pub(crate) use kept::StoreSettings;

/// The configuration file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The receptionist's file, relative to this one.
    receptionist: PathBuf,
    /// What happens in calls, a flow relative to this file; what the receptionist's file says if it is left out.
    flow: Option<PathBuf>,
    /// A folder for the journal of each call, relative to this file; none is written unless it is set.
    journals: Option<PathBuf>,
    ari: AriSettings,
    #[serde(default)]
    media: Media,
    #[serde(default)]
    dialling: DiallingSettings,
    #[serde(default)]
    recording: RecordingSection,
    #[serde(default)]
    voicemail: VoicemailSection,
    #[serde(default)]
    hearing: HearingSettings,
    #[serde(default)]
    recognition: RecognitionConfig,
    #[serde(default)]
    synthesis: SynthesisConfig,
    llm: Option<LlmConfig>,
    speech_model: Option<SpeechModelConfig>,
    store: Option<kept::Section>,
    control: Option<control::Section>,
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
    password_credential: Option<String>,
    #[serde(default = "default_app")]
    app: String,
    #[serde(default)]
    clear_text: ari::ClearText,
    #[serde(default)]
    road: ari::Road,
    root_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

/// Where the ARI password is.
enum Password<'a> {
    Here(&'a str),
    Kept(SecretSource),
}

fn default_url() -> String {
    "http://127.0.0.1:8088/ari".to_owned()
}

fn default_app() -> String {
    "patchcord".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Media {
    address: IpAddr,
    road: Option<RoadName>,
    port: u16,
    connection: String,
    ports: PortRange,
    threads: NonZeroUsize,
    cores: Vec<usize>,
    scheduling: SchedulingName,
    calls_a_thread: NonZeroUsize,
    capture: Option<PathBuf>,
    capture_minutes: NonZeroU32,
    capture_megabytes: NonZeroU32,
}

impl Default for Media {
    fn default() -> Self {
        let plane = PlaneConfig::default();
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            road: None,
            port: 0,
            connection: "patchcord".to_owned(),
            ports: PortRange(plane.ports),
            threads: plane.shards,
            cores: plane.cores,
            scheduling: SchedulingName::default(),
            calls_a_thread: plane.legs_a_shard,
            capture: None,
            capture_minutes: NonZeroU32::new(60).expect("more than none"),
            capture_megabytes: NonZeroU32::new(256).expect("more than none"),
        }
    }
}

/// A range of UDP ports as it is written: `"30000-30999"`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct PortRange(RangeInclusive<u16>);

impl TryFrom<String> for PortRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no range of UDP ports: write the first and the last, as in \"30000-30999\", with room for \
                 a pair that begins at an even port"
            )
        };
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let port = |text: &str| text.trim().parse::<u16>().ok();
        let (first, last) = port(first).zip(port(last)).ok_or_else(wrong)?;
        // RTP takes an even port and the one above it.
        let pair = first.max(2).checked_next_multiple_of(2).ok_or_else(wrong)?;
        if last <= pair { Err(wrong()) } else { Ok(Self(first..=last)) }
    }
}

/// How the threads for sound run, as it is written.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SchedulingName {
    #[default]
    Realtime,
    Ordinary,
}

impl From<SchedulingName> for Scheduling {
    fn from(name: SchedulingName) -> Self {
        match name {
            SchedulingName::Realtime => Scheduling::Realtime,
            SchedulingName::Ordinary => Scheduling::Ordinary,
        }
    }
}

/// A road as its name is written.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct RoadName(Road);

impl TryFrom<String> for RoadName {
    type Error = UnknownRoad;

    fn try_from(name: String) -> Result<Self, UnknownRoad> {
        name.parse().map(RoadName)
    }
}

/// Where flows record to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RecordingSection {
    folder: Option<PathBuf>,
    minutes: NonZeroU32,
    megabytes: NonZeroU32,
}

impl Default for RecordingSection {
    fn default() -> Self {
        Self {
            folder: None,
            minutes: NonZeroU32::new(120).expect("more than none"),
            megabytes: NonZeroU32::new(512).expect("more than none"),
        }
    }
}

/// Where flows leave messages.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct VoicemailSection {
    folder: Option<PathBuf>,
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
        "{path}: [ari] needs one password, and has {count}\n  mend: give it one of password_env, password_file, password_credential or password"
    )]
    Password { path: PathBuf, count: usize },
    #[error(
        "{path}: [ari] has only one of certificate_file and key_file\n  mend: name both, or neither"
    )]
    HalfIdentity { path: PathBuf },
    #[error(
        "{path}: [media] names {cores} cores for {threads} threads\n  mend: name at most one core a thread, or raise threads"
    )]
    Cores { path: PathBuf, cores: usize, threads: usize },
    #[error(
        "{path}: [media] needs {pairs} pairs of UDP ports, one a thread, and ports has fewer\n  mend: widen ports, or lower threads"
    )]
    FewPorts { path: PathBuf, pairs: usize },
    #[error(
        "{path}: [media] capture: {folder} cannot be made or written: {source}\n  mend: name a folder of ours, or take the key out"
    )]
    Capture { path: PathBuf, folder: PathBuf, source: std::io::Error },
    #[error(
        "{path}: [{section}] folder: {folder} cannot be made or written: {source}\n  mend: name a folder of ours, or take the key out"
    )]
    Tapes { path: PathBuf, section: &'static str, folder: PathBuf, source: std::io::Error },
    #[error(
        "{path}: journals: {folder} cannot be made: {source}\n  mend: name a folder of ours, or take the key out"
    )]
    Journals { path: PathBuf, folder: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Llm { path: PathBuf, source: LlmConfigError },
    #[error("{path}: {source}")]
    SpeechModel { path: PathBuf, source: SpeechModelConfigError },
    #[error("{path}: {source}")]
    Recognition { path: PathBuf, source: ConfigError },
    #[error(
        "{path}: [store] has {count} passwords\n  mend: give it one of password_env, password_file and password_credential"
    )]
    StorePasswords { path: PathBuf, count: usize },
    #[error("{path}: [store] {source}")]
    StoreSecret { path: PathBuf, source: ari::SecretError },
    #[error("{path}: [store] location: {source}")]
    StoreLocation { path: PathBuf, source: LocationError },
    #[error(
        "{path}: there is no [store]\n  mend: add that section; assets/patchcord.toml explains it"
    )]
    NoStore { path: PathBuf },
    #[error("{path}: [control] {cause}")]
    Control { path: PathBuf, cause: String },
    #[error(transparent)]
    Secret(#[from] ari::SecretError),
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
        let given = [&ari.password, &ari.password_env, &ari.password_credential];
        let count = given.iter().filter(|password| password.is_some()).count()
            + usize::from(ari.password_file.is_some());
        if count != 1 {
            return Err(SettingsError::Password { path: path.to_owned(), count });
        }
        if ari.certificate_file.is_some() != ari.key_file.is_some() {
            return Err(SettingsError::HalfIdentity { path: path.to_owned() });
        }
        settings.media.check(path)?;
        Ok(settings)
    }

    /// The receptionist's file.
    pub(crate) fn receptionist(&self) -> PathBuf {
        self.folder.join(&self.receptionist)
    }

    /// The flow that calls go through, if not the receptionist's own.
    pub(crate) fn flow(&self) -> Option<PathBuf> {
        self.flow.as_ref().map(|flow| self.folder.join(flow))
    }

    /// An address of ours that Asterisk can reach.
    pub(crate) fn media_address(&self) -> IpAddr {
        self.media.address
    }

    /// How callers' sound comes and goes. What Asterisk shows when it connects is the user and password of ARI.
    pub(crate) fn media(&self) -> Result<MediaSettings, SettingsError> {
        let media = &self.media;
        let preference = match &media.road {
            Some(RoadName(road)) => Preference::Only(*road),
            None => Preference::default(),
        };
        let plane = PlaneConfig {
            shards: media.threads,
            bind: media.address,
            ports: media.ports.0.clone(),
            legs_a_shard: media.calls_a_thread,
            cores: media.cores.clone(),
            scheduling: media.scheduling.into(),
            ..PlaneConfig::default()
        };
        Ok(MediaSettings {
            address: media.address,
            plane,
            port: media.port,
            preference,
            connection: media.connection.clone(),
            credentials: Credentials::new(&self.ari.username, self.password()?.expose()),
        })
    }

    /// Where files of each call go, and how much of it; none unless asked for. `path` is for the messages.
    pub(crate) fn capture(&self, path: &Path) -> Result<Option<CaptureSettings>, SettingsError> {
        let Some(folder) = self.beside(&self.media.capture) else { return Ok(None) };
        std::fs::create_dir_all(&folder).map_err(|source| SettingsError::Capture {
            path: path.to_owned(),
            folder: folder.clone(),
            source,
        })?;
        let max_time = Duration::from_secs(60 * u64::from(self.media.capture_minutes.get()));
        let max_bytes = u64::from(self.media.capture_megabytes.get()) * 1_000_000;
        Ok(Some(CaptureSettings { folder, max_time, max_bytes }))
    }

    /// Where recordings and messages go; their folders are made. `path` is for the messages.
    pub(crate) fn tapes(&self, path: &Path) -> Result<TapeSettings, SettingsError> {
        let made = |section: &'static str, folder: &Option<PathBuf>| {
            let folder = self.beside(folder);
            if let Some(folder) = &folder {
                tapes::make_private(folder).map_err(|source| SettingsError::Tapes {
                    path: path.to_owned(),
                    section,
                    folder: folder.clone(),
                    source,
                })?;
            }
            Ok::<_, SettingsError>(folder)
        };
        let RecordingSection { folder, minutes, megabytes } = &self.recording;
        let recordings = made("recording", folder)?.map(|folder| RecordingSettings {
            folder,
            max_time: Duration::from_secs(60 * u64::from(minutes.get())),
            max_bytes: u64::from(megabytes.get()) * 1_000_000,
        });
        let voicemail = made("voicemail", &self.voicemail.folder)?;
        Ok(TapeSettings { recordings, voicemail })
    }

    /// Where flows, numbers and calls are kept; reads the password. `path` is for the messages.
    pub(crate) fn store(&self, path: &Path) -> Result<Option<StoreSettings>, SettingsError> {
        self.store.as_ref().map(|section| section.read(path, &self.folder)).transpose()
    }

    /// The way in for those who look after calls, if there is one; reads its token. `path` is for the messages.
    pub(crate) fn control(&self, path: &Path) -> Result<Option<ControlSettings>, SettingsError> {
        self.control.as_ref().map(|section| section.read(path, &self.folder)).transpose()
    }

    /// Where the journal of each call goes; none unless asked for. `path` is for the messages.
    pub(crate) fn journals(&self, path: &Path) -> Result<Option<PathBuf>, SettingsError> {
        let Some(folder) = self.beside(&self.journals) else { return Ok(None) };
        std::fs::create_dir_all(&folder).map_err(|source| SettingsError::Journals {
            path: path.to_owned(),
            folder: folder.clone(),
            source,
        })?;
        Ok(Some(folder))
    }

    /// Who may be dialled.
    pub(crate) fn dialling(&self) -> DiallingSettings {
        self.dialling.clone()
    }

    /// How many readings may be under way at once; the engines' own default if none.
    pub(crate) fn workers(&self) -> Option<NonZeroUsize> {
        self.hearing.workers
    }

    /// The engines that hear callers; reads their keys. `path` is for the messages, `runtime` serves their connections.
    pub(crate) fn recognition(
        &self,
        path: &Path,
        runtime: Handle,
    ) -> Result<Recognition, SettingsError> {
        let engines = self.recognition.engines(&self.folder);
        engines
            .and_then(|engines| Recognition::new(engines, self.recognition.policy(), runtime))
            .map_err(|source| SettingsError::Recognition { path: path.to_owned(), source })
    }

    /// The section on the engines that hear callers, and the folder that its files are relative to.
    pub(crate) fn recognition_section(&self) -> (&RecognitionConfig, &Path) {
        (&self.recognition, &self.folder)
    }

    /// Who speaks the prompts that are written as text.
    pub(crate) fn synthesis(&self) -> SynthesisConfig {
        let mut synthesis = self.synthesis.clone();
        synthesis.folder.clone_from(&self.folder);
        synthesis
    }

    /// The language models that flows may have; reads their keys. `path` is for the messages.
    pub(crate) fn models(&self, path: &Path) -> Result<Models, SettingsError> {
        let llm = self.llm.as_ref().map(|llm| llm.build(&self.folder)).transpose();
        let llm = llm.map_err(|source| SettingsError::Llm { path: path.to_owned(), source })?;
        let speech = self.speech_model.as_ref().map(|it| it.build(&self.folder)).transpose();
        let wrong = |source| SettingsError::SpeechModel { path: path.to_owned(), source };
        Ok(Models { llm, speech: speech.map_err(wrong)? })
    }

    /// The ARI client's configuration; reads the password from where it is kept. `path` is for the messages.
    pub(crate) fn ari(&self, path: &Path) -> Result<ari::Config, SettingsError> {
        self.ari_for(path, &self.ari.app)
    }

    /// The same for another application.
    pub(crate) fn ari_for(&self, path: &Path, app: &str) -> Result<ari::Config, SettingsError> {
        let mut config = ari::Config::new(&self.ari.url, &self.ari.username, self.password()?, app)
            .map_err(|source| SettingsError::Ari { path: path.to_owned(), source })?;
        config.clear_text = self.ari.clear_text;
        config.road = self.ari.road;
        config.tls.root = self.beside(&self.ari.root_file);
        config.tls.identity = self
            .beside(&self.ari.certificate_file)
            .zip(self.beside(&self.ari.key_file))
            .map(|(certificate, key)| ari::Identity { certificate, key });
        Ok(config)
    }

    /// Where Asterisk serves ARI, as it was written.
    pub(crate) fn ari_url(&self) -> &str {
        &self.ari.url
    }

    /// Whether the password is this one.
    pub(crate) fn password_is(&self, password: &str) -> bool {
        self.password().is_ok_and(|ours| ours.expose() == password)
    }

    /// A password that others may read as well.
    pub(crate) fn exposed_password(&self) -> Option<ari::ExposedSecret> {
        match self.password_source() {
            Password::Here(_) => None,
            Password::Kept(source) => source.exposed(),
        }
    }

    fn password(&self) -> Result<ari::Secret, SettingsError> {
        Ok(match self.password_source() {
            Password::Here(text) => ari::Secret::from(text),
            Password::Kept(source) => source.read()?,
        })
    }

    fn password_source(&self) -> Password<'_> {
        let ari = &self.ari;
        if let Some(variable) = &ari.password_env {
            Password::Kept(SecretSource::Environment(variable.clone()))
        } else if let Some(file) = self.beside(&ari.password_file) {
            Password::Kept(SecretSource::File(file))
        } else if let Some(name) = &ari.password_credential {
            Password::Kept(SecretSource::Credential(name.clone()))
        } else {
            Password::Here(ari.password.as_deref().unwrap_or_default())
        }
    }

    /// A file that the configuration names, relative to the configuration's own folder.
    fn beside(&self, file: &Option<PathBuf>) -> Option<PathBuf> {
        file.as_ref().map(|file| self.folder.join(file))
    }
}

impl Media {
    fn check(&self, path: &Path) -> Result<(), SettingsError> {
        let (path, threads) = (path.to_owned(), self.threads.get());
        let (first, last) = (usize::from(*self.ports.0.start()), usize::from(*self.ports.0.end()));
        if self.cores.len() > threads {
            return Err(SettingsError::Cores { path, cores: self.cores.len(), threads });
        }
        if (last + 1).saturating_sub(first.max(2).next_multiple_of(2)) / 2 < threads {
            return Err(SettingsError::FewPorts { path, pairs: threads });
        }
        Ok(())
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(text: &str) -> Result<Media, String> {
        let media: Media = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        media.check(Path::new("patchcord.toml")).map_err(|error| error.to_string())?;
        Ok(media)
    }

    #[test]
    fn the_threads_and_ports_of_rtp_are_read() {
        let text = "ports = \"20000-20009\"\nthreads = 2\ncores = [2, 3]\ncalls_a_thread = 500\n";
        let read = media(text).expect("it is right");
        assert_eq!(
            (read.ports.0, read.threads.get(), read.cores),
            (20_000..=20_009, 2, vec![2, 3])
        );
        assert_eq!(media("").expect("nothing is needed").ports.0, 30_000..=30_999);
    }

    #[test]
    fn what_cannot_be_is_told_with_its_key_and_mend() {
        for (text, says) in [
            ("ports = \"30000\"", "as in \"30000-30999\""),
            ("ports = \"30001-30002\"", "even port"),
            ("ports = \"65535-65535\"", "even port"),
            ("ports = \"30000-30003\"\nthreads = 3", "widen ports"),
            ("cores = [1, 2]", "raise threads"),
            ("threads = 0", "nonzero"),
        ] {
            let error = media(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn an_engine_that_cannot_be_is_told_with_its_key_and_mend() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let recognition = |more: &str| {
            let text = format!("receptionist = \"r.toml\"\n[ari]\nusername = \"u\"\n{more}");
            let settings: Settings =
                toml::from_str(&text).map_err(|error| error.message().to_owned())?;
            settings
                .recognition(Path::new("patchcord.toml"), runtime.handle().clone())
                .map_err(|error| error.to_string())
        };
        assert!(recognition("").expect("nothing is needed").is_local());
        let text = "[recognition]\nchain = [\"vosk\", \"local\"]\n[recognition.vosk]\nurl = \"ws://10.0.0.1:2700\"";
        assert_eq!(
            recognition(text).expect("it is right").names().collect::<Vec<_>>(),
            ["vosk", "local"]
        );
        for (text, says) in [
            (
                "[recognition]\nchain = [\"vosk\"]\n[recognition.vosk]\nurl = \"http://x\"",
                "ws://127.0.0.1:2700",
            ),
            (
                "[recognition]\nchain = [\"siri\"]",
                "patchcord.toml: [recognition] chain names \"siri\"",
            ),
            (
                "[recognition]\nchain = [\"deepgram\"]\n[recognition.deepgram]\nkey_env = \"PATH\"\nurl = \"ws://x\"",
                "in clear text; write wss://",
            ),
        ] {
            let error = recognition(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
