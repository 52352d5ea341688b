//! The callers: channels that Asterisk makes for a contestant to serve.

use std::error::Error;
use std::io;
use std::time::Duration;

use serde_json::json;
use tests::asterisk::Asterisk;

use crate::contestant::{FLOOD, FLOODED};
use crate::process::{Line, Process};
use crate::wire::{Access, Http, Method};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Makes calls, each a pair of Local channels: one half enters the application, the other runs dialplan.
#[derive(Debug)]
pub(crate) struct Load {
    http: Http,
    made: usize,
}

/// How long a call took to stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetUp {
    pub(crate) joined: Duration,
    pub(crate) media: Duration,
}

/// What floods came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flooded {
    pub(crate) events: u64,
    /// From the first to the last of all of them.
    pub(crate) took: Duration,
}

impl Load {
    /// Teaches Asterisk's dialplan to make many events.
    pub(crate) fn new(asterisk: &Asterisk, access: &Access) -> Result<Load> {
        let many: Vec<_> = (0..VARIABLES).map(|n| format!("V{n}=${{N}}")).collect();
        let last = format!("Set({FLOODED}=1)");
        let steps = [
            "Set(N=0)",
            &format!("MSet({})", many.join(",")),
            "Set(N=$[${N}+1])",
            &format!("GotoIf($[${{N}}<{ROUNDS}]?2)"),
            &last,
            "Wait(60)",
        ];
        for (number, step) in steps.iter().enumerate() {
            let priority = number + 1;
            asterisk.cli(&format!(
                "dialplan add extension flood,{priority},{} into queues replace",
                escaped(step)
            ))?;
        }
        let dialplan = asterisk.cli("dialplan show flood@queues")?;
        if !dialplan.contains(&last) {
            return Err(format!("the dialplan did not take the flood: {dialplan}").into());
        }
        Ok(Load { http: Http::new(access)?, made: 0 })
    }

    /// Has so many calls served, so many at once.
    pub(crate) async fn calls(
        &mut self,
        process: &mut Process,
        calls: usize,
        at_once: usize,
    ) -> Result<Vec<SetUp>> {
        let mut done = Vec::with_capacity(calls);
        for started in 0..calls + at_once {
            if started >= at_once {
                match process.says().await? {
                    Line::Call { joined, media } => done.push(SetUp { joined, media }),
                    other => return Err(format!("out of place: {other:?}").into()),
                }
            }
            if started < calls {
                self.originate("call-", "tone").await?;
            }
            if done.len() == calls {
                break;
            }
        }
        Ok(done)
    }

    /// Lets so many channels make events at once.
    pub(crate) async fn floods(&mut self, process: &mut Process, floods: usize) -> Result<Flooded> {
        for _ in 0..floods {
            self.originate(FLOOD, "flood").await?;
        }
        let (mut all, mut start, mut end) = (0, Duration::MAX, Duration::ZERO);
        for _ in 0..floods {
            match process.says().await? {
                Line::Flood { events, first, last } => {
                    (all, start, end) = (all + events, start.min(first), end.max(last));
                }
                other => return Err(format!("out of place: {other:?}").into()),
            }
        }
        Ok(Flooded { events: all, took: end.saturating_sub(start) })
    }

    /// Has so many calls walked through, one at a time.
    pub(crate) async fn walks(&mut self, process: &mut Process, calls: usize) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for _ in 0..calls {
            self.originate("walk-", "tone").await?;
            loop {
                match process.says().await? {
                    Line::Call { .. } => break,
                    line => lines.push(line),
                }
            }
        }
        Ok(lines)
    }

    /// The half in the application is called `prefix` and a number; the other, with `in-` before it, runs
    /// `extension` once the first is answered.
    async fn originate(&mut self, prefix: &str, extension: &str) -> io::Result<()> {
        self.made += 1;
        let id = format!("{prefix}{}", self.made);
        let body = json!({
            "endpoint": "Local/100@from-provider", "formats": "ulaw",
            "context": "queues", "extension": extension, "priority": 1,
            "channelId": format!("in-{id}"), "otherChannelId": id,
        });
        match self.http.request(Method::Post, "channels", &body.to_string()).await? {
            200 => Ok(()),
            status => Err(io::Error::other(format!("originate {id}: status {status}"))),
        }
    }
}

/// How many variables one step of the dialplan sets.
const VARIABLES: usize = 20;

/// How many such steps a flood has.
const ROUNDS: usize = 100;

/// A step as the console reads it: a comma parts its arguments, and a quoted one is taken whole.
fn escaped(step: &str) -> String {
    format!("\"{}\"", step.replace('"', "\\\""))
}
