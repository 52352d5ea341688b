//! The road between two programs, which can be cut: a TCP proxy on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::asterisk::Asterisk;

/// How the road is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// What one side sends, the other gets.
    Open,
    /// Nothing gets through any more, and nobody is told: a cable that was pulled. Connections that were open now, or
    /// were opened meanwhile, stay mute for ever, also after the road is open again, as behind a router that has
    /// forgotten them.
    Silent,
    /// Connections are reset, and new ones refused: a program that has crashed.
    Refused,
}

/// A proxy in front of one port. Dropping it closes everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    road: watch::Sender<Road>,
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of an Asterisk's ARI, with the road open.
    ///
    /// # Errors
    /// When there is no port or thread to be had.
    pub fn before(asterisk: &Asterisk) -> io::Result<Proxy> {
        Proxy::start((Ipv4Addr::LOCALHOST, asterisk.http_port()).into())
    }

    /// A proxy in front of any port, with the road open.
    ///
    /// # Errors
    /// When there is no port or thread to be had.
    pub fn start(target: SocketAddr) -> io::Result<Proxy> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let (road, road_in) = watch::channel(Road::Open);
        let (end, mut end_in) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, target, road_in) => {}
                    _ = end_in.wait_for(|end| *end) => {}
                }
            });
        });
        Ok(Proxy { address, road, end, thread: Some(thread) })
    }

    /// Where ARI is on this road, for example `http://127.0.0.1:40001/ari`.
    pub fn ari_url(&self) -> String {
        format!("http://{}/ari", self.address)
    }

    /// Changes how the road is.
    pub fn set(&self, road: Road) {
        self.road.send_replace(road);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.send_replace(true);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Takes connections for as long as the road is not refused, and again when it is open again.
async fn serve(listener: TcpListener, target: SocketAddr, mut road: watch::Receiver<Road>) {
    let address = listener.local_addr().expect("it is bound");
    let mut listener = Some(listener);
    loop {
        match listener.take() {
            Some(open) => listener = accept(open, target, &mut road).await,
            None => {
                if road.wait_for(|road| *road != Road::Refused).await.is_err() {
                    return;
                }
                listener = Some(TcpListener::bind(address).await.expect("the port was ours"));
            }
        }
    }
}

/// Takes one connection; gives the listener back unless the road is refused.
async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    road: &mut watch::Receiver<Road>,
) -> Option<TcpListener> {
    let theirs = road.clone();
    tokio::select! {
        _ = road.wait_for(|road| *road == Road::Refused) => None,
        accepted = listener.accept() => {
            if let Ok((near, _)) = accepted {
                tokio::spawn(carry(near, target, theirs));
            }
            Some(listener)
        }
    }
}

/// Carries one connection until it ends or the road is cut.
async fn carry(mut near: TcpStream, target: SocketAddr, mut road: watch::Receiver<Road>) {
    let mut far = None;
    let forward = async {
        let Ok(connected) = TcpStream::connect(target).await else { return };
        let far = far.insert(connected);
        // The proxy adds no delay of its own.
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let _ = tokio::io::copy_bidirectional(&mut near, far).await;
    };
    let cut = tokio::select! {
        biased;
        cut = road.wait_for(|road| *road != Road::Open) => cut.map_or(Road::Refused, |road| *road),
        () = forward => return,
    };
    if cut == Road::Silent {
        // Both sockets stay open and unread meanwhile, so that neither side hears of the other's end.
        let _ = road.wait_for(|road| *road == Road::Refused).await;
    }
}
