// Text that attacks a page, in every field that is stored, and a crawl over all pages that show it.

import assert from "node:assert/strict";

import { step } from "./steps.js";
import { record } from "./tickets.js";

/** A host that no page may ask, and a text that only runs where a page is broken. */
const PAYLOADS = [
  `"><script>alert(1)</script>`,
  `'"><img src=x onerror=alert(2)>`,
  `javascript:alert(3)`,
  `</title></textarea></script><svg onload=alert(4)>`,
  `<img src="http://evil.example/a.png"><link rel="stylesheet" href="//evil.example/a.css">`,
  `<base href="http://evil.example/"><meta http-equiv="refresh" content="0;url=http://evil.example/">`,
  `<iframe srcdoc="<script>parent.alert(5)</script>"></iframe>`,
  `"><form action="http://evil.example/"><button autofocus>Solve</button></form>`,
  `" onfocus="alert(6)" autofocus x="`,
  `<style>*{background:url(http://evil.example/b)}</style>`,
  `=HYPERLINK("http://evil.example/","open me")`,
  "line\r\nSet-Cookie: evil=1\r\n\r\n<script>alert(7)</script>",
  "\u202Etxt.exe\u202C \u200B\uFEFF \u001b[31mred\u001b[0m \u2028</script>",
  `{{7*7}} \${7*7} {% include "/etc/passwd" %}`,
  `../../../../etc/passwd?x=1&y=2#<>`,
  `&lt;script&gt;alert(8)&lt;/script&gt; &amp;#x3c;`,
];

/** One record with `text` in all of its fields. */
function everywhere(text, index) {
  const typed = { [text]: { text }, [`${text}.n`]: { int: 7 } };
  const made = record({ ago: index * 1000 });
  return {
    ...made,
    app_id: index % 4 === 0 ? text : "hostile",
    level: "error",
    channel: text,
    message: `${index} ${text}`,
    location: { file: text, line: 1, module: text, function: text },
    error: [{ type: text, message: text }, { type: text, message: `cause ${text}` }],
    backtrace: [{ function: text, file: text, line: 1, in_app: true }, { function: text, file: text, line: 2 }],
    traits: typed,
    request: { method: text, path: `/${text}`, route: text, status: 500, remote_address: text, user: text, request_id: text },
    breadcrumbs: [{ time: made.time, level: "info", channel: text, message: text, traits: typed }],
    spans: [{ name: text, target: text, traits: typed }],
    release: text,
    environment: text,
    host: text,
    process: 1,
    thread: text,
    trace_id: text,
    span_id: text,
    fingerprint: `hostile ${index}`,
    external_id: text,
    payload: { [text]: text },
  };
}

export const hostile = () => PAYLOADS.map(everywhere);

/** The most pages of one kind that are visited, apart from tickets: a list has endlessly many filters. */
const PER_KIND = 6;
const MOST = 120;

/** The kind of a page: its path without ids, and the names in its query. */
function kind(url) {
  const path = url.pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}/g, "ID");
  return `${path}?${[...url.searchParams.keys()].sort().join("&")}`;
}

export function hostileSteps({ open, hostileServer }) {
  const address = () => hostileServer().address;

  step("hostile text: the watch notices what it looks for", async () => {
    const { context, page, watch } = await open(address());
    const body = `<body><img src=x onerror="alert(1)"><img src="http://evil.example/a.png"><script>throw new Error("x")</script>`;
    await page.route("**/broken", (route) => route.fulfill({ contentType: "text/html", body }));
    await page.goto(`${address()}/broken`);
    await page.waitForTimeout(300);
    const seen = watch.seen.splice(0).join("\n");
    for (const part of ["a dialog: 1", "another host: http://evil.example", "an exception", "console: "]) {
      assert.ok(seen.includes(part), `${part} is not in:\n${seen}`);
    }
    await context.close();
  });

  step("hostile text: a note is shown as it was written", async () => {
    const { context, page, watch } = await open(address());
    await page.goto(`${address()}/?status=all&app=hostile`);
    await page.locator("a.title").first().click();
    for (const payload of [PAYLOADS[0], PAYLOADS[3]]) {
      await page.locator("#note").fill(payload);
      await page.getByRole("button", { name: "Add the note" }).click();
      await page.locator("#history .note", { hasText: payload }).first().waitFor();
    }
    watch.check("a note");
    await context.close();
  });

  for (const hasScript of [true, false]) {
    step(`hostile text: a crawl of all pages, ${hasScript ? "with" : "without"} JavaScript`, async () => {
      const { context, page, watch } = await open(address(), { hasScript });
      const visited = await crawl(page, watch, address());
      const kinds = [...visited.keys()];
      for (const expected of ["/?", "/tickets/ID?", "/tickets/ID/occurrences/ID?", "/tickets/ID/occurrences/ID/markdown?", "/events?q", "/health?"]) {
        assert.ok(kinds.includes(expected), `the crawl found no ${expected}: ${kinds.join(" ")}`);
      }
      assert.ok(visited.get("/tickets/ID?") >= PAYLOADS.length, "the crawl missed tickets");
      await context.close();
    });
  }

  step("hostile text: exports are files, and no cell is a formula", async () => {
    const { context, page, watch } = await open(address());
    for (const [name, type] of [["export.csv", "text/csv"], ["export.jsonl", "application/"]]) {
      const answer = await context.request.get(`${address()}/events/${name}`);
      assert.equal(answer.status(), 200);
      const headers = answer.headers();
      assert.ok(headers["content-type"].startsWith(type), headers["content-type"]);
      assert.ok(headers["content-disposition"].startsWith("attachment"), headers["content-disposition"]);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["set-cookie"], undefined);
      if (name.endsWith("csv")) {
        assert.ok(!/(^|,)"?[=+@]/m.test(await answer.text()), "a cell begins like a formula");
      }
    }
    await page.goto(`${address()}/events`);
    watch.check("the events");
    await context.close();
  });
}

/** Visits all pages that are linked from the list, and returns how many of each kind. */
async function crawl(page, watch, address) {
  const visited = new Map();
  const left = [`${address}/?status=all`, `${address}/health`, `${address}/`];
  const known = new Set(left);
  let count = 0;
  while (left.length > 0 && count < MOST) {
    const next = new URL(left.shift());
    const isTicket = kind(next) === "/tickets/ID?";
    const already = visited.get(kind(next)) ?? 0;
    if (already >= (isTicket ? MOST : PER_KIND)) continue;
    visited.set(kind(next), already + 1);
    count += 1;
    const answer = await page.goto(next.href, { waitUntil: "load" });
    assert.ok(answer.status() < 400, `${next.href}: ${answer.status()}`);
    watch.check(next.href);
    assert.equal(await page.locator("main script, main img, main iframe, main style, base").count(), 0, next.href);
    // By their attributes: a form's property `action` is its button of that name.
    const links = await page.locator("[href], [src], [action], [formaction]").evaluateAll((elements) =>
      elements.map((element) => {
        const link = ["href", "src", "action", "formaction"].map((name) => element.getAttribute(name)).find(Boolean) ?? "";
        return [element.tagName, new URL(link, document.baseURI).href, element.hasAttribute("download")];
      }),
    );
    for (const [tag, link, isDownload] of links) {
      const url = new URL(link);
      assert.equal(url.origin, new URL(address).origin, `${next.href} leads to ${link}`);
      url.hash = "";
      if (tag !== "A" || isDownload || url.pathname.startsWith("/api/") || known.has(url.href)) continue;
      known.add(url.href);
      // What shows tickets comes before more filters of the list.
      if (url.pathname === "/") left.push(url.href);
      else left.unshift(url.href);
    }
  }
  return visited;
}
