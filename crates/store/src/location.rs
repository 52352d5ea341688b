//! Where the database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio_postgres::config::{Host, SslMode};

/// Where the database is: a file for SQLite, an address for PostgreSQL. Prints without its password.
#[derive(Clone)]
pub struct Location(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Sqlite(PathBuf),
    Postgres(Box<Server>),
}

/// A PostgreSQL server, and how it is reached.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: tokio_postgres::Config,
    /// A PEM file of authorities that are trusted besides the system's.
    pub(crate) roots: Option<PathBuf>,
}

/// Why a text is no location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Nothing at all.
    #[error("the database has no name\nmend: name a file, or postgresql://USER@HOST/DATABASE")]
    Empty,
    /// No address of PostgreSQL. The text is not shown, for it may hold a password.
    #[error(
        "the address of the PostgreSQL database cannot be read\nmend: write postgresql://USER@HOST:5432/DATABASE; in the \
         password write @ as %40, / as %2F and : as %3A"
    )]
    Postgres,
    /// An address without a host.
    #[error(
        "the address of the PostgreSQL database names no host\nmend: write postgresql://USER@HOST/DATABASE"
    )]
    NoHost,
}

impl Location {
    /// `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` (or `postgres://`), or the path of an SQLite file, with `sqlite:`
    /// before it or not.
    ///
    /// A server beyond this machine must speak TLS with a certificate that the system trusts
    /// ([`Location::with_roots`]); `?sslmode=disable` in the address lets it go without.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Location, LocationError> {
        if text.starts_with("postgresql://") || text.starts_with("postgres://") {
            let mut config =
                tokio_postgres::Config::from_str(text).map_err(|_| LocationError::Postgres)?;
            if config.get_hosts().is_empty() {
                return Err(LocationError::NoHost);
            }
            config.application_name("patchcord");
            return Ok(Location(Kind::Postgres(Box::new(Server { config, roots: None }))));
        }
        match text.strip_prefix("sqlite:").unwrap_or(text) {
            "" => Err(LocationError::Empty),
            path => Ok(Location::sqlite(path)),
        }
    }

    /// An SQLite file.
    #[must_use]
    pub fn sqlite(path: impl AsRef<Path>) -> Location {
        Location(Kind::Sqlite(path.as_ref().to_owned()))
    }

    /// The same with this password, which then need not stand in the address. SQLite has none.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Location {
        if let Kind::Postgres(server) = &mut self.0 {
            server.config.password(password);
        }
        self
    }

    /// The same, trusting the authorities in this PEM file besides the system's.
    #[must_use]
    pub fn with_roots(mut self, path: impl AsRef<Path>) -> Location {
        if let Kind::Postgres(server) = &mut self.0 {
            server.roots = Some(path.as_ref().to_owned());
        }
        self
    }
}

impl Server {
    /// Whether the way there is to be TLS: beyond this machine always, unless the address says `disable`.
    pub(crate) fn wants_tls(&self) -> bool {
        match self.config.get_ssl_mode() {
            SslMode::Disable => false,
            SslMode::Require => true,
            _ => !self.config.get_hosts().iter().all(is_here),
        }
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite(path) => write!(f, "{}", path.display()),
            Kind::Postgres(server) => {
                let config = &server.config;
                f.write_str("postgresql://")?;
                if let Some(user) = config.get_user() {
                    write!(f, "{user}@")?;
                }
                for (n, host) in config.get_hosts().iter().enumerate() {
                    let comma = if n > 0 { "," } else { "" };
                    match host {
                        Host::Tcp(name) => write!(f, "{comma}{name}")?,
                        Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
                    }
                    let ports = config.get_ports();
                    if let Some(port) = ports.get(n).or_else(|| ports.first()) {
                        write!(f, ":{port}")?;
                    }
                }
                write!(f, "/{}", config.get_dbname().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(text: &str) -> bool {
        match Location::parse(text).unwrap().0 {
            Kind::Postgres(server) => server.wants_tls(),
            Kind::Sqlite(_) => false,
        }
    }

    #[test]
    fn a_location_prints_without_its_password() {
        let location = Location::parse("postgresql://desk:s3cr%40t@db.example:5433/calls").unwrap();
        assert_eq!(location.to_string(), "postgresql://desk@db.example:5433/calls");
        assert!(!format!("{:?}", location.with_password("n3w")).contains("n3w"));
        let here = Location::parse("postgres://desk:x@%2Frun%2Fpg/calls").unwrap();
        assert_eq!(here.to_string(), "postgresql://desk@/run/pg:5432/calls");
        assert_eq!(Location::parse("sqlite:/a/b.db").unwrap().to_string(), "/a/b.db");
        assert_eq!(Location::parse("b.db").unwrap().to_string(), "b.db");
    }

    #[test]
    fn a_bad_address_is_not_repeated() {
        for text in
            ["postgresql://desk:s3cret@db:port/x", "postgresql://desk:s3cret@db/x?sslmode=s3cret"]
        {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error, LocationError::Postgres);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        assert_eq!(Location::parse("postgresql:///calls").unwrap_err(), LocationError::NoHost);
        assert_eq!(Location::parse("").unwrap_err(), LocationError::Empty);
    }

    #[test]
    fn beyond_this_machine_is_tls() {
        assert!(tls("postgresql://desk@db.example/calls"));
        assert!(tls("postgresql://desk@127.0.0.1,db.example/calls"));
        assert!(tls("postgresql://desk@localhost/calls?sslmode=require"));
        assert!(!tls("postgresql://desk@db.example/calls?sslmode=disable"));
        assert!(!tls("postgresql://desk@127.0.0.1/calls"));
        assert!(!tls("postgresql://desk@%2Frun/calls"));
    }
}
