// Each page in both themes, narrow and wide, with and without JavaScript: without a violation of axe-core's rules, and
// without anything that sticks out of the window. Each is kept as a picture.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { step } from "./steps.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const firstTicket = (title) => async (page, address) => {
  await page.goto(`${address}/?search=${encodeURIComponent(title)}`);
  await page.goto(await page.locator("a.title").first().evaluate((link) => link.href));
};

/** The pages by their names, and how one gets there. */
const PAGES = {
  list: (page, address) => page.goto(`${address}/`),
  "list-filtered": (page, address) => page.goto(`${address}/?status=all&app=shop&level=warning&search=order&release=1.4.1&until=1h`),
  "list-no-match": (page, address) => page.goto(`${address}/?search=nothing+has+this`),
  "list-solved": (page, address) => page.goto(`${address}/?status=solved`),
  ticket: firstTicket("payment failed"),
  "ticket-bare": firstTicket("index out of bounds"),
  delete: async (page, address) => {
    await page.goto(`${address}/?sort=count`);
    for (const at of [0, 1, 2]) await page.locator("input[name=id]").nth(at).check();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: /^Delete 3 tickets/ }).waitFor();
  },
  merge: async (page, address) => {
    await page.goto(`${address}/?sort=count`);
    for (const at of [0, 1]) await page.locator("input[name=id]").nth(at).check();
    await page.getByRole("button", { name: "Merge" }).click();
    await page.getByRole("heading", { name: /^Merge 2 tickets/ }).waitFor();
  },
  events: (page, address) => page.goto(`${address}/events`),
  "events-found": (page, address) => inTime(page, `${address}/events?q=${encodeURIComponent("type=shop::payments and amount>100")}&columns=amount&columns=currency&columns=order`),
  "events-mistake": (page, address) => page.goto(`${address}/events?q=${encodeURIComponent("amount > and")}`),
  health: (page, address) => page.goto(`${address}/health`),
  "not-found": (page, address) => page.goto(`${address}/no-such-page`),
};

/** The answers of 400 and above that a page may get. */
const REFUSED = { "events-found": 503, "events-mistake": 400, "not-found": 404, "sign-in": 401 };

/**
 * Opens a page that reads many events. On a busy machine the store may miss the page's deadline of a second, and a visitor
 * would try again.
 */
async function inTime(page, url) {
  for (let tries = 0; tries < 10; tries++) {
    const answer = await page.goto(url);
    if (answer.status() !== 503) return;
  }
  assert.fail(`${url} was answered with 503 ten times`);
}

const VIEWS = [];
for (const theme of ["light", "dark"]) {
  for (const width of [360, 1440]) {
    for (const hasScript of [true, false]) VIEWS.push({ theme, width, hasScript });
  }
}

const named = ({ theme, width, hasScript }) => `${theme}, ${width} px, ${hasScript ? "with" : "without"} JavaScript`;

export function looksSteps({ open, out, server, emptyServer, closedServer }) {
  const look = async (name, address, go, view) => {
    const { context, page, watch } = await open(address, view);
    if (name in REFUSED) watch.expectStatus(REFUSED[name]);
    await go(page, address);
    await page.screenshot({ path: join(out, `${name}-${view.theme}-${view.width}${view.hasScript ? "" : "-noscript"}.png`), fullPage: true });
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(width <= view.width, `${name} is ${width} px wide`);
    watch.check(name);
    // The rules cannot be checked where scripts are off: nothing calls the checker back. What stands in for it is a page
    // whose own script is empty.
    if (view.hasScript) await checkAxe(page, name);
    else await checkWithoutOwnScript(name, address, go, view);
    await context.close();
  };
  const checkWithoutOwnScript = async (name, address, go, view) => {
    const { context, page } = await open(address, { ...view, hasScript: true });
    await context.route(/\/assets\/.*\.js$/, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await go(page, address);
    await checkAxe(page, name);
    await context.close();
  };

  for (const view of VIEWS) {
    for (const [name, go] of Object.entries(PAGES)) {
      step(`looks: ${name}, ${named(view)}`, () => look(name, server().address, go, view));
    }
    step(`looks: empty, ${named(view)}`, () => look("empty", emptyServer().address, PAGES.list, view));
    step(`looks: sign-in, ${named(view)}`, () => look("sign-in", closedServer().address, PAGES.list, view));
  }

  step("looks: a very wide window is not filled to its edges", async () => {
    const view = { theme: "light", width: 2560, hasScript: true };
    const { context, page } = await open(server().address, view);
    for (const name of ["list", "ticket", "events-found"]) {
      await PAGES[name](page, server().address);
      await page.screenshot({ path: join(out, `${name}-light-2560.png`) });
      const box = await page.locator("main").boundingBox();
      assert.ok(box.width <= 1800 && box.x >= 300, `${name}: ${JSON.stringify(box)}`);
    }
    await context.close();
  });

  step("looks: the focus is visible wherever the Tab key goes", async () => {
    const { context, page } = await open(server().address, { theme: "light", width: 1440 });
    await page.goto(`${server().address}/`);
    const seen = new Set();
    for (let at = 0; at < 30; at += 1) {
      await page.keyboard.press("Tab");
      const { name, outline, isInside } = await page.evaluate(() => {
        const { activeElement: element } = document;
        const box = element.getBoundingClientRect();
        const style = getComputedStyle(element);
        const isInside = box.width > 0 && box.bottom > 0 && box.right > 0;
        return { name: element.className || element.name || element.textContent.trim(), outline: style.outlineStyle, isInside };
      });
      assert.ok(outline !== "none" && isInside, `${name}: ${outline}`);
      seen.add(name);
    }
    assert.ok(seen.has("skip") && seen.has("search") && seen.size > 10, [...seen].join(", "));
    await context.close();
  });
}

/** The picture at the top of the README. */
export function pictureStep({ open, picture, server }) {
  step("picture: the list, for the README", async () => {
    const { context, page } = await open(server().address, { theme: "light", width: 1280, height: 800, scale: 2 });
    await page.goto(`${server().address}/`);
    await page.screenshot({ path: picture });
    await context.close();
  });
}

async function checkAxe(page, name) {
  const rules = { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
  await page.evaluate(axe);
  const violations = await page.evaluate(async (options) => {
    const { violations } = await globalThis.axe.run(document, options);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
  }, rules);
  assert.deepEqual(violations, [], `${name}:\n${violations.join("\n")}`);
}
