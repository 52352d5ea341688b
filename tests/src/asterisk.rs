//! A real Asterisk for one test: its own configuration, ports and files, gone when it is dropped.
//!
//! `tests/rig/asterisk` does the work, from the root folder that `tests/rig/setup` built; what it
//! runs is the configuration of `assets/asterisk/`, the files that users copy.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// An Asterisk that has booted and listens on loopback.
#[derive(Debug)]
pub struct Asterisk {
    wrapper: Child,
    folder: PathBuf,
    addresses: Addresses,
    ports: PortBlock,
}

/// Why there is no Asterisk.
#[derive(Debug)]
pub enum RigError {
    /// This machine cannot run the rig; the text says what it lacks. Skip the scenario.
    Skipped(String),
    /// It should have worked; the text is what Asterisk or the rig said.
    Failed(String),
}

/// The user of `assets/asterisk/ari.conf`.
pub const USERNAME: &str = "patchcord";

impl Asterisk {
    /// Starts one and waits until it has fully booted, about a second.
    ///
    /// # Errors
    /// [`RigError::Skipped`] without root, namespaces or the root folder of `tests/rig/setup`;
    /// [`RigError::Failed`] with the tail of its log if it does not come up.
    pub fn start() -> Result<Asterisk, RigError> {
        Asterisk::start_with(&[])
    }

    /// The same with lines added to its configuration: pairs of a file's name, such as `http.conf`, and what is
    /// appended to it.
    ///
    /// # Errors
    /// As for [`Asterisk::start`].
    pub fn start_with(added: &[(&str, &str)]) -> Result<Asterisk, RigError> {
        let ports = PortBlock::claim()?;
        let folder =
            std::env::temp_dir().join(format!("rig-{}-{}", std::process::id(), ports.base));
        std::fs::create_dir_all(folder.join("added"))?;
        for (file, lines) in added {
            std::fs::write(folder.join("added").join(file), lines)?;
        }
        let mut wrapper = Command::new(rig_folder().join("asterisk"))
            .arg("start")
            .arg(&folder)
            .arg(ports.base.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // Both end when the script has printed its addresses and becomes Asterisk, or gives up.
        let printed = read_all(wrapper.stdout.take())?;
        let complaint = read_all(wrapper.stderr.take())?;
        let Some(addresses) = Addresses::parse(&printed) else {
            let code = wrapper.wait()?.code();
            let _ = std::fs::remove_dir_all(&folder);
            return Err(match code {
                Some(SKIPPED) => RigError::Skipped(complaint.trim().to_owned()),
                _ => RigError::Failed(format!("tests/rig/asterisk start: {complaint}")),
            });
        };
        let mut asterisk = Asterisk { wrapper, folder, addresses, ports };
        asterisk.wait_until_booted()?;
        Ok(asterisk)
    }

    /// Ends it as a crash would: nobody is told, and nothing of it is left but its files.
    ///
    /// # Errors
    /// When there is nothing to kill.
    pub fn kill(&mut self) -> io::Result<()> {
        let process = self.pid()?.to_string();
        self.wrapper.kill()?;
        self.wrapper.wait()?;
        // The kernel ends Asterisk after its wrapper, and only then are its ports free.
        while Path::new("/proc").join(&process).exists() {
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Starts one that was killed again, with the same ports and files, and waits until it has fully booted.
    ///
    /// # Errors
    /// [`RigError::Failed`] with the tail of its log if it does not come up.
    pub fn restart(&mut self) -> Result<(), RigError> {
        let rig = rig_folder().join("asterisk");
        let mut again = Command::new(rig);
        again.arg("again").arg(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        self.wrapper = again.spawn()?;
        self.wait_until_booted()
    }

    /// Where ARI is, for example `http://127.0.0.1:20001/ari`.
    pub fn ari_url(&self) -> String {
        format!("http://127.0.0.1:{}/ari", self.addresses.http)
    }

    /// The TCP port of Asterisk's web server.
    pub fn http_port(&self) -> u16 {
        self.addresses.http
    }

    /// The ARI user's name.
    pub fn username(&self) -> &str {
        USERNAME
    }

    /// The ARI user's password, another for each Asterisk.
    pub fn password(&self) -> &str {
        &self.addresses.password
    }

    /// The UDP port that takes calls.
    pub fn sip_port(&self) -> u16 {
        self.addresses.sip
    }

    /// The UDP port at which Asterisk expects the phone `name` (an endpoint `PJSIP/name`). `None`
    /// when the rig has no such phone.
    pub fn phone_port(&self, name: &str) -> Option<u16> {
        self.addresses.phones.get(name).copied()
    }

    /// What Asterisk's console answers to `command`, for example `core show channels`.
    ///
    /// # Errors
    /// Whatever the control socket gives, for example when Asterisk has ended.
    pub fn cli(&self, command: &str) -> io::Result<String> {
        let mut socket = UnixStream::connect(self.folder.join("asterisk.ctl"))?;
        socket.set_read_timeout(Some(BOOT))?;
        // One write: the console takes what one read gives it for a whole command.
        socket.write_all(format!("cli quit after {command}\0").as_bytes())?;
        let mut said = Vec::new();
        socket.read_to_end(&mut said)?;
        let said = String::from_utf8_lossy(&said);
        // Its first line is a greeting: host, process and version.
        Ok(said.split_once('\n').map_or(String::new(), |(_, answer)| answer.to_owned()))
    }

    /// What Asterisk holds right now: all of it is 0 when no call is up, except the files.
    ///
    /// # Errors
    /// As for [`Asterisk::cli`].
    pub fn holdings(&self) -> io::Result<Holdings> {
        let channels = self.cli("core show channels count")?;
        let bridges = self.cli("bridge show all")?;
        Ok(Holdings {
            channels: channels
                .lines()
                .find(|line| line.contains("active channel"))
                .and_then(|line| line.split_whitespace().next()?.parse().ok())
                .ok_or_else(|| io::Error::other(format!("no count in {channels:?}")))?,
            bridges: bridges.lines().skip(1).filter(|line| !line.trim().is_empty()).count(),
            rtp_sockets: udp_sockets(self.ports.rtp())?,
            open_files: self.open_files()?,
        })
    }

    /// Asterisk's log so far: notices, warnings and errors.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("messages")).unwrap_or_default()
    }

    /// A SIP port for one more caller.
    pub(crate) fn caller_port(&self) -> u16 {
        self.ports.caller()
    }

    /// The folder of this Asterisk's files, which Asterisk itself knows as `/rig`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Asterisk's process.
    ///
    /// # Errors
    /// When Asterisk has ended.
    pub fn pid(&self) -> io::Result<u32> {
        let wrapper = self.wrapper.id();
        let children = std::fs::read_to_string(format!("/proc/{wrapper}/task/{wrapper}/children"))?;
        children.trim().parse().map_err(|_| io::Error::other("Asterisk has ended"))
    }

    fn open_files(&self) -> io::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.pid()?))?.count())
    }

    fn wait_until_booted(&mut self) -> Result<(), RigError> {
        let give_up = Instant::now() + BOOT;
        loop {
            // The socket is there before the boot is over; this command waits for the rest.
            if self.cli("core waitfullybooted").is_ok_and(|said| said.contains("fully booted")) {
                return Ok(());
            }
            let ended = self.wrapper.try_wait()?;
            if ended.is_some() || Instant::now() > give_up {
                let console = std::fs::read_to_string(self.folder.join("console"))?;
                let log = self.log();
                return Err(RigError::Failed(format!("Asterisk did not boot: {console}\n{log}")));
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        // A failed test shows what Asterisk thought of it.
        if std::thread::panicking() {
            eprintln!("Asterisk's log:\n{}", self.log());
        }
        let _ = self.cli("core stop now");
        let give_up = Instant::now() + Duration::from_secs(3);
        while matches!(self.wrapper.try_wait(), Ok(None)) && Instant::now() < give_up {
            std::thread::sleep(POLL);
        }
        // The kernel ends Asterisk with its wrapper, so this is enough for one that hangs, too.
        let _ = self.wrapper.kill();
        let _ = self.wrapper.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a call may leave behind in Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    /// Channels of any kind.
    pub channels: usize,
    /// Bridges of any kind.
    pub bridges: usize,
    /// UDP sockets in the range of `rtp.conf`.
    pub rtp_sockets: usize,
    /// Open file descriptors; a few are there without calls.
    pub open_files: usize,
}

impl fmt::Display for RigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RigError::Skipped(reason) | RigError::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for RigError {}

impl From<io::Error> for RigError {
    fn from(error: io::Error) -> RigError {
        RigError::Failed(error.to_string())
    }
}

/// The folder of the rig's scripts and scenarios.
pub(crate) fn rig_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rig"))
}

/// The exit code by which the rig's scripts say that this machine cannot run them.
const SKIPPED: i32 = 77;
const BOOT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// What `tests/rig/asterisk start` prints.
#[derive(Debug, Default)]
struct Addresses {
    http: u16,
    sip: u16,
    password: String,
    phones: HashMap<String, u16>,
}

impl Addresses {
    fn parse(printed: &str) -> Option<Addresses> {
        let mut addresses = Addresses::default();
        for line in printed.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["http", port] => addresses.http = port.parse().ok()?,
                ["sip", port] => addresses.sip = port.parse().ok()?,
                ["password", password] => addresses.password = password.to_owned(),
                ["phone", name, port] => {
                    addresses.phones.insert(name.to_owned(), port.parse().ok()?);
                }
                _ => return None,
            }
        }
        (addresses.http != 0).then_some(addresses)
    }
}

/// A thousand ports that are this Asterisk's alone for as long as the first is held. They lie below
/// the range from which Linux takes ports for everybody else.
#[derive(Debug)]
struct PortBlock {
    base: u16,
    callers: AtomicU16,
    _held: UdpSocket,
}

impl PortBlock {
    fn claim() -> Result<PortBlock, RigError> {
        (10_000..32_000)
            .step_by(1000)
            .find_map(|base| {
                let held = UdpSocket::bind((Ipv4Addr::LOCALHOST, base)).ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, base + 1)).ok()?;
                for port in base + 2..base + 20 {
                    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
                }
                Some(PortBlock { base, callers: AtomicU16::new(0), _held: held })
            })
            .ok_or_else(|| RigError::Failed("no free ports from 10000 to 32000".into()))
    }

    /// The SIP port of the next caller; one comes round again after 200 others.
    fn caller(&self) -> u16 {
        self.base + 100 + self.callers.fetch_add(1, Ordering::Relaxed) % 200
    }

    fn rtp(&self) -> std::ops::Range<u16> {
        self.base + 300..self.base + 1000
    }
}

/// UDP sockets of this machine on the ports of `range`.
pub(crate) fn udp_sockets(range: std::ops::Range<u16>) -> io::Result<usize> {
    let sockets = std::fs::read_to_string("/proc/net/udp")?;
    Ok(sockets
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.split_once(':'))
        .filter_map(|(_, port)| u16::from_str_radix(port, 16).ok())
        .filter(|port| range.contains(port))
        .count())
}

fn read_all(pipe: Option<impl Read>) -> io::Result<String> {
    let mut text = String::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_string(&mut text)?;
    }
    Ok(text)
}
