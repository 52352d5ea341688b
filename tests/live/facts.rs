//! What Asterisk 22 does where its documentation is silent or its source had to be read: one test a fact, and the name
//! of the test is the fact. The client is built on these, so they are proved with bare HTTP and bare sockets.

mod audiosocket;
mod blocking;
mod ids;
mod limits;
mod media;
mod outbound;
mod probe;
mod replies;
mod road;
mod road_cost;
mod rtp_media;
mod shared_port;
mod subscriptions;
mod unread;
mod websocket_media;

use probe::{Events, Probe};
use serde_json::{Value, json};
