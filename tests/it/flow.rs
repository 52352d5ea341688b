//! Flows in virtual time: what each node does, what broken documents are told, and that every flow ends.

mod broken;
mod random;
mod ready_made;
mod rehearse;
mod run;
mod scene;
mod talk;
