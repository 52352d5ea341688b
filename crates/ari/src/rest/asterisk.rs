//! `/asterisk`.

use reqwest::Method;

use super::error::RequestError;
use super::operation::Operation;
use super::roads::Roads;
use crate::models::{AsteriskInfo, AsteriskPing, Module};

/// Operations on Asterisk itself. [`Client::asterisk`](crate::Client::asterisk) has them.
#[derive(Clone, Copy, Debug)]
pub struct Asterisk<'a>(pub(crate) &'a Roads);

impl Asterisk<'_> {
    /// Version, build, settings and age.
    pub async fn get_info(self) -> Result<AsteriskInfo, RequestError> {
        self.0.fetch(Operation::new("getInfo", Method::GET, &["asterisk", "info"])).await
    }

    /// Whether Asterisk answers, and what its clock says.
    pub async fn ping(self) -> Result<AsteriskPing, RequestError> {
        self.0.fetch(Operation::new("ping", Method::GET, &["asterisk", "ping"])).await
    }

    /// The modules that are loaded.
    pub async fn list_modules(self) -> Result<Vec<Module>, RequestError> {
        self.0.fetch(Operation::new("listModules", Method::GET, &["asterisk", "modules"])).await
    }
}
