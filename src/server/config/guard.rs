//! Whether a server with these settings may start: it must listen somewhere, and without a password only here.
//!
//! Pure: judges the words of the settings. Whether an address exists is found out by who binds to it.
use super::Config;
use std::net::IpAddr;

/// The reason why a server must not start with these settings, and what to do about it.
pub fn objection(config: &Config) -> Option<String> {
    let tcp = config.port != 0 && !config.bind.is_empty();
    if !tcp && config.unixsocket.is_none() {
        return Some("nothing to listen on: set a port and an address to bind, or a unixsocket".into());
    }
    let exposed: Vec<&str> = config.bind.iter().map(String::as_str).filter(|address| !is_loopback(address)).collect();
    if !tcp || exposed.is_empty() || !config.protected_mode || !config.requirepass.is_empty() {
        return None;
    }
    Some(format!(
        "protected mode: 'bind {}' would let other machines in, and no password is set. Choose one:\n\
         \x20 --requirepass PASSWORD   clients must give a password\n\
         \x20 --bind 127.0.0.1 -::1    only this machine is served (the default)\n\
         \x20 --protected-mode no      whoever reaches the port may read and change all data",
        exposed.join(" ")
    ))
}

/// Whether only this machine reaches an address. A name that is not `localhost` may be anything.
fn is_loopback(address: &str) -> bool {
    let address = address.strip_prefix('-').unwrap_or(address);
    match address.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => address.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bind: &[&str]) -> Config {
        Config { bind: bind.iter().map(|address| address.to_string()).collect(), ..Config::default() }
    }

    #[test]
    fn only_this_machine_is_served_without_a_password() {
        assert_eq!(objection(&Config::default()), None);
        for bind in ["127.0.0.1", "-::1", "127.9.9.9", "localhost", "::ffff:127.0.0.1"] {
            assert_eq!(objection(&with(&[bind])), None, "{bind}");
        }
        for bind in ["*", "::*", "-::*", "0.0.0.0", "::", "10.0.0.1", "-192.168.1.1", "cache.local"] {
            let reason = objection(&with(&["127.0.0.1", bind])).unwrap_or_else(|| panic!("{bind} is let through"));
            assert!(reason.contains(&format!("'bind {bind}'")) && reason.contains("--protected-mode no"), "{reason}");
        }
    }

    #[test]
    fn a_password_or_a_plain_word_opens_the_door() {
        let open = with(&["*"]);
        assert_eq!(objection(&Config { requirepass: "x".into(), ..open.clone() }), None);
        assert_eq!(objection(&Config { protected_mode: false, ..open.clone() }), None);
        assert_eq!(objection(&Config { port: 0, unixsocket: Some("/tmp/s".into()), ..open }), None);
    }

    #[test]
    fn a_server_must_listen_somewhere() {
        assert!(objection(&Config { port: 0, ..Config::default() }).is_some());
        assert!(objection(&with(&[])).is_some());
    }
}
