//! What a running Asterisk can do, which bugs it has, and whether it is safe to run.
//!
//! ```no_run
//! use ari::features::{self, Avoid, Feature};
//!
//! # async fn look(client: ari::Client) -> Result<(), ari::RequestError> {
//! let features = features::detect(&client).await?;
//! if features.has(Feature::RestOverWebSocket) && !features.avoid(Avoid::WebSocketMedia) {
//!     println!("Asterisk {} can do it all", features.version_text());
//! }
//! for bug in features.bugs() {
//!     println!("{}: {}", bug.id, bug.effect);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Three things are asked, the surest first: the description of its operations that Asterisk serves, its list of modules,
//! and its version, for which there are tables here: of features, of known bugs and of the releases below which a line
//! is not safe.

mod bugs;
mod description;
mod security;
mod table;
mod version;

pub use bugs::{Avoid, Fixed, KnownBug};
pub use description::{DescribedOperation, DescribedParameter, Description, Kind, Place, is_id};
pub use security::{BELOW_FLOOR, GO_TO, Standing};
pub use table::Feature;
pub use version::{Stage, Version, VersionError};

use crate::client::Client;
use crate::models::{AsteriskInfo, Module};
use crate::rest::RequestError;
use table::InLine;

/// What is known of a running Asterisk.
#[derive(Clone, Debug)]
pub struct Features {
    info: AsteriskInfo,
    version: Result<Version, VersionError>,
    modules: Option<Vec<Module>>,
    description: Option<Description>,
}

/// Whether a feature can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It can.
    Yes,
    /// This release does not have it.
    No {
        /// The first release of the same line that has it; `None` where the line never gets it.
        since: Option<Version>,
    },
    /// This release has it, and the module that does it is not loaded.
    NotLoaded {
        /// The module.
        module: &'static str,
    },
    /// Nothing tells.
    Unknown,
}

/// What a [`Support`] was found out from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The description of its operations.
    Description,
    /// The list of its modules.
    Modules,
    /// Its version, and the table of features.
    Version,
    /// Nothing.
    Nothing,
}

/// Asks a running Asterisk.
///
/// # Errors
/// When it does not tell its version. It may keep its modules and its description from us (a user's access list, an
/// installation without the description): then less is known.
pub async fn detect(client: &Client) -> Result<Features, RequestError> {
    let info = client.asterisk().get_info().await?;
    let modules = told(client.asterisk().list_modules().await)?;
    let description = told(Description::fetch(client).await)?;
    Ok(Features::new(info, modules, description))
}

/// A refusal is an answer; a request that does not come through is none.
fn told<T>(reply: Result<T, RequestError>) -> Result<Option<T>, RequestError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(RequestError::Rejected { .. } | RequestError::UnreadableReply { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Features {
    /// What follows from what Asterisk says of itself, its modules and its description, where they are known.
    pub fn new(
        info: AsteriskInfo,
        modules: Option<Vec<Module>>,
        description: Option<Description>,
    ) -> Self {
        let text = info.system.as_ref().map_or("", |system| &system.version);
        let version = text.parse();
        Self { info, version, modules, description }
    }

    /// What Asterisk says of itself.
    pub fn info(&self) -> &AsteriskInfo {
        &self.info
    }

    /// Its version, as Asterisk writes it.
    pub fn version_text(&self) -> &str {
        self.info.system.as_ref().map_or("", |system| &system.version)
    }

    /// Its version.
    ///
    /// # Errors
    /// When it is not a release, such as a build from the repository. Then it has every known bug for all we know.
    pub fn version(&self) -> Result<Version, VersionError> {
        self.version.clone()
    }

    /// Its modules, where it tells them.
    pub fn modules(&self) -> Option<&[Module]> {
        self.modules.as_deref()
    }

    /// Its description of its operations, where it has one.
    pub fn description(&self) -> Option<&Description> {
        self.description.as_ref()
    }

    /// Whether a module runs; `None` where Asterisk does not tell.
    pub fn runs(&self, module: &str) -> Option<bool> {
        let modules = self.modules.as_ref()?;
        Some(modules.iter().any(|known| known.name == module && known.status == "Running"))
    }

    /// Whether a feature can be used for certain.
    pub fn has(&self, feature: Feature) -> bool {
        self.support(feature).0 == Support::Yes
    }

    /// Whether a feature can be used, and how that is known.
    pub fn support(&self, feature: Feature) -> (Support, Evidence) {
        let marks = feature.marks();
        let described = match (&self.description, marks.operation) {
            (Some(description), Some((method, path))) => Some(description.has(method, path)),
            _ => None,
        };
        let (support, evidence) = match described {
            Some(true) => (Support::Yes, Evidence::Description),
            Some(false) => (Support::No { since: self.since(feature) }, Evidence::Description),
            None => self.by_version(feature),
        };
        let runs = marks.module.and_then(|module| Some((module, self.runs(module)?)));
        match (support, runs) {
            (Support::Yes, Some((module, false))) => {
                (Support::NotLoaded { module }, Evidence::Modules)
            }
            _ => (support, evidence),
        }
    }

    /// Whether a client should leave something off at this Asterisk. Where the version tells nothing, it should.
    pub fn avoid(&self, what: Avoid) -> bool {
        let Ok(version) = self.version else { return true };
        let lacks = what.needs().is_some_and(|feature| {
            matches!(self.support(feature).0, Support::No { .. } | Support::NotLoaded { .. })
        });
        lacks || KnownBug::all().iter().any(|bug| bug.avoid == Some(what) && bug.affects(version))
    }

    /// The known bugs that this Asterisk has, those in modules that do not run left out.
    pub fn bugs(&self) -> impl Iterator<Item = &'static KnownBug> {
        KnownBug::all().iter().filter(|bug| {
            self.version.as_ref().is_ok_and(|version| bug.affects(*version))
                && bug.module.is_none_or(|module| self.runs(module) != Some(false))
        })
    }

    fn by_version(&self, feature: Feature) -> (Support, Evidence) {
        let Ok(version) = self.version else { return (Support::Unknown, Evidence::Nothing) };
        match feature.in_line(version.line) {
            InLine::Since(minor) if version.minor >= minor => (Support::Yes, Evidence::Version),
            InLine::Since(_) | InLine::Never => {
                (Support::No { since: self.since(feature) }, Evidence::Version)
            }
            InLine::Untold => (Support::Unknown, Evidence::Nothing),
        }
    }

    /// The release to go to for a feature without leaving the line.
    fn since(&self, feature: Feature) -> Option<Version> {
        let version = self.version.as_ref().ok()?;
        feature.first_in(version.line).filter(|since| since > version)
    }
}

#[cfg(test)]
mod tests;
