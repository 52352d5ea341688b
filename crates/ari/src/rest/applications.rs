//! `/applications`.

use reqwest::Method;

use super::error::RequestError;
use super::operation::Operation;
use super::roads::Roads;
use crate::models::Application;

/// Operations on Stasis applications. [`Client::applications`](crate::Client::applications) has them.
#[derive(Clone, Copy, Debug)]
pub struct Applications<'a>(pub(crate) &'a Roads);

impl Applications<'_> {
    /// All applications that are registered.
    pub async fn list(self) -> Result<Vec<Application>, RequestError> {
        self.0.fetch(Operation::new("list applications", Method::GET, &["applications"])).await
    }

    /// One application, with what it is subscribed to.
    pub async fn get(self, application: &str) -> Result<Application, RequestError> {
        let segments = ["applications", application];
        self.0.fetch(Operation::new("get application", Method::GET, &segments)).await
    }
}
