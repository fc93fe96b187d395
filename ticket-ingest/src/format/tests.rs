//! Lines that the programs really write, and the records that they give.

use serde_json::{Value, json};

use super::*;
use crate::{Item, Reader};

/// Returns the record of a line as JSON, without the id.
fn read(line: &str) -> Value {
    let items: Vec<_> =
        Reader::new(line.as_bytes(), Format::Auto).collect::<Result<_, _>>().unwrap();
    let [Item::Entry(entry)] = items.as_slice() else { panic!("{line}: {items:?}") };
    let mut record = serde_json::to_value(&entry.record).unwrap();
    let fields = record.as_object_mut().unwrap();
    fields.remove("id");
    fields.insert("time".into(), json!(entry.time));
    record
}

fn text(text: &str) -> Value {
    json!({"text": text})
}

fn int(number: i64) -> Value {
    json!({"int": number})
}

const TIME: &str = "2026-11-21T10:47:20.123000Z";

#[test]
fn tracing_subscriber_plain_and_flattened() {
    let line = r#"{"timestamp":"2026-11-21T10:47:20.123Z","level":"ERROR","fields":{"message":"cannot pay","error":"refused","user_id":17,"ok":false},"target":"shop::cart","filename":"src/cart.rs","line_number":42,"span":{"card":"visa","name":"pay"},"spans":[{"method":"POST","name":"request"},{"card":"visa","name":"pay"}],"threadId":"ThreadId(3)"}"#;
    let expected = json!({
        "time": TIME, "level": "error", "channel": "shop::cart", "message": "cannot pay",
        "location": {"file": "src/cart.rs", "line": 42},
        "error": [{"message": "refused"}],
        "traits": {"user_id": int(17), "ok": {"bool": false}},
        "spans": [
            {"name": "request", "traits": {"method": text("POST")}},
            {"name": "pay", "traits": {"card": text("visa")}},
        ],
        "thread": "ThreadId(3)",
    });
    assert_eq!(read(line), expected);

    let flat = r#"{"timestamp":"2026-11-21T10:47:20.123Z","level":"ERROR","message":"cannot pay","error":"refused","user_id":17,"ok":false,"target":"shop::cart","filename":"src/cart.rs","line_number":42,"spans":[{"method":"POST","name":"request"},{"card":"visa","name":"pay"}],"threadId":"ThreadId(3)"}"#;
    assert_eq!(read(flat), expected);
}

#[test]
fn tracing_subscriber_with_the_bridge_from_log() {
    let line = r#"{"timestamp":"2026-11-21T10:47:20.123Z","level":"WARN","fields":{"message":"slow","log.target":"hyper","log.module_path":"hyper::proto","log.file":"/a/hyper/src/proto.rs","log.line":7},"target":"log"}"#;
    let record = read(line);
    assert_eq!((&record["channel"], &record["level"]), (&json!("hyper"), &json!("warning")));
    assert_eq!(
        record["location"],
        json!({"file": "/a/hyper/src/proto.rs", "line": 7, "module": "hyper::proto"})
    );
}

#[test]
fn bunyan_and_pino() {
    let bunyan = r#"{"name":"shop","hostname":"web1","pid":7,"component":"cart","level":50,"err":{"message":"no card","name":"CardError","stack":"CardError: no card\n    at pay (/srv/cart.js:3:14)","code":"E_CARD"},"req":{"method":"POST","url":"/pay","remoteAddress":"::1"},"msg":"cannot pay","time":"2026-11-21T10:47:20.123Z","v":0}"#;
    let record = read(bunyan);
    assert_eq!(record["channel"], "shop.cart");
    assert_eq!(record["error"], json!([{"type": "CardError", "message": "no card"}]));
    assert_eq!(
        record["backtrace"],
        json!([{"function": "pay", "file": "/srv/cart.js", "line": 3, "in_app": true}])
    );
    assert_eq!(
        record["request"],
        json!({"method": "POST", "path": "/pay", "remote_address": "::1"})
    );
    assert_eq!((&record["host"], &record["process"]), (&json!("web1"), &json!(7)));
    assert_eq!(record["traits"]["err.code"], text("E_CARD"));
    assert_eq!(record["traits"].get("v"), None);

    let pino = r#"{"level":60,"time":1795258040123,"pid":7,"hostname":"web1","err":{"type":"TypeError","message":"x is undefined","stack":"TypeError: x is undefined\n    at a (/srv/a.js:1:1)\nCaused by: RangeError: far"},"res":{"statusCode":500},"msg":""}"#;
    let record = read(pino);
    assert_eq!((&record["time"], &record["level"]), (&json!(TIME), &json!("critical")));
    assert_eq!(record["message"], "TypeError: x is undefined");
    assert_eq!(record["error"][1], json!({"type": "RangeError", "message": "far"}));
}

#[test]
fn structlog_and_python_json_logger() {
    let structlog = r#"{"user_id": 17, "event": "cannot pay", "logger": "shop.cart", "level": "error", "timestamp": "2026-11-21T10:47:20.123Z", "exception": "Traceback (most recent call last):\n  File \"/srv/cart.py\", line 7, in pay\n    charge()\nValueError: no card"}"#;
    let record = read(structlog);
    assert_eq!(
        (&record["channel"], &record["message"]),
        (&json!("shop.cart"), &json!("cannot pay"))
    );
    assert_eq!(record["error"], json!([{"type": "ValueError", "message": "no card"}]));
    assert_eq!(record["backtrace"][0]["function"], "pay");
    assert_eq!(record["traits"]["user_id"], int(17));

    let tracebacks = r#"{"event": "cannot pay", "level": "error", "timestamp": "2026-11-21T10:47:20.123Z", "exception": [{"exc_type": "ValueError", "exc_value": "no card", "syntax_error": null, "is_cause": false, "frames": [{"filename": "/srv/main.py", "lineno": 1, "name": "main"}, {"filename": "/srv/cart.py", "lineno": 7, "name": "pay"}]}]}"#;
    let record = read(tracebacks);
    assert_eq!(record["error"], json!([{"type": "ValueError", "message": "no card"}]));
    assert_eq!(record["backtrace"][0]["function"], "pay");

    let logger = r#"{"asctime": "2026-11-21 10:47:20,123", "levelname": "ERROR", "name": "shop.cart", "message": "cannot pay", "pathname": "/srv/cart.py", "lineno": 7, "funcName": "pay", "process": 12, "threadName": "MainThread", "exc_info": "Traceback (most recent call last):\n  File \"/srv/cart.py\", line 7, in pay\nValueError: no card", "taskName": null}"#;
    let record = read(logger);
    assert_eq!((&record["time"], &record["level"]), (&json!(TIME), &json!("error")));
    assert_eq!(record["location"], json!({"file": "/srv/cart.py", "line": 7, "function": "pay"}));
    assert_eq!((&record["process"], &record["thread"]), (&json!(12), &json!("MainThread")));
    assert_eq!(record["error"][0]["type"], "ValueError");
}

#[test]
fn ecs_flat_and_nested() {
    let flat = r#"{"@timestamp":"2026-11-21T10:47:20.123Z","log.level":"ERROR","message":"cannot pay","ecs.version":"1.2.0","service.name":"shop","service.version":"1.4.0","service.environment":"production","log.logger":"com.shop.Cart","log.origin.file.name":"Cart.java","log.origin.file.line":12,"log.origin.function":"pay","process.thread.name":"main","error.type":"com.shop.NoCard","error.message":"none","error.stack_trace":"com.shop.NoCard: none\n\tat com.shop.Cart.pay(Cart.java:12)","http.request.method":"POST","url.path":"/pay","http.response.status_code":500,"client.ip":"10.0.0.1","trace.id":"abc"}"#;
    let nested = r#"{"@timestamp":"2026-11-21T10:47:20.123Z","log":{"level":"ERROR","logger":"com.shop.Cart","origin":{"file":{"name":"Cart.java","line":12},"function":"pay"}},"message":"cannot pay","ecs":{"version":"1.2.0"},"service":{"name":"shop","version":"1.4.0","environment":"production"},"process":{"thread":{"name":"main"}},"error":{"type":"com.shop.NoCard","message":"none","stack_trace":"com.shop.NoCard: none\n\tat com.shop.Cart.pay(Cart.java:12)"},"http":{"request":{"method":"POST"},"response":{"status_code":500}},"url":{"path":"/pay"},"client":{"ip":"10.0.0.1"},"trace":{"id":"abc"}}"#;
    let record = read(flat);
    assert_eq!(record, read(nested));
    assert_eq!(record["error"], json!([{"type": "com.shop.NoCard", "message": "none"}]));
    assert_eq!(record["backtrace"][0]["file"], "Cart.java");
    assert_eq!(
        record["request"],
        json!({"method": "POST", "path": "/pay", "status": 500, "remote_address": "10.0.0.1"})
    );
    assert_eq!(
        (&record["release"], &record["environment"]),
        (&json!("1.4.0"), &json!("production"))
    );
    assert_eq!((&record["thread"], &record["trace_id"]), (&json!("main"), &json!("abc")));
}

#[test]
fn journal_of_systemd() {
    let line = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795258040123000","PRIORITY":"3","MESSAGE":"cannot start","SYSLOG_IDENTIFIER":"shopd","_HOSTNAME":"web1","_PID":"77","CODE_FILE":"src/main.c","CODE_LINE":"12","CODE_FUNC":"main","_TRANSPORT":"journal"}"#;
    let record = read(line);
    assert_eq!((&record["time"], &record["level"]), (&json!(TIME), &json!("error")));
    assert_eq!((&record["channel"], &record["host"]), (&json!("shopd"), &json!("web1")));
    assert_eq!(record["process"], 77);
    assert_eq!(record["location"], json!({"file": "src/main.c", "line": 12, "function": "main"}));
    assert_eq!(record["traits"]["_TRANSPORT"], text("journal"));

    let bytes = r#"{"__REALTIME_TIMESTAMP":"1795258040123000","PRIORITY":"4","MESSAGE":[103,111,255,110,101]}"#;
    assert_eq!(read(bytes)["message"], "go\u{fffd}ne");

    let inner = r#"{"__REALTIME_TIMESTAMP":"1795258040123000","PRIORITY":"6","MESSAGE":"{\"level\":\"error\",\"msg\":\"inner\"}","SYSLOG_IDENTIFIER":"shopd"}"#;
    let record = read(inner);
    assert_eq!((&record["level"], &record["message"]), (&json!("error"), &json!("inner")));
    assert_eq!((&record["time"], &record["channel"]), (&json!(TIME), &json!("shopd")));
}

#[test]
fn postgres_jsonlog() {
    let line = r#"{"timestamp":"2026-11-21 11:47:20.123 CET","user":"shop","dbname":"shop","pid":12,"remote_host":"127.0.0.1","session_id":"6740","line_num":2,"ps":"INSERT","error_severity":"ERROR","state_code":"23505","message":"duplicate key value violates unique constraint \"users_pkey\"","detail":"Key (id)=(17) already exists.","statement":"insert into users values (17)","application_name":"psql","backend_type":"client backend","query_id":0,"func_name":"_bt_check_unique","file_name":"nbtinsert.c","file_line_num":666}"#;
    let record = read(line);
    assert_eq!((&record["time"], &record["level"]), (&json!(TIME), &json!("error")));
    assert_eq!(
        record["error"],
        json!([{"type": "unique_violation", "message": "Key (id)=(17) already exists."}])
    );
    assert_eq!(
        record["fingerprint"],
        "postgres 23505: duplicate key value violates unique constraint users_pkey"
    );
    assert_eq!(record["location"]["function"], "_bt_check_unique");
    assert_eq!(record["traits"]["statement"], text("insert into users values (17)"));
    assert_eq!(record["traits"]["state_code"], text("23505"));

    let log = r#"{"timestamp":"2026-11-21 11:47:20.123 CET","pid":1,"error_severity":"LOG","state_code":"00000","message":"checkpoint starting: time","backend_type":"checkpointer"}"#;
    let record = read(log);
    assert_eq!((&record["level"], &record["error"]), (&json!("info"), &Value::Null));
    let fatal = log.replace("LOG", "FATAL").replace("00000", "99X99");
    let record = read(&fatal);
    assert_eq!(record["level"], "error");
    assert_eq!(record["error"], json!([{"type": "SQLSTATE 99X99", "message": "SQLSTATE 99X99"}]));
    // A state that is not ASCII must not be cut within a character.
    read(&log.replace("00000", "é"));
}

#[test]
fn mongod_log() {
    let line = r#"{"t":{"$date":"2026-11-21T11:47:20.123+01:00"},"s":"E","c":"NETWORK","id":23016,"ctx":"conn7","msg":"Failed to connect","attr":{"remote":"10.0.0.1:27017","error":{"code":6,"codeName":"HostUnreachable","errmsg":"Connection refused"},"attempt":3}}"#;
    let record = read(line);
    assert_eq!((&record["time"], &record["level"]), (&json!(TIME), &json!("error")));
    assert_eq!(
        (&record["channel"], &record["thread"]),
        (&json!("mongod.NETWORK"), &json!("conn7"))
    );
    assert_eq!(
        record["error"],
        json!([{"type": "HostUnreachable", "message": "Connection refused"}])
    );
    assert_eq!(record["traits"]["attr.attempt"], int(3));
    assert_eq!(record["traits"]["id"], int(23016));
    assert_eq!(read(&line.replace(r#""s":"E""#, r#""s":"D2""#))["level"], "debug");
}

#[test]
fn logfmt_lines() {
    let line = r#"time=2026-11-21T10:47:20.123Z level=error msg="cannot pay" err="no card" caller=cart/pay.go:42 user=17 method=GET path=/pay status=500"#;
    let record = read(line);
    assert_eq!((&record["time"], &record["level"]), (&json!(TIME), &json!("error")));
    assert_eq!(record["location"], json!({"file": "cart/pay.go", "line": 42}));
    assert_eq!(record["error"], json!([{"message": "no card"}]));
    assert_eq!(
        record["request"],
        json!({"method": "GET", "path": "/pay", "status": 500, "user": "17"})
    );
}

#[test]
fn json_of_an_unknown_program() {
    let line = r#"{"severity":"CRITICAL","ts":1795258040.123,"msg":"down","a":{"b":[1],"c":1.5},"big":18446744073709551615,"status":"bad"}"#;
    assert_eq!(
        read(line),
        json!({
            "time": TIME, "level": "critical", "message": "down",
            "traits": {
                "a.b": text("[1]"), "a.c": {"float": 1.5}, "big": text("18446744073709551615"),
                "status": text("bad"),
            },
        })
    );
    assert_eq!(read("{}"), json!({"time": null, "level": "info", "message": "{}"}));
    // A value that is not a level, time or message becomes a trait.
    let odd = read(r#"{"level":{"x":1},"time":"soon","message":["a"]}"#);
    assert_eq!(odd["traits"]["level.x"], int(1));
    assert_eq!(odd["traits"]["time"], text("soon"));
    assert_eq!(odd["traits"]["message"], text(r#"["a"]"#));
}
