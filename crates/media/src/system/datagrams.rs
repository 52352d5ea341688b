//! Datagrams in batches: `recvmmsg` and `sendmmsg`.

use super::Name;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
};

/// Datagrams a system call. From 32 on the cost of the call itself is out of sight.
pub(crate) const BATCH: usize = 64;

/// The largest datagram that is taken, in bytes: more than any network here carries in one piece.
pub(crate) const MAX_DATAGRAM: usize = 1600;

/// Takes datagrams from a socket, many at a time, into memory of its own.
pub(crate) struct Receiver {
    buffers: Vec<[u8; MAX_DATAGRAM]>,
    names: Vec<[u8; Name::MAX]>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

/// What one datagram was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Datagram<'a> {
    /// `None` where the kernel names no Internet address.
    pub(crate) from: Option<SocketAddr>,
    /// `None` for one that is longer than [`MAX_DATAGRAM`].
    pub(crate) bytes: Option<&'a [u8]>,
}

impl Receiver {
    pub(crate) fn new() -> Receiver {
        Receiver {
            buffers: vec![[0; MAX_DATAGRAM]; BATCH],
            names: vec![[0; Name::MAX]; BATCH],
            vectors: vec![NO_VECTOR; BATCH],
            headers: vec![NO_HEADER; BATCH],
        }
    }

    /// Takes what waits in the socket, up to [`BATCH`], without waiting for more; gives how many.
    ///
    /// # Errors
    /// Whatever the system says; that nothing waits is 0.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        let parts = self.buffers.iter_mut().zip(&mut self.names);
        for ((header, vector), (buffer, name)) in
            self.headers.iter_mut().zip(&mut self.vectors).zip(parts)
        {
            *vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: MAX_DATAGRAM };
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = name.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = Name::MAX as libc::socklen_t;
        }
        // SAFETY: there are BATCH headers; each was just now pointed to its own vector, buffer and
        // name, which this value owns, which have the lengths given, and which nothing else touches
        // during the call. The kernel writes bytes there, and any bytes are values of u8 arrays.
        let received = unsafe {
            let headers = self.headers.as_mut_ptr();
            let flags = libc::MSG_DONTWAIT;
            libc::recvmmsg(socket.as_raw_fd(), headers, BATCH as _, flags, std::ptr::null_mut())
        };
        match usize::try_from(received) {
            Ok(received) => Ok(received),
            Err(_) => match io::Error::last_os_error() {
                e if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    Ok(0)
                }
                error => Err(error),
            },
        }
    }

    /// The datagram `n` of those received last.
    pub(crate) fn datagram(&self, n: usize) -> Datagram<'_> {
        let header = &self.headers[n];
        let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
        let len = (header.msg_len as usize).min(MAX_DATAGRAM);
        Datagram { from: Name::read(&self.names[n]), bytes: whole.then(|| &self.buffers[n][..len]) }
    }
}

/// Collects packets of `LEN` bytes and sends them together. `T` is what the owner wants to know a
/// packet by when it learns whether it was sent.
pub(crate) struct Sender<T, const LEN: usize> {
    packets: Vec<Packet<T, LEN>>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

struct Packet<T, const LEN: usize> {
    bytes: [u8; LEN],
    to: Name,
    from: Option<Source>,
    tag: T,
}

impl<T, const LEN: usize> Sender<T, LEN> {
    pub(crate) fn new() -> Sender<T, LEN> {
        Sender {
            packets: Vec::with_capacity(BATCH),
            vectors: vec![NO_VECTOR; BATCH],
            headers: vec![NO_HEADER; BATCH],
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.packets.len() == BATCH
    }

    /// Adds a packet.
    ///
    /// # Panics
    /// When it is full.
    pub(crate) fn push(&mut self, bytes: [u8; LEN], to: Name, tag: T) {
        self.push_from(None, bytes, to, tag);
    }

    /// Adds a packet that leaves from an address of this machine which the socket, bound to any,
    /// does not name itself.
    ///
    /// # Panics
    /// When it is full.
    pub(crate) fn push_from(&mut self, from: Option<Source>, bytes: [u8; LEN], to: Name, tag: T) {
        assert!(!self.is_full(), "the owner sends a full batch");
        self.packets.push(Packet { bytes, to, from, tag });
    }

    /// Sends all, and tells of each whether it went. When the socket's buffer is full the rest is
    /// given up at once: a packet that waits is a packet too late.
    pub(crate) fn send(
        &mut self,
        socket: &UdpSocket,
        mut told: impl FnMut(T, Result<(), &io::Error>),
    ) {
        let places = self.headers.iter_mut().zip(&mut self.vectors);
        for (packet, (header, vector)) in self.packets.iter_mut().zip(places) {
            *vector = libc::iovec { iov_base: packet.bytes.as_mut_ptr().cast(), iov_len: LEN };
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = packet.to.bytes.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = libc::socklen_t::from(packet.to.len);
            let (control, len) = match &mut packet.from {
                Some(source) => (source.0.as_mut_ptr().cast(), Source::LEN),
                None => (std::ptr::null_mut(), 0),
            };
            header.msg_hdr.msg_control = control;
            header.msg_hdr.msg_controllen = len as _;
        }
        let count = self.packets.len();
        let mut failed = [const { None }; BATCH];
        let mut done = 0;
        while done < count {
            // SAFETY: the headers from `done` to `count` were pointed above to the packets of the
            // same numbers, which this value owns and which stay where they are; the kernel only
            // reads what they point to, and writes each header's length.
            let sent = unsafe {
                let headers = self.headers[done..count].as_mut_ptr();
                let flags = libc::MSG_DONTWAIT;
                libc::sendmmsg(socket.as_raw_fd(), headers, (count - done) as _, flags)
            };
            if let Ok(sent @ 1..) = usize::try_from(sent) {
                done += sent;
                continue;
            }
            // It was the first of the rest that failed.
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => {
                    failed[done..count].fill_with(|| error.raw_os_error());
                    done = count;
                }
                _ => {
                    failed[done] = error.raw_os_error();
                    done += 1;
                }
            }
        }
        for (packet, failed) in self.packets.drain(..).zip(failed) {
            match failed.map(io::Error::from_raw_os_error) {
                None => told(packet.tag, Ok(())),
                Some(error) => told(packet.tag, Err(&error)),
            }
        }
    }
}

/// The address that a datagram leaves from, as the control message `IP_PKTINFO` (ip(7)).
#[derive(Debug, Clone, Copy)]
#[repr(align(8))]
pub(crate) struct Source([u8; Source::LEN]);

impl Source {
    /// A header of 16 bytes, and 12 of `in_pktinfo` filled up to whole words.
    const LEN: usize = 32;

    pub(crate) fn new(from: Ipv4Addr) -> Source {
        let mut bytes = [0; Source::LEN];
        let len = size_of::<libc::cmsghdr>() + size_of::<libc::in_pktinfo>();
        bytes[..8].copy_from_slice(&(len as u64).to_ne_bytes());
        bytes[8..12].copy_from_slice(&libc::IPPROTO_IP.to_ne_bytes());
        bytes[12..16].copy_from_slice(&libc::IP_PKTINFO.to_ne_bytes());
        // The interface is left to the kernel; the field after it is the source.
        bytes[20..24].copy_from_slice(&from.octets());
        Source(bytes)
    }
}

const NO_VECTOR: libc::iovec = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };

const NO_HEADER: libc::mmsghdr = libc::mmsghdr {
    msg_hdr: libc::msghdr {
        msg_name: std::ptr::null_mut(),
        msg_namelen: 0,
        msg_iov: std::ptr::null_mut(),
        msg_iovlen: 0,
        msg_control: std::ptr::null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    },
    msg_len: 0,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(at: &str) -> UdpSocket {
        UdpSocket::bind(at).unwrap()
    }

    fn address(socket: &UdpSocket) -> SocketAddr {
        socket.local_addr().unwrap()
    }

    #[test]
    fn what_std_sends_is_received_whole_in_order_and_by_its_sender() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let (here, there) = (socket(at), socket(at));
            let mut receiver = Receiver::new();
            assert_eq!(receiver.receive(&here).unwrap(), 0, "nothing yet");
            for n in 0..100_u8 {
                there.send_to(&vec![n; usize::from(n)], address(&here)).unwrap();
            }
            for batch in [0..64, 64..100] {
                assert_eq!(receiver.receive(&here).unwrap(), batch.len());
                for (n, sent) in batch.enumerate() {
                    let expected = vec![sent; usize::from(sent)];
                    let datagram = receiver.datagram(n);
                    assert_eq!(datagram.bytes, Some(&expected[..]));
                    assert_eq!(datagram.from, Some(address(&there)));
                }
            }
        }
    }

    #[test]
    fn a_datagram_too_long_is_not_taken_for_a_shorter_one() {
        let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        for len in [MAX_DATAGRAM, MAX_DATAGRAM + 1, 3] {
            there.send_to(&vec![7; len], address(&here)).unwrap();
        }
        let mut receiver = Receiver::new();
        assert_eq!(receiver.receive(&here).unwrap(), 3);
        let lengths: Vec<Option<usize>> =
            (0..3).map(|n| receiver.datagram(n).bytes.map(<[u8]>::len)).collect();
        assert_eq!(lengths, [Some(MAX_DATAGRAM), None, Some(3)]);
    }

    #[test]
    fn what_is_sent_std_receives_and_each_failure_is_told_of_its_own_packet() {
        let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let local = address(&here).ip();
        let mut sender = Sender::<usize, 2>::new();
        for round in 0..2 {
            while !sender.is_full() {
                let n = sender.packets.len();
                // Nothing can be sent to port 0.
                let port = if n % 10 == 3 { 0 } else { address(&there).port() };
                let to = Name::for_socket_at(local, SocketAddr::new(local, port));
                sender.push([round, n as u8], to, n);
            }
            let mut told = Vec::new();
            sender.send(&here, |n, sent| told.push((n, sent.is_ok())));
            let expected: Vec<(usize, bool)> = (0..BATCH).map(|n| (n, n % 10 != 3)).collect();
            assert_eq!(told, expected);
            let mut bytes = [0; 10];
            for (n, _) in expected.into_iter().filter(|(_, sent)| *sent) {
                assert_eq!(there.recv_from(&mut bytes).unwrap(), (2, address(&here)));
                assert_eq!(bytes[..2], [round, n as u8]);
            }
        }
        sender.send(&here, |_, _| panic!("nothing was pushed"));
    }

    #[test]
    fn a_packet_leaves_from_the_source_that_it_names() {
        let (any, there) = (socket("0.0.0.0:0"), socket("127.0.0.1:0"));
        let mut sender = Sender::<(), 1>::new();
        let to = Name::for_socket_at(address(&any).ip(), address(&there));
        sender.push_from(Some(Source::new(Ipv4Addr::new(127, 7, 8, 9))), [1], to, ());
        sender.send(&any, |(), sent| sent.unwrap());
        let (_, from) = there.recv_from(&mut [0; 2]).unwrap();
        assert_eq!(from, SocketAddr::from(([127, 7, 8, 9], address(&any).port())));
    }
}
