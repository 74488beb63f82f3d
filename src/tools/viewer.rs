//! Viewers of a VNC server, by the addresses that they understand.

use crate::command::{Command, Streams};
use crate::model::screen::Place;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A viewer.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    /// The program.
    pub program: &'static str,
    /// The words before the address.
    options: &'static [&'static str],
    form: Form,
}

/// The form of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `HOST::PORT`, or the path of a socket.
    DoubleColon,
    /// `vnc://HOST:PORT`; such a viewer cannot open a socket.
    Url,
}

/// The known viewers; the first that is installed is used. All are packages of FreeBSD: `tigervnc-viewer`,
/// `remmina`, `virt-viewer`, `krdc`.
pub const VIEWERS: [Viewer; 4] = [
    Viewer {
        program: "vncviewer",
        options: &[],
        form: Form::DoubleColon,
    },
    Viewer {
        program: "remmina",
        options: &["-c"],
        form: Form::Url,
    },
    Viewer {
        program: "remote-viewer",
        options: &[],
        form: Form::Url,
    },
    Viewer {
        program: "krdc",
        options: &[],
        form: Form::Url,
    },
];

impl Viewer {
    /// The command that opens a screen, as the user; none if the viewer cannot open such a place.
    pub fn open(&self, place: &Place) -> Option<Command> {
        let address = match (place, self.form) {
            (Place::Tcp(address), form) => {
                let address = reachable(*address);
                // An IPv6 address has its brackets in both forms.
                match (form, address.to_string()) {
                    (Form::Url, address) => format!("vnc://{address}").into(),
                    (Form::DoubleColon, text) => {
                        let host = text
                            .rsplit_once(':')
                            .map_or(text.as_str(), |(host, _)| host);
                        format!("{host}::{}", address.port()).into()
                    }
                }
            }
            (Place::Unix(path), Form::DoubleColon) => path.clone().into_os_string(),
            (Place::Unix(_), Form::Url) => return None,
        };
        let mut words: Vec<OsString> = self.options.iter().map(OsString::from).collect();
        words.push(address);
        let open = Command::question(self.program, words);
        Some(open.streams(Streams::Shown))
    }
}

/// The address at which this host reaches a server that listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::VIEWERS;
    use crate::command::{Command, Privilege};
    use crate::model::screen::{Place, Vnc};

    #[test]
    fn each_viewer_gets_the_address_in_its_form() {
        let place = |text: &str| match Vnc::parse(text).unwrap() {
            Vnc::At(place) => place,
            Vnc::No | Vnc::Yes => panic!("{text} is no place"),
        };
        for (text, double, url) in [
            ("127.0.0.1:5901", "127.0.0.1::5901", "vnc://127.0.0.1:5901"),
            ("0.0.0.0:5901", "127.0.0.1::5901", "vnc://127.0.0.1:5901"),
            ("[::]:5901", "[::1]::5901", "vnc://[::1]:5901"),
            ("192.0.2.1:80", "192.0.2.1::80", "vnc://192.0.2.1:80"),
        ] {
            let place = place(text);
            let open: Vec<_> = VIEWERS.iter().filter_map(|one| one.open(&place)).collect();
            assert!(open.iter().all(|open| open.privilege == Privilege::User));
            let words = |open: &Command| {
                let words = open.argv().map(|word| word.display().to_string());
                words.collect::<Vec<_>>().join(" ")
            };
            let open: Vec<String> = open.iter().map(words).collect();
            assert_eq!(
                open,
                [
                    format!("vncviewer {double}"),
                    format!("remmina -c {url}"),
                    format!("remote-viewer {url}"),
                    format!("krdc {url}"),
                ]
            );
        }
        let socket = Place::Unix("/home/me/a b".into());
        let open: Vec<_> = VIEWERS.iter().filter_map(|one| one.open(&socket)).collect();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].to_string(), "vncviewer '/home/me/a b'");
    }
}
