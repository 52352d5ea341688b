//! A running SIPp: what it reports, and how it is told to go on.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::End;
use super::side::Side;
use crate::asterisk::{RigError, udp_sockets};

/// A SIPp process and the thread that reads what it reports.
pub(super) struct Sipp {
    process: Child,
    pub(super) control: Control,
    reader: Option<JoinHandle<()>>,
}

impl Sipp {
    pub(super) fn spawn(
        mut command: Command,
        port: u16,
        side: Arc<Side>,
        mut react: impl FnMut(&Control, &str, Instant, News) + Send + 'static,
    ) -> io::Result<Sipp> {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        let control = Control { port, socket, sent: Arc::default() };
        let mut process = command.spawn()?;
        let lines = BufReader::new(process.stderr.take().expect("piped in sipp()"));
        let theirs = control.clone();
        let reader = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                match News::parse(&line) {
                    Some((call_id, news)) => {
                        let now = Instant::now();
                        side.note(call_id, now, news.clone());
                        react(&theirs, call_id, now, news);
                    }
                    // What it says when all is well is not worth a test's output.
                    None if line.starts_with("Resolving remote host") => {}
                    None => eprintln!("sipp {}: {line}", theirs.port),
                }
            }
            side.note_gone(Instant::now());
        });
        Ok(Sipp { process, control, reader: Some(reader) })
    }

    pub(super) fn wait_until_open(&mut self) -> Result<(), RigError> {
        let (port, give_up) = (self.control.port, Instant::now() + START);
        while udp_sockets(port..port + 1)? == 0 {
            if self.process.try_wait()?.is_some() || Instant::now() > give_up {
                return Err(RigError::Failed(format!("SIPp does not listen on port {port}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

/// The way to steer a SIPp: a MESSAGE takes the scenario of its Call-ID to the next step.
#[derive(Clone)]
pub(super) struct Control {
    port: u16,
    socket: Arc<UdpSocket>,
    sent: Arc<AtomicU32>,
}

impl Control {
    pub(super) fn next(&self, call_id: &str) {
        self.next_with(call_id, "");
    }

    /// The same with a header of its own, a whole line or nothing.
    pub(super) fn next_with(&self, call_id: &str, header: &str) {
        // The same bytes twice would be taken for a retransmission.
        let cseq = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let message = format!(
            "MESSAGE sip:rig@127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-rig\r\n\
             From: <sip:rig@127.0.0.1>;tag=rig\r\nTo: <sip:rig@127.0.0.1>\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} MESSAGE\r\n{header}Content-Length: 0\r\n\r\n"
        );
        // A SIPp that is gone has ended its call.
        let _ = self.socket.send_to(message.as_bytes(), (Ipv4Addr::LOCALHOST, self.port));
    }
}

/// What SIPp's scenarios report, a line each: "rig WORD CALL-ID ARGUMENT". On a busy machine SIPp puts its own warnings in
/// front, without the end of a line.
#[derive(Debug, Clone)]
pub(super) enum News {
    Trying,
    Ringing,
    Early(u16),
    /// The tag that Asterisk gave the call: others can name the call by it.
    Tag(String),
    Answered(u16),
    /// What came of a REFER, as a SIP status.
    Referred(u16),
    Ended(End),
}

impl News {
    fn parse(line: &str) -> Option<(&str, News)> {
        let (_, report) = line.rsplit_once("rig ")?;
        let mut words = report.split(' ');
        let (word, call_id, argument) = (words.next()?, words.next()?, words.next());
        let number = || argument?.parse().ok();
        let news = match word {
            "trying" => News::Trying,
            "ringing" => News::Ringing,
            "early" => News::Early(number()?),
            "tag" => News::Tag(argument?.trim_start_matches("tag=").to_owned()),
            "answered" => News::Answered(number()?),
            "referred" => News::Referred(number()?),
            "refused" => News::Ended(End::Unanswered(number()?)),
            "ended" if argument == Some("asterisk") => News::Ended(End::Theirs),
            "ended" => News::Ended(End::Ours),
            _ => return None,
        };
        Some((call_id, news))
    }
}

/// How long a SIPp may take to listen.
const START: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_behind_a_warning() {
        for before in ["", "Overload warning: tripped (512), 119 trips remaining."] {
            let line = format!("{before}rig refused 7c6c12e0-9e32 487");
            let Some((call, News::Ended(End::Unanswered(487)))) = News::parse(&line) else {
                panic!("{line}");
            };
            assert_eq!(call, "7c6c12e0-9e32");
        }
    }
}
