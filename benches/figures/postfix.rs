//! The yardstick: Debian's Postfix, keeping each message durably in its hold
//! queue before it answers.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A private instance; stopped when dropped.
pub struct Postfix {
    etc: PathBuf,
    pub address: SocketAddr,
}

const MASTER: &str = "/usr/share/postfix/master.cf.dist";

impl Postfix {
    /// Starts it under `directory`, which must be reachable by the user
    /// `postfix`; needs root. `None`, with the reason, where it cannot run.
    pub fn start(directory: &Path, port: u16) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let master = fs::read_to_string(MASTER).map_err(|_| format!("{MASTER} is not here"))?;
        let etc = directory.join("etc");
        for part in ["etc", "queue", "data"] {
            fs::create_dir_all(directory.join(part)).map_err(text)?;
        }
        run(Command::new("chown").arg("postfix").arg(directory.join("data")))?;
        // No service in a chroot, and SMTP on a port of ours.
        let services: Vec<String> = master
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let mut fields: Vec<&str> = line.split_whitespace().collect();
                let listen = format!("127.0.0.1:{port}");
                if line.starts_with(char::is_whitespace) || fields.len() < 8 {
                    return line.to_owned();
                }
                fields[4] = "n";
                if fields[..2] == ["smtp", "inet"] {
                    fields[0] = &listen;
                }
                fields.join(" ")
            })
            .collect();
        fs::write(etc.join("master.cf"), services.join("\n") + "\n").map_err(text)?;
        let at = |part: &str| directory.join(part).display().to_string();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\n\
             config_directory = {}\nmaillog_file = /var/log/postfix-bench.log\n\
             inet_interfaces = loopback-only\ninet_protocols = ipv4\nmyhostname = bench.example\n\
             mydestination = archive.invalid\nlocal_recipient_maps =\nalias_maps =\n\
             message_size_limit = 209715200\nmailbox_size_limit = 0\n\
             smtpd_end_of_data_restrictions = check_client_access static:HOLD\n\
             smtpd_client_connection_count_limit = 0\ndefault_process_limit = 200\n",
            at("queue"),
            at("data"),
            at("etc")
        );
        fs::write(etc.join("main.cf"), main).map_err(text)?;
        run(Command::new("postfix").arg("-c").arg(&etc).arg("start"))?;
        let postfix = Self { etc, address: ([127, 0, 0, 1], port).into() };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while TcpStream::connect(postfix.address).is_err() {
            if std::time::Instant::now() > end {
                return Err("it did not listen within 20 s".into());
            }
            std::thread::yield_now();
        }
        Ok(postfix)
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = run(Command::new("postfix").arg("-c").arg(&self.etc).arg("stop"));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}
