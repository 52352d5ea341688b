//! Flows in virtual time.

mod broken;
mod random;
mod ready_made;
mod rehearse;
mod run;
mod scene;
