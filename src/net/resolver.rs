//! Names to addresses that may be called. The addresses that were judged are the ones that are dialled, because the
//! client asks nobody else: a name that leads somewhere else a moment later gains nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::{Refusal, Rules, rules::By};

/// Names looked up at the same time. Each holds a thread until the system's resolver gives up, so that a host whose name
/// server hangs must not hold them all.
const LOOKUPS_MAX: usize = 16;

/// A name that leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name `{name}` has no address")]
pub(super) struct NoAddress {
    pub(super) name: String,
    #[source]
    pub(super) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The system's resolver.
pub(super) struct SystemResolver {
    places: Arc<Semaphore>,
}

impl SystemResolver {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let place = places.acquire_owned().await?;
            let looked_up = tokio::task::spawn_blocking(move || {
                let found = (name.as_str(), 0).to_socket_addrs();
                // Held to the end of the lookup, even when nobody waits for it any more.
                drop(place);
                found
            });
            let found: Addrs = Box::new(looked_up.await??);
            Ok(found)
        })
    }
}

/// Hands on the addresses that may be called, and a [`Refusal`] when a name has no others.
pub(super) struct GuardedResolver {
    pub(super) rules: Arc<Rules>,
    pub(super) by: By,
    pub(super) inner: Arc<dyn Resolve>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, by, host) = (Arc::clone(&self.rules), self.by, name.as_str().to_owned());
        let looked_up = self.inner.resolve(name);
        Box::pin(async move {
            let found = match looked_up.await {
                Ok(found) => found,
                Err(source) => return Err(NoAddress { name: host, source: Some(source) }.into()),
            };
            let (mut good, mut refused) = (Vec::new(), None);
            for socket in found {
                let address = socket.ip().to_canonical();
                match judge(&rules, address, by) {
                    Ok(()) => good.push(SocketAddr::new(address, 0)),
                    Err(rule) => refused = Some(rule),
                }
            }
            match (good.is_empty(), refused) {
                (false, _) => Ok(Box::new(good.into_iter()) as Addrs),
                (true, Some(rule)) => Err(Refusal::new(&host, rule).into()),
                (true, None) => Err(NoAddress { name: host, source: None }.into()),
            }
        })
    }
}

fn judge(rules: &Rules, address: IpAddr, by: By) -> Result<(), super::Rule> {
    rules.judge_resolved(address, by)?;
    // What is allowed has been meant; what is merely public may be this machine from outside.
    let is_allowed = by == By::AllowedName || rules.judge(address, None)?;
    if !is_allowed && is_own(address) { Err(super::Rule::Own) } else { Ok(()) }
}

/// Whether the address is one of this machine's own: the system would call it from itself. Nothing is sent to find out.
/// A system that knows no way to the address says `false`, and the call will fail for the same reason.
pub(super) fn is_own(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((any, 0))?;
        // Any port: connecting a datagram socket only looks up the route.
        socket.connect((address, 443))?;
        Ok(socket.local_addr()?.ip())
    };
    from().is_ok_and(|from| from.to_canonical() == address)
}
