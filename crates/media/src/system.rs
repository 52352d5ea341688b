//! The system calls that the standard library does not have, behind safe functions: many datagrams
//! at once, sleeping until an absolute time, waiting for several sockets, and a thread's own CPU
//! time, core and rank. All `unsafe` of the crate is here and in the two modules below; what each block
//! relies on stands above it, and the tests compare with `std::net::UdpSocket`.
//!
//! Addresses are passed to the kernel as the bytes that it reads ([`Name`]), so nothing is cast.

#![allow(unsafe_code, reason = "the one module that makes system calls")]

mod datagrams;
mod name;

pub(crate) use self::{
    datagrams::{BATCH, Datagram, Receiver, Sender, Source},
    name::Name,
};
use std::{
    io,
    net::UdpSocket,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

/// Nanoseconds of the monotonic clock, the one that [`std::time::Instant`] reads too.
pub(crate) fn monotonic() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// The least that a system call can do.
pub(crate) fn nothing() {
    // SAFETY: it takes and writes nothing, and cannot fail.
    unsafe { libc::getppid() };
}

/// Nanoseconds of CPU that this thread has used.
pub(crate) fn thread_cpu() -> u64 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one timespec, and the call writes nothing else. It fails
    // only for clocks that do not exist, and both of ours do on Linux; zero is left then.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sleeps until the monotonic clock shows `deadline` in nanoseconds; not at all if it has.
pub(crate) fn sleep_until(deadline: u64) {
    let time = timespec(deadline);
    loop {
        // SAFETY: `time` is a valid timespec for the whole call; with an absolute time no remainder
        // is written, so the last argument may be null.
        let result = unsafe {
            let absolute = libc::TIMER_ABSTIME;
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                absolute,
                &raw const time,
                std::ptr::null_mut(),
            )
        };
        // A signal ends the sleep early.
        if result != libc::EINTR {
            return;
        }
    }
}

/// Waits until one of `files` can be read, or for `longest` (for ever if `None`).
pub(crate) fn wait<const N: usize>(files: [BorrowedFd<'_>; N], longest: Option<Duration>) {
    let mut polled =
        files.map(|file| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let longest = longest.map(|longest| timespec(longest.as_nanos() as u64));
    let timeout = longest.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `polled` has N entries of open files, which are borrowed for the whole call; `timeout`
    // is null or points to `longest`, which lives as long; no signal mask is given. Whatever it
    // returns, also an interruption, the caller looks at its files.
    unsafe { libc::ppoll(polled.as_mut_ptr(), N as libc::nfds_t, timeout, std::ptr::null()) };
}

/// Keeps the calling thread on one core.
pub(crate) fn pin_to(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: a cpu_set_t is an array of integers, for which all zeros is a value: the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `core` is within the set, as checked above.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` is read only, and its size is given; 0 names the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Which of the threads that run before all ordinary ones runs before the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    First,
    Second,
}

/// Has the calling thread run before all ordinary ones (`SCHED_FIFO`); threads that it starts do not
/// inherit that.
pub(crate) fn run_first(rank: Rank) -> io::Result<()> {
    // SAFETY: a sched_param is integers, for which all zeros is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // Above the kernel's own lowest, below its interrupt threads (50).
    parameters.sched_priority = match rank {
        Rank::First => 10,
        Rank::Second => 9,
    };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: `parameters` is read only and lives through the call; 0 names the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Memory that this process holds, in bytes; 0 where the system does not tell.
pub(crate) fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let read = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    read.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE
}

/// Files and sockets that this process has open; 0 where the system does not tell.
pub(crate) fn descriptors() -> usize {
    // The one that reads the folder is among them.
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1))
}

/// Asks for a receive and a send buffer of `bytes`, beyond the system's limit where this process
/// may (`CAP_NET_ADMIN`); gives the receive buffer's size as the kernel accounts for it, which is
/// twice what it granted.
pub(crate) fn enlarge_buffers(socket: &UdpSocket, bytes: i32) -> io::Result<usize> {
    use libc::{SO_RCVBUF, SO_RCVBUFFORCE, SO_SNDBUF, SO_SNDBUFFORCE};
    for (force, ask) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)] {
        if set_option(socket, force, bytes).is_err() {
            set_option(socket, ask, bytes)?;
        }
    }
    let granted = get_option::<libc::c_int, 1>(socket, SO_RCVBUF)?[0];
    Ok(granted as usize)
}

/// Datagrams that the kernel dropped because the socket's buffer was full.
pub(crate) fn kernel_drops(socket: &UdpSocket) -> io::Result<u64> {
    /// The place of the drops in what `SO_MEMINFO` gives (linux/sock_diag.h).
    const DROPS: usize = 8;
    Ok(u64::from(get_option::<u32, 9>(socket, libc::SO_MEMINFO)?[DROPS]))
}

fn set_option(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the option's value is an int that lives through the call, and its size is given.
    let result = unsafe {
        let size = size_of_val(&value) as libc::socklen_t;
        let fd = socket.as_raw_fd();
        libc::setsockopt(fd, libc::SOL_SOCKET, option, (&raw const value).cast(), size)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// An integer that the kernel may fill in with any bits.
trait Integer: Copy + Default {}
impl Integer for libc::c_int {}
impl Integer for u32 {}

fn get_option<T: Integer, const N: usize>(
    socket: &UdpSocket,
    option: libc::c_int,
) -> io::Result<[T; N]> {
    let mut value = [T::default(); N];
    let mut size = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes into `value`, and integers take any bytes.
    let result = unsafe {
        let fd = socket.as_raw_fd();
        libc::getsockopt(fd, libc::SOL_SOCKET, option, value.as_mut_ptr().cast(), &raw mut size)
    };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / 1_000_000_000) as libc::time_t,
        tv_nsec: (nanoseconds % 1_000_000_000) as libc::c_long,
    }
}

/// What a shard waits for beside its clock.
pub(crate) fn borrowed<const N: usize>(files: [&dyn AsFd; N]) -> [BorrowedFd<'_>; N] {
    files.map(|file| file.as_fd())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_clock_is_that_of_the_standard_library() {
        let (before, start) = (Instant::now(), monotonic());
        let deadline = start + 3_000_000;
        sleep_until(deadline);
        assert!(monotonic() >= deadline);
        assert!(before.elapsed() >= Duration::from_millis(3), "both went on as far");
        sleep_until(start); // long over
    }

    #[test]
    fn work_takes_cpu_time_and_sleep_takes_none() {
        let start = thread_cpu();
        while thread_cpu() == start {
            std::hint::spin_loop();
        }
        assert!(thread_cpu() > start);
    }

    #[test]
    fn a_wait_ends_with_a_datagram_and_with_the_time() {
        let [a, b] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let start = Instant::now();
        wait(borrowed([&a, &b]), Some(Duration::from_millis(2)));
        assert!(start.elapsed() >= Duration::from_millis(2));
        a.send_to(b"x", b.local_addr().unwrap()).unwrap();
        wait(borrowed([&a, &b]), None);
        b.set_nonblocking(true).unwrap();
        assert_eq!(b.recv(&mut [0; 2]).unwrap(), 1);
    }

    #[test]
    fn a_core_that_is_not_there_is_an_error() {
        std::thread::spawn(|| {
            pin_to(usize::MAX).unwrap_err();
            pin_to(1023).unwrap_err();
            pin_to(0).unwrap();
        })
        .join()
        .unwrap();
    }

    #[test]
    fn who_runs_first_may_and_is_told_when_not() {
        let granted = std::thread::spawn(|| run_first(Rank::Second)).join().unwrap();
        if let Err(error) = granted {
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn a_process_holds_memory_and_files() {
        let before = descriptors();
        let file = UdpSocket::bind("127.0.0.1:0").unwrap();
        // Tests beside this one open files too.
        assert!(descriptors() > 3 || before > 3);
        drop(file);
        assert!(resident() > 100_000);
    }

    #[test]
    fn buffers_grow_and_what_does_not_fit_is_counted() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(enlarge_buffers(&socket, 4096).unwrap() >= 4096);
        assert_eq!(kernel_drops(&socket).unwrap(), 0);
        for _ in 0..1000 {
            socket.send_to(&[0; 100], socket.local_addr().unwrap()).unwrap();
        }
        assert!(kernel_drops(&socket).unwrap() > 0);
    }
}
