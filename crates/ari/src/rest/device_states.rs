//! `/deviceStates`.

use http::Method;
use serde::Serialize;
use serde_json::json;

use super::error::RequestError;
use super::operation::Operation;
use super::roads::Roads;
use crate::models::DeviceState;

/// Operations on device states. [`Client::device_states`](crate::Client::device_states) has them.
#[derive(Clone, Copy, Debug)]
pub struct DeviceStates<'a>(pub(crate) &'a Roads);

impl DeviceStates<'_> {
    /// All states that ARI made.
    pub async fn list(self) -> Result<Vec<DeviceState>, RequestError> {
        self.0.fetch(Operation::new("list deviceStates", Method::GET, &["deviceStates"])).await
    }

    /// The state of any device, such as `PJSIP/alice` or `Stasis:desk`.
    pub async fn get(self, device: &str) -> Result<DeviceState, RequestError> {
        let segments = ["deviceStates", device];
        self.0.fetch(Operation::new("get deviceState", Method::GET, &segments)).await
    }

    /// Sets the state of a device whose name begins with `Stasis:`, and makes it if need be. Others are refused as
    /// [`Conflict`](crate::Reason::Conflict).
    pub async fn update(self, device: &str, state: SetDeviceState) -> Result<(), RequestError> {
        let segments = ["deviceStates", device];
        let operation = Operation::new("update deviceState", Method::PUT, &segments);
        self.0.perform(operation.body(&json!({ "deviceState": state }))).await
    }

    /// Deletes a device whose name begins with `Stasis:`.
    pub async fn delete(self, device: &str) -> Result<(), RequestError> {
        let segments = ["deviceStates", device];
        self.0.perform(Operation::new("delete deviceState", Method::DELETE, &segments)).await
    }
}

/// A state that a device can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SetDeviceState {
    /// Free.
    #[serde(rename = "NOT_INUSE")]
    NotInUse,
    /// In use.
    InUse,
    /// Busy.
    Busy,
    /// No device.
    Invalid,
    /// Out of reach.
    Unavailable,
    /// Rings.
    Ringing,
    /// Rings while in use.
    RingInUse,
    /// On hold.
    OnHold,
}
