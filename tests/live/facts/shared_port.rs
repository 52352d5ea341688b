//! External media channels that share one UDP port of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use audio::rtp::{self, Header, Packet};
use audio::{FRAME, FRAME_TIME, SAMPLE_RATE, g711, tone};

use super::{Events, Probe, json};
use reqwest::Method;

/// A second of sound.
const SECOND: usize = SAMPLE_RATE as usize;

/// An even port of ours and the one above it: RTP and RTCP (RFC 3550 section 11).
struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Pair {
    fn bind() -> Pair {
        let bound = (32_000..u16::MAX).step_by(2).find_map(|port| {
            let at = |port: u16| UdpSocket::bind(("127.0.0.1", port)).ok();
            Some(Pair { rtp: at(port)?, rtcp: at(port + 1)? })
        });
        let pair = bound.expect("a free pair of ports");
        for socket in [&pair.rtp, &pair.rtcp] {
            socket.set_nonblocking(true).expect("a socket can be that");
        }
        pair
    }

    fn address(&self) -> SocketAddr {
        self.rtp.local_addr().expect("bound")
    }
}

/// Our end of one channel: what is said to it, and what is heard from it.
struct Leg {
    channel: String,
    /// Where Asterisk takes and sends its sound, as its reply says.
    asterisk: SocketAddr,
    header: Header,
    /// A second of a tone in mu-law, said again and again.
    tone: Vec<u8>,
    heard: Vec<i16>,
    ssrcs: BTreeSet<u32>,
    payload_types: BTreeSet<u8>,
}

impl Leg {
    async fn open(probe: &Probe, events: &mut Events, pair: &Pair, n: usize) -> Leg {
        let channel = format!("leg-{n}");
        let body = json!({
            "app": "facts", "channelId": channel, "format": "ulaw",
            "external_host": pair.address().to_string(),
        });
        let made = probe.ask(Method::POST, "channels/externalMedia", body).await;
        events.until_in_stasis(&channel).await;
        let variable = |name: &str| made["channelvars"][name].as_str().expect("in the reply");
        let (address, port) =
            (variable("UNICASTRTP_LOCAL_ADDRESS"), variable("UNICASTRTP_LOCAL_PORT"));
        let asterisk = format!("{address}:{port}").parse().expect("an address");
        let mut samples = vec![0; SECOND];
        tone::Sine::new(f64::from(hz(n)), -15.0).fill(&mut samples);
        let mut tone = vec![0; SECOND];
        g711::encode_ulaw(&samples, &mut tone);
        let header = Header { ssrc: 1000 + n as u32, ..Header::default() };
        Leg {
            channel,
            asterisk,
            header,
            tone,
            heard: Vec::new(),
            ssrcs: BTreeSet::new(),
            payload_types: BTreeSet::new(),
        }
    }

    fn speak(&mut self, from: &UdpSocket) {
        let mut packet = [0; rtp::HEADER_LEN + FRAME];
        self.header.write(packet.first_chunk_mut().expect("longer"));
        let at = self.header.timestamp as usize % SECOND;
        packet[rtp::HEADER_LEN..].copy_from_slice(&self.tone[at..at + FRAME]);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(FRAME as u32);
        from.send_to(&packet, self.asterisk).expect("loopback takes it");
    }

    /// How much of the power of the last second lies at the tone of leg `n`; 0 while less was heard.
    fn share_of(&self, n: usize) -> f64 {
        let Some(last) = self.heard.len().checked_sub(SECOND) else { return 0.0 };
        let last = &self.heard[last..];
        let all = 10_f64.powf(tone::level_dbfs(last) / 10.0);
        tone::power(last, f64::from(hz(n))) / all.max(1e-9)
    }
}

/// The tone of each leg: whole numbers, so that a second of it can be joined to itself, and further apart than what a
/// second tells apart.
fn hz(n: usize) -> u32 {
    400 + 14 * n as u32
}

/// An Asterisk with `count` channels, the first in a bridge with the second and so on.
struct Rig {
    _probe: Probe,
    pair: Pair,
    legs: Vec<Leg>,
    /// By Asterisk's address.
    index: BTreeMap<SocketAddr, usize>,
    /// Datagrams from addresses that no reply named.
    foreign: usize,
    /// Datagrams on the port above ours.
    reports: usize,
    _events: Events,
}

impl Rig {
    async fn start(count: usize) -> Option<Rig> {
        Rig::start_with_strict_rtp(count, "yes").await
    }

    async fn start_with_strict_rtp(count: usize, strict: &str) -> Option<Rig> {
        let probe = Probe::start()?;
        // Of a setting that stands twice in the file Asterisk takes the first.
        let file = probe.asterisk.folder().join("etc/rtp.conf");
        let text = std::fs::read_to_string(&file).expect("the rig's file");
        let text = text.replace("strictrtp = yes", &format!("strictrtp = {strict}"));
        std::fs::write(&file, text).expect("the rig's file");
        for command in ["module reload res_rtp_asterisk.so", "rtp show settings"] {
            let said = probe.asterisk.cli(command).expect("Asterisk answers");
            for line in said.lines().filter(|line| line.contains("Strict RTP:")) {
                assert!(line.to_lowercase().ends_with(strict), "{line}");
            }
        }
        let mut events = probe.events("app=facts").await;
        let pair = Pair::bind();
        let mut legs = Vec::new();
        for n in 0..count {
            legs.push(Leg::open(&probe, &mut events, &pair, n).await);
        }
        for (n, two) in legs.chunks(2).enumerate() {
            let bridge = format!("bridges/bridge-{n}");
            probe.ask(Method::POST, &bridge, json!({ "type": "mixing,proxy_media" })).await;
            let channels: Vec<&str> = two.iter().map(|leg| leg.channel.as_str()).collect();
            let add = json!({ "channel": channels });
            probe.ask(Method::POST, &format!("{bridge}/addChannel"), add).await;
        }
        let index = legs.iter().enumerate().map(|(n, leg)| (leg.asterisk, n)).collect();
        Some(Rig { _probe: probe, pair, legs, index, foreign: 0, reports: 0, _events: events })
    }

    /// Every leg speaks in the rhythm of the frames, and `also` is done with each, until what is heard is `enough` or
    /// so much time is over.
    async fn talk(
        &mut self,
        longest: Duration,
        mut also: impl FnMut(&Rig),
        enough: impl Fn(&Rig) -> bool,
    ) {
        let mut beat = tokio::time::interval(FRAME_TIME);
        let give_up = Instant::now() + longest;
        while !enough(self) && Instant::now() < give_up {
            beat.tick().await;
            for leg in &mut self.legs {
                leg.speak(&self.pair.rtp);
            }
            also(self);
            self.listen();
        }
    }

    /// Takes whatever has come.
    fn listen(&mut self) {
        let mut datagram = [0; 2000];
        while let Some((len, from)) = received(&self.pair.rtp, &mut datagram) {
            let Some(n) = self.index.get(&from) else {
                self.foreign += 1;
                continue;
            };
            let packet = Packet::parse(&datagram[..len]).expect("Asterisk sends RTP");
            let leg = &mut self.legs[*n];
            leg.ssrcs.insert(packet.ssrc);
            leg.payload_types.insert(packet.payload_type);
            leg.heard.extend(packet.payload.iter().map(|code| g711::decode_ulaw_sample(*code)));
        }
        while received(&self.pair.rtcp, &mut datagram).is_some() {
            self.reports += 1;
        }
    }

    fn hears_its_partner(&self, n: usize) -> bool {
        self.legs[n].share_of(n ^ 1) > 0.8
    }

    fn all_hear_their_partners(&self) -> bool {
        (0..self.legs.len()).all(|n| self.hears_its_partner(n))
    }
}

fn received(socket: &UdpSocket, datagram: &mut [u8]) -> Option<(usize, SocketAddr)> {
    match socket.recv_from(datagram) {
        Ok(received) => Some(received),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn two_hundred_channels_on_one_port_are_told_apart_by_the_address_in_the_reply() {
    let Some(mut rig) = Rig::start(200).await else { return };
    assert_eq!(rig.index.len(), 200, "an address of its own for each, before the first packet");
    rig.talk(Duration::from_secs(20), |_| (), Rig::all_hear_their_partners).await;
    let deaf: Vec<usize> = (0..200).filter(|n| !rig.hears_its_partner(*n)).collect();
    assert_eq!(deaf, [0; 0], "these do not hear their partner's tone");
    assert_eq!(rig.foreign, 0, "all comes from where the replies said");
    for leg in &rig.legs {
        assert_eq!(leg.ssrcs.len(), 1, "{}: one stream", leg.channel);
        assert_eq!(leg.payload_types, BTreeSet::from([rtp::PCMU]), "{}", leg.channel);
    }
    let ssrcs: BTreeSet<u32> = rig.legs.iter().flat_map(|leg| leg.ssrcs.iter().copied()).collect();
    println!("{} different SSRCs among 200 legs", ssrcs.len());
}

#[tokio::test]
async fn no_report_ever_comes_and_none_is_missed() {
    let Some(mut rig) = Rig::start(2).await else { return };
    // Where Asterisk sends reports it does so every five seconds.
    rig.talk(Duration::from_secs(12), |_| (), |_| false).await;
    assert_eq!(rig.reports, 0, "Asterisk sends no RTCP for external media");
    assert!(rig.all_hear_their_partners(), "and the sound goes on");
}

#[tokio::test]
async fn strict_rtp_keeps_a_stranger_out_who_is_heard_without_it() {
    let hears_stranger = |strict: &'static str| async move {
        let mut rig = Rig::start_with_strict_rtp(2, strict).await?;
        // Asterisk trusts an address once packets have come from it for a while.
        rig.talk(Duration::from_secs(20), |_| (), Rig::all_hear_their_partners).await;
        assert!(rig.all_hear_their_partners());
        let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
        stranger.set_nonblocking(true).expect("a socket can be that");
        let (mut loud, to) = (vec![0; FRAME], rig.legs[0].asterisk);
        tone::Sine::new(250.0, -3.0).fill(&mut loud);
        let mut packet = vec![0; rtp::HEADER_LEN + FRAME];
        g711::encode_ulaw(&loud, &mut packet[rtp::HEADER_LEN..]);
        let mut header = Header { ssrc: 6, ..Header::default() };
        let before = rig.legs[1].heard.len();
        let enough = |rig: &Rig| rig.legs[1].heard.len() >= before + 2 * SECOND;
        let shout = |_: &Rig| {
            header.sequence += 1;
            header.timestamp += FRAME as u32;
            header.write(packet.first_chunk_mut().expect("longer"));
            stranger.send_to(&packet, to).expect("loopback takes it");
        };
        rig.talk(Duration::from_secs(20), shout, enough).await;
        let redirected = received(&stranger, &mut [0; 2000]).is_some();
        let heard = rig.legs[1].share_of(0);
        println!(
            "strictrtp = {strict}: partner's share {heard:.3}, sound sent to the stranger: {redirected}"
        );
        Some((heard > 0.8, redirected))
    };
    let Some(strict) = hears_stranger("yes").await else { return };
    assert_eq!(strict, (true, false), "the partner is still heard, and the stranger gets nothing");
    let loose = hears_stranger("no").await.expect("as before");
    assert_eq!(loose, (false, false), "the stranger is heard in the partner's place");
}
