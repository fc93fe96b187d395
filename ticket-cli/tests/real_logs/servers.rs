//! Servers whose log these tests provoke: nginx, Apache, Redis and MariaDB.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Outcome;
use super::expect::{self, Times};
use super::need::{Need, find};
use super::server::{Server, free_port};

type Case = fn() -> Outcome;

pub(crate) const ALL: [(&str, Need, Case); 4] = [
    ("nginx", Need::Program("nginx"), nginx),
    ("apache", Need::Program("apache2"), apache),
    ("redis", Need::Program("redis-server"), redis),
    ("mariadb", Need::Program("mariadbd"), mariadb),
];

fn command(name: &str) -> Command {
    let mut command = Command::new(find(name).unwrap_or_else(|| name.into()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("TZ", "UTC");
    command
}

fn takes_connections(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Sends a request and reads the answer to its end.
fn get(port: u16, path: &str) -> Outcome {
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    write!(client, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    client.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Makes folders that a web server does not list, and requests what it has not.
fn request(port: u16, root: &Path) -> Outcome {
    for number in [17, 4711] {
        for folder in ["files", "private"] {
            let folder = root.join(folder).join(number.to_string());
            fs::create_dir_all(folder)?;
        }
        get(port, &format!("/files/{number}/"))?;
        get(port, &format!("/private/{number}/cart"))?;
        get(port, &format!("/away/{number}"))?;
    }
    Ok(())
}

fn nginx() -> Outcome {
    let folder = TempDir::new()?;
    let (port, closed) = (free_port()?, free_port()?);
    let root = folder.path().display();
    let configuration = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log error;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path {root}/a; proxy_temp_path {root}/b;\n\
         fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;\n\
         server {{ listen 127.0.0.1:{port}; root {root};\n\
         location /away/ {{ proxy_pass http://127.0.0.1:{closed}; }} }} }}\n"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, configuration)?;
    let mut nginx = command("nginx");
    nginx
        .arg("-c")
        .arg(&file)
        .arg("-p")
        .arg(folder.path())
        .arg("-e")
        .arg(folder.path().join("error.log"));
    let server = Server::start(&mut nginx, "QUIT", || takes_connections(port))?;
    request(port, folder.path())?;
    server.stop()?;
    expect::exactly(
        &folder.path().join("error.log"),
        Times::Stated,
        &[
            ("error", "", "", "is forbidden"),
            ("error", "", "", "No such file or directory"),
            ("error", "", "", "while connecting to upstream"),
        ],
    )
}

fn apache() -> Outcome {
    let folder = TempDir::new()?;
    let (port, closed) = (free_port()?, free_port()?);
    // As root, Apache serves as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let root = folder.path().display();
    let modules = ["mpm_event", "authz_core", "dir", "autoindex", "proxy", "proxy_http"];
    let load = |name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let mut configuration: String = modules.into_iter().map(load).collect();
    configuration += &format!(
        "ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {root}/pid\nDefaultRuntimeDir {root}\n\
         ErrorLog {root}/error.log\nDocumentRoot {root}\nDirectoryIndex index.html\n\
         User www-data\nGroup www-data\n"
    );
    configuration += &format!(
        "<Directory {root}>\nOptions None\n</Directory>\n\
         <Location /private>\nRequire all denied\n</Location>\n\
         ProxyPass /away/ http://127.0.0.1:{closed}/ retry=0\n"
    );
    let file = folder.path().join("apache.conf");
    fs::write(&file, configuration)?;
    let mut apache = command("apache2");
    apache.args(["-DFOREGROUND", "-f"]).arg(&file);
    let server = Server::start(&mut apache, "TERM", || takes_connections(port))?;
    request(port, folder.path())?;
    server.stop()?;
    expect::tickets(
        &folder.path().join("error.log"),
        Times::Stated,
        &[
            ("error", "autoindex", "", "Cannot serve directory"),
            ("error", "authz_core", "", "client denied by server configuration"),
            ("error", "proxy", "", "attempt to connect to"),
        ],
    )?;
    Ok(())
}

fn redis() -> Outcome {
    let folder = TempDir::new()?;
    let log = folder.path().join("redis.log");
    let redis = |port: u16, more: &[&str]| {
        let mut redis = command("redis-server");
        redis.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--logfile"]);
        redis.arg(&log).arg("--dir").arg(folder.path()).args(more);
        redis
    };
    for content in ["these are no data", "nor are these data"] {
        let port = free_port()?;
        let server = Server::start(&mut redis(port, &[]), "TERM", || takes_connections(port))?;
        // A request of HTTP, which Redis takes for an attack through a browser.
        let mut client = TcpStream::connect(("127.0.0.1", port))?;
        client.write_all(b"POST / HTTP/1.0\r\n\r\n")?;
        client.read_to_end(&mut Vec::new())?;
        // The port is in use, and the data are none.
        assert!(!redis(port, &[]).status()?.success());
        fs::write(folder.path().join("broken.rdb"), content)?;
        assert!(!redis(free_port()?, &["--dbfilename", "broken.rdb"]).status()?.success());
        server.stop()?;
    }
    expect::tickets(
        &log,
        Times::Stated,
        &[
            ("warning", "", "", "Possible SECURITY ATTACK detected"),
            ("warning", "", "", "Could not create server TCP listening socket"),
            ("warning", "", "", "Wrong signature trying to load DB from file"),
        ],
    )?;
    Ok(())
}

fn mariadb() -> Outcome {
    let folder = TempDir::new()?;
    let log = folder.path().join("error.log");
    for number in [17, 4711] {
        let data = folder.path().join(format!("missing-{number}"));
        let options = [format!("--datadir={}", data.display()), format!("--sql-mode=card{number}")];
        for option in options {
            let mut mariadb = command("mariadbd");
            let file = File::options().create(true).append(true).open(&log)?;
            mariadb.args(["--no-defaults", "--user=root", "--skip-networking", &option]);
            assert!(!mariadb.stderr(file).status()?.success());
        }
    }
    expect::tickets(
        &log,
        Times::Stated,
        &[
            ("warning", "", "", "Can't create test file"),
            ("error", "", "", "Aborting"),
            ("error", "", "", "Error while setting value"),
        ],
    )?;
    Ok(())
}
