// Records of a small shop and its warehouse, as a busy two months leave them: the stuff of the pictures and of the story.

import { randomBytes } from "node:crypto";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A random number generator with a seed, so that each run has the same tickets. */
let seed = 7;
function random() {
  seed = (seed * 1664525 + 1013904223) % 2 ** 32;
  return seed / 2 ** 32;
}
const pick = (list) => list[Math.floor(random() * list.length)];

/** A UUIDv7, which is the form of an occurrence's id. */
function id(time) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(time, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const iso = (time) => new Date(time).toISOString();

/** Values as the store types them. */
function traits(values) {
  const typed = (value) => {
    if (typeof value === "boolean") return { bool: value };
    if (typeof value === "number") return Number.isInteger(value) ? { int: value } : { float: value };
    return { text: value };
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typed(value)]));
}

/** A record, `ago` milliseconds before now. */
export function record({ ago = 0, values = {}, ...fields }) {
  const time = Date.now() - Math.round(ago);
  return { id: id(time), time: iso(time), app_id: "shop", traits: traits(values), ...fields };
}

const users = ["ada@example.org", "grace@example.org", "linus@example.org", "edsger@example.org", "barbara@example.org"];

function release(ago) {
  if (ago < 6 * DAY) return "1.4.1";
  return ago < 20 * DAY ? "1.4.0" : "1.3.2";
}

function crumbs(ago, list) {
  const time = Date.now() - Math.round(ago);
  return list.map(([before, level, channel, message, values]) => ({
    time: iso(time - before),
    level,
    channel,
    message,
    ...(values ? { traits: traits(values) } : {}),
  }));
}

/** A request that fails because the bank does not answer. */
export function payment(ago) {
  const order = 4000 + Math.floor(random() * 900);
  const user = pick(users);
  return record({
    ago,
    level: "error",
    channel: "shop::payments",
    message: `payment failed: cannot charge order ${order}`,
    location: { file: "src/payments.rs", line: 88, module: "shop::payments", function: "charge" },
    error: [
      { type: "CheckoutError", message: `cannot charge order ${order}` },
      { type: "BankError", message: "the bank did not answer in 2 attempts" },
      { type: "Os", message: "Connection refused (os error 111)" },
    ],
    backtrace: [
      { function: "std::backtrace::Backtrace::create", file: "library/std/src/backtrace.rs", line: 331 },
      { function: "<shop::failure::Failure as core::convert::From<std::io::Error>>::from", file: "src/failure.rs", line: 31, in_app: true },
      { function: "shop::payments::Payments::charge", file: "src/payments.rs", line: 88, in_app: true },
      { function: "shop::checkout::confirm::{{closure}}", file: "src/checkout.rs", line: 142, in_app: true },
      { function: "<F as axum::handler::Handler<(M,T1),S>>::call::{{closure}}", file: "axum-0.8.4/src/handler/mod.rs", line: 239 },
      { function: "hyper::proto::h1::dispatch::Dispatcher<D,Bs,I,T>::poll_inner", file: "hyper-1.6.0/src/proto/h1/dispatch.rs", line: 174 },
      { function: "tokio::runtime::task::harness::Harness<T,S>::poll", file: "tokio-1.45.0/src/runtime/task/harness.rs", line: 153 },
    ],
    request: {
      method: "POST",
      path: `/checkout/${order}`,
      route: "/checkout/{order}",
      status: 502,
      user,
      remote_address: `203.0.113.${1 + Math.floor(random() * 200)}`,
      request_id: `r-${id(Date.now()).slice(-8)}`,
    },
    values: { order, amount: Math.round(random() * 30000) / 100, currency: pick(["EUR", "EUR", "EUR", "USD", "GBP"]), attempt: 2 },
    breadcrumbs: crumbs(ago, [
      [2140, "info", "shop::http", "request received", { method: "POST" }],
      [2110, "info", "shop::cart", "cart loaded", { items: 3 }],
      [2080, "info", "shop::payments", "calling the bank", { attempt: 1 }],
      [1070, "warning", "shop::payments", "the bank does not answer, trying again"],
      [1060, "info", "shop::payments", "calling the bank", { attempt: 2 }],
    ]),
    spans: [
      { name: "request", target: "shop::http", traits: traits({ method: "POST", path: `/checkout/${order}` }) },
      { name: "checkout", target: "shop::checkout", traits: traits({ order }) },
    ],
    payload: { order, items: [{ sku: "LAMP-2", quantity: 1 }, { sku: "DESK-1", quantity: 2 }] },
    release: release(ago),
    environment: random() < 0.93 ? "production" : "staging",
    host: pick(["web-1", "web-2", "web-3"]),
    process: 2817,
    thread: "tokio-runtime-worker",
  });
}

/** [app, level, channel, message, error types and texts, place, how many, oldest in days, newest in hours, function] */
const problems = [
  ["shop", "critical", "shop::orders", "order events are not written: the queue is full", [["QueueFull", "4,096 of 4,096 places taken"]], "src/orders/queue.rs:57", 46, 0.4, 0.2],
  ["shop", "error", "shop::orders", "cannot show order {n}", [["OrderError", "cannot read orders/{n}.json"], ["Os", "No such file or directory (os error 2)"]], "src/orders.rs:14", 420, 58, 0.4],
  ["shop", "error", "shop::search", "no such page: \"{n}x\"", [["ParseIntError", "invalid digit found in string"]], "src/search.rs:21", 260, 41, 0.9],
  ["shop", "warning", "shop::payments", "the bank does not answer, trying again", [["Os", "Connection refused (os error 111)"]], "src/payments.rs:71", 380, 57, 0.15],
  ["depot", "error", "depot::picking", "shelf {n} is unknown to the robot", [["LookupError", "no shelf {n} on floor 2"]], "src/picking.rs:203", 120, 30, 1.5],
  ["shop", "error", "shop::reports", "panicked: index out of bounds: the len is 6 but the index is 6", [], "src/reports.rs:19", 9, 9, 3],
  ["shop", "error", "shop::mail", "cannot send the confirmation of order {n}", [["SmtpError", "permanent failure 550: mailbox unavailable"]], "src/mail.rs:66", 75, 25, 2.2],
  ["depot", "warning", "depot::stock", "stock of LAMP-2 is below zero: -{d}", [], "src/stock.rs:118", 64, 50, 5],
  ["shop", "error", "shop::import", "cannot import the supplier's list", [["serde_json::Error", "EOF while parsing a list at line 1 column {n}"]], "src/orders.rs:31", 33, 33, 6.5],
  ["shop", "warning", "shop::http", "slow request: {n} ms for GET /search", [], "src/http.rs:92", 310, 59, 0.1],
  ["shop", "error", "sqlx::query", "cannot load the customer", [["PoolTimedOut", "pool timed out while waiting for an open connection"]], "src/customers.rs:44", 52, 3, 0.6],
  ["depot", "critical", "depot::robot", "robot {d} does not stop at the fence", [["SafetyError", "emergency stop was pressed"]], "src/robot.rs:310", 3, 2, 20],
  ["shop", "error", "shop::images", "cannot scale the picture of DESK-1", [["ImageError", "The decoder for Jpeg does not support the format features Cmyk8"]], "src/images.rs:27", 18, 14, 9],
  ["shop", "notice", "shop::session", "a session cookie with a wrong signature", [], "src/session.rs:75", 95, 45, 1.1],
  ["shop", "error", "shop::coupons", "coupon SUMMER is used up but still offered", [], "src/coupons.rs:12", 22, 18, 30],
  ["depot", "error", "depot::labels", "the label printer answers with garbage", [["InvalidUtf8", "invalid utf-8 sequence of 1 bytes from index {d}"]], "src/labels.rs:140", 27, 21, 12],
  ["shop", "error", "shop::tax", "no tax rate for the country \"XK\"", [["KeyError", "XK"]], "src/tax.rs:33", 6, 5, 7.7],
  ["shop", "warning", "shop::cache", "the cache was dropped: its version is 7, this program writes 8", [], "src/cache.rs:50", 12, 6, 26],
];

function problem([app_id, level, channel, message, errors, place, , oldest, newest], share) {
  const n = 100 + Math.floor(random() * 4000);
  const fillIn = (text) => text.replaceAll("{n}", n).replaceAll("{d}", 1 + (n % 9));
  // Denser towards the end, and by day rather than by night.
  const age = newest * HOUR + (oldest * DAY - newest * HOUR) * share ** 1.8;
  const [file, line] = place.split(":");
  return record({
    ago: age,
    app_id,
    level,
    channel,
    message: fillIn(message),
    location: { file, line: Number(line) },
    error: errors.map(([type, text]) => ({ type, message: fillIn(text) })),
    request: app_id === "shop" ? { method: "GET", path: `/orders/${n}`, status: 500, user: pick(users) } : undefined,
    values: { n, region: pick(["eu-west", "eu-west", "us-east"]), duration_ms: Math.round(random() * 90000) / 100 },
    release: release(age),
    environment: random() < 0.9 ? "production" : "staging",
    host: pick(["web-1", "web-2", "web-3"]),
  });
}

/** All records of the shop and its warehouse. The newest error is a payment that failed a moment ago. */
export function shop() {
  const records = [];
  for (const entry of problems) {
    const count = entry[6];
    for (let at = 0; at < count; at += 1) records.push(problem(entry, at / count));
  }
  for (let at = 0; at < 240; at += 1) records.push(payment(20_000 + 6 * DAY * (at / 240) ** 2.2));
  return records;
}
