//! `/sounds`: the prompts that are installed.

use http::Method;

use super::error::RequestError;
use super::operation::Operation;
use super::roads::Roads;
use crate::models::Sound;

/// Operations on sounds. [`Client::sounds`](crate::Client::sounds) has them.
#[derive(Clone, Copy, Debug)]
pub struct Sounds<'a>(pub(crate) &'a Roads);

impl Sounds<'_> {
    /// The sounds of a language and a format, where these are given.
    pub async fn list(
        self,
        lang: Option<&str>,
        format: Option<&str>,
    ) -> Result<Vec<Sound>, RequestError> {
        let mut operation = Operation::new("list sounds", Method::GET, &["sounds"]);
        for (name, value) in [("lang", lang), ("format", format)] {
            if let Some(value) = value {
                operation = operation.query(name, value);
            }
        }
        self.0.fetch(operation).await
    }

    /// One sound, such as `hello-world`.
    pub async fn get(self, sound: &str) -> Result<Sound, RequestError> {
        self.0.fetch(Operation::new("get sound", Method::GET, &["sounds", sound])).await
    }
}
