//! `ticket serve`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::store::{Place, five};

/// A server that is stopped at the end of its test.
struct Server {
    child: Child,
    address: String,
    /// The path in the address that it has printed.
    path: String,
}

impl Server {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo_bin!("ticket"));
        command.env_remove("TICKET_URL").env_remove("TICKET_APP").current_dir(place.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        let (address, path) = address.split_once('/').unwrap();
        Self { child, address: address.to_owned(), path: format!("/{path}") }
    }

    /// Connects to the server, on which nothing waits forever.
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends a request and returns the whole answer.
    fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        let mut stream = self.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 0\r\n{headers}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[cfg(unix)]
    fn terminate(&mut self) -> (Duration, Option<i32>) {
        let start = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        (start.elapsed(), status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn serve_shows_the_tickets_and_ends_although_a_stream_is_open() {
    let place = Place::with(five());
    let mut server = Server::start(&place, &[]);
    let answer = server.ask("GET", &server.path, "");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("class=\"title\""), "{answer}");

    // A stream without an end does not keep it.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    write!(stream, "GET /live HTTP/1.1\r\nhost: {}\r\n\r\n", server.address).unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    let (elapsed, code) = server.terminate();
    assert_eq!(code, Some(0));
    // The server gives its streams less than a second. A busy machine adds to that, but not as long as a stream lasts.
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}

#[test]
fn f21_a_query_string_of_a_megabyte_is_refused() {
    let place = Place::with(five());
    let server = Server::start(&place, &[]);
    let mut stream = server.connect();
    let head = format!("GET /?search={} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1_000_000));
    // The server answers and closes the connection before it has read all of it.
    let _ = stream.write_all(head.as_bytes());
    let mut answer = [0; 12];
    // The rest of the request may make the system drop an answer that was not read yet.
    if stream.read_exact(&mut answer).is_ok() {
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // What is short enough for the server is explained.
    let answer = server.ask("GET", &format!("/?search={}", "a".repeat(60_000)), "");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("longer than 8192 bytes: use fewer or shorter filters"), "{answer}");
}

/// Returns the number of files that this process, and a server that it starts, may open.
#[cfg(target_os = "linux")]
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

#[cfg(target_os = "linux")]
#[test]
fn f23_ten_thousand_slow_clients_keep_nobody_from_an_answer() {
    let place = Place::with(five());
    let server = Server::start(&place, &[]);
    // As many as there may be if it is fewer, with room for the files of both programs.
    let number = (open_files() - 200).min(10_000);
    assert!(number > 500, "{number} are not many: raise the limit of open files (`ulimit -n`)");
    let host = &server.address;
    let beginnings = [
        // A head without an end.
        format!("GET / HTTP/1.1\r\nhost: {host}\r\n"),
        // A body without an end.
        format!("POST /tickets/change HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1000\r\n\r\nid"),
        // An answer that nobody reads.
        format!("GET /nowhere HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        // Nothing at all.
        String::new(),
    ];
    let mut clients = Vec::new();
    for beginning in beginnings.iter().cycle().take(number) {
        let mut stream = server.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        clients.push(stream);
    }
    for _ in 0..3 {
        let answer = server.ask("GET", "/", "");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("class=\"title\""), "{answer}");
    }
    assert_eq!(clients.len(), number);
}

#[test]
fn serve_lets_in_who_knows_the_token() {
    let place = Place::with(five());
    std::fs::write(place.path().join("token"), "0123456789abcdef\n").unwrap();
    let server = Server::start(&place, &["--token-file", "token", "--prefix", "/x/"]);
    assert_eq!(server.path, "/x/");
    // With and without the prefix, for both kinds of proxies.
    for path in ["/", "/x", "/x/"] {
        let answer = server.ask("GET", path, "");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let answer = server.ask("GET", path, "authorization: Bearer 0123456789abcdef\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("href=\"/x/tickets/"), "{answer}");
    }
}

#[test]
fn serve_changes_nothing_if_it_is_read_only_and_shows_one_application_if_it_is_named() {
    let place = Place::with(five());
    let server = Server::start(&place, &["--read-only", "--app", "no-such-application"]);
    let answer = server.ask("GET", "/?status=all", "");
    assert!(answer.contains("No tickets match"), "{answer}");
    let answer = server.ask("POST", "/tickets/change", "");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn serve_refuses_to_be_open_to_others_and_what_it_cannot_read() {
    let place = Place::with(five());
    std::fs::write(place.path().join("short"), "secret").unwrap();
    std::fs::write(place.path().join("users"), "ada:secret").unwrap();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["--listen", "0.0.0.0:0"], 2, "add --token-file or --basic-file"),
        (&["--listen", "[::]:0"], 2, "add --token-file or --basic-file"),
        (&["--listen", "nowhere"], 2, "such as 127.0.0.1:7878"),
        (&["--token-file", "short"], 2, "--token-file short: the token has 6 characters"),
        (&["--basic-file", "users"], 2, "line 1 of the users"),
        (&["--token-file", "missing"], 1, "cannot read missing"),
        (&["--listen", "127.0.0.1:0", "--prefix", "x"], 2, "--prefix: \"x\" is not the path"),
    ];
    for (arguments, expected, part) in cases {
        let (code, said) = place.failure(&[&["serve"], arguments].concat());
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(part) && !said.contains("secret"), "{said}");
    }
}
