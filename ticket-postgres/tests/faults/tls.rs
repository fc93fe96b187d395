//! TLS to a server whose certificate is signed by a private authority. `openssl` creates both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ticket_core::{BackendBase, Error, ErrorKind};
use ticket_postgres::PostgresBackend;

use super::cluster::Server;
use super::refusals::failure;
use super::support::{connect, occurrence, total};

/// Creates an authority and a server certificate that it signs for the single name `localhost`.
fn certificates(server: &Server, name: &str) -> PathBuf {
    let folder = server.folder();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(folder).output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "openssl {arguments:?}: {output:?}");
    };
    let (ca_key, ca) = (format!("{name}-ca.key"), format!("{name}-ca.pem"));
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = ["req", "-x509", "-days", "2", "-subj", "/CN=tickets", "-keyout", &ca_key];
    openssl(&[&authority[..], &key, &["-out", &ca]].concat());
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "data/server.key"];
    openssl(&[&request[..], &key, &["-out", "server.csr"]].concat());
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let sign = ["x509", "-req", "-days", "2", "-in", "server.csr", "-CA", &ca, "-CAkey", &ca_key];
    let out = ["-CAcreateserial", "-extfile", "names", "-out", "data/server.crt"];
    openssl(&[&sign[..], &out].concat());
    for file in ["data/server.key", "data/server.crt"] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = folder.join(file);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        server.own(&file);
    }
    folder.join(ca)
}

/// Starts a server that accepts only encrypted connections, and returns its authority's certificate too.
async fn encrypted() -> (Server, PathBuf) {
    let mut server = Server::new("").await;
    let client = connect(&server.url_of_driver()).await;
    client.batch_execute("ALTER ROLE ticket PASSWORD 'S3cret'").await.unwrap();
    server.kill();
    let ca = certificates(&server, "own");
    fs::write(
        server.folder().join("data/pg_hba.conf"),
        "hostssl all all 127.0.0.1/32 scram-sha-256\n",
    )
    .unwrap();
    server.set("ssl = on");
    server.start().await;
    (server, ca)
}

fn url(server: &Server, host: &str, options: &str) -> String {
    format!("postgres://ticket:S3cret@{host}:{}/postgres?{options}", server.port)
}

fn trusting(mode: &str, ca: &Path) -> String {
    format!("sslmode={mode}&sslrootcert={}", ca.display())
}

/// Checks that the error is a configuration error whose message says what to correct.
fn assert_config_error(error: &Error, words: &str) {
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains(words), "{error}");
}

pub(crate) async fn tls_is_verified_as_the_uri_asks() {
    let (server, ca) = encrypted().await;
    // The certificate names `localhost`; the address `127.0.0.1` works only where names are not checked.
    for (host, options) in [
        ("localhost", trusting("verify-full", &ca)),
        ("127.0.0.1", trusting("verify-ca", &ca)),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", "sslmode=prefer".to_owned()),
        ("127.0.0.1", String::new()),
    ] {
        let store = PostgresBackend::from_uri(&url(&server, host, &options)).unwrap();
        store.setup_backend().await.unwrap_or_else(|error| panic!("{options}: {error:?}"));
        store.record_tickets(occurrence("encrypted").into()).await.unwrap();
    }
    let store =
        PostgresBackend::from_uri(&url(&server, "localhost", &trusting("verify-full", &ca)));
    assert_eq!(total(&store.unwrap()).await, 5);

    let error = failure(&url(&server, "127.0.0.1", &trusting("verify-full", &ca))).await;
    assert_config_error(&error, "not of this host");
    // Neither another authority nor those that the system trusts have signed this certificate.
    let other = Server::new("").await;
    let stranger = certificates(&other, "other");
    for options in [
        trusting("verify-full", &stranger),
        trusting("verify-ca", &stranger),
        "sslmode=verify-full".to_owned(),
        "sslmode=verify-ca".to_owned(),
    ] {
        let store = PostgresBackend::from_uri(&url(&server, "localhost", &options));
        match store {
            Ok(_) => {
                let error = failure(&url(&server, "localhost", &options)).await;
                assert_config_error(&error, "sslrootcert");
            }
            // A machine without any trusted authority fails while the store is opened.
            Err(error) => assert_config_error(&error, "sslrootcert"),
        }
    }
}

pub(crate) async fn a_tls_mismatch_with_the_server_is_reported() {
    let (server, _) = encrypted().await;
    let error = failure(&url(&server, "127.0.0.1", "sslmode=disable")).await;
    assert_config_error(&error, "sslmode");

    let plain = Server::new("").await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = failure(&url(&plain, "127.0.0.1", &format!("sslmode={mode}"))).await;
        assert_config_error(&error, "correct the sslmode");
    }
    let store = PostgresBackend::from_uri(&url(&plain, "127.0.0.1", "sslmode=prefer")).unwrap();
    store.setup_backend().await.unwrap();
}
