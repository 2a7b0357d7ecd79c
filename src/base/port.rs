//! What to tell the operator of a port that cannot be listened on.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

#[derive(Debug)]
pub struct Unbound {
    /// As `SMTP`.
    pub protocol: &'static str,
    pub address: SocketAddr,
    /// The key that names it, as `smtp.listen`.
    pub setting: &'static str,
    pub error: io::Error,
}

impl Error for Unbound {}

impl fmt::Display for Unbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, address, setting, error } = self;
        write!(f, "cannot listen for {protocol} on {address}: ")?;
        match error.kind() {
            ErrorKind::AddrInUse => {
                write!(f, "another program does; stop it, or change {setting}")
            }
            ErrorKind::AddrNotAvailable => write!(
                f,
                "this machine has no such address; give {setting} one that it has, or 0.0.0.0 \
                 for all"
            ),
            ErrorKind::PermissionDenied => write!(
                f,
                "this user may not take port {}; give muniment the capability \
                 CAP_NET_BIND_SERVICE, or change {setting}",
                address.port()
            ),
            _ => write!(f, "{error}; mend that, or change {setting}"),
        }
    }
}
