//! Flows in virtual time.

mod broken;
mod random;
mod ready_made;
mod run;
mod scene;
