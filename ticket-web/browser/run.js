// Tests of the dashboard in a real browser: `cargo xtask browser` runs this with the programs that it needs.
//
// TICKET and FILL are programs of this workspace, CHROMIUM is the browser, OUT takes the pictures, PICTURE is where the
// README's picture goes. The argument chooses the steps whose name contains it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { TOKEN, flowSteps, storySteps } from "./flows.js";
import { hostile, hostileSteps } from "./hostile.js";
import { looksSteps, pictureStep } from "./looks.js";
import { Server } from "./server.js";
import { runSteps } from "./steps.js";
import { shop } from "./tickets.js";
import { Watch } from "./watch.js";

const { TICKET, FILL, CHROMIUM, OUT, PICTURE } = process.env;
const programs = { ticket: TICKET, fill: FILL };
const only = process.argv[2] ?? "";

const folder = mkdtempSync(join(tmpdir(), "ticket-browser-"));
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const tokenFile = join(folder, "token");
writeFileSync(tokenFile, `${TOKEN}\n`);

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** The page that was opened last. */
let newest;

/** Keeps a picture of what a step saw when it failed. */
async function keepFailure(name) {
  const path = join(OUT, `failed-${name.replace(/[^a-z0-9]+/gi, "-")}.png`);
  await newest?.screenshot({ path, timeout: 5000 }).catch((error) => console.log(`no picture of it: ${error.message}`));
  await newest?.context().close();
}

/** Opens a window of a fresh visitor. */
async function open(address, { theme = "light", width = 1440, height = 900, scale = 1, hasScript = true } = {}) {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height },
    deviceScaleFactor: scale,
    javaScriptEnabled: hasScript,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  context.setDefaultTimeout(10_000);
  const watch = new Watch(context, address);
  const page = await context.newPage();
  newest = page;
  return { context, page, watch };
}

const servers = {};
const start = async (name, records, args) => {
  servers[name] = await Server.start(programs, folder, name, records, args);
};
let isGood = false;
try {
  // Each group of steps has a store of its own, so that their order does not matter.
  await Promise.all([
    start("looks", shop()),
    start("flows", shop()),
    start("story", shop()),
    start("hostile", hostile()),
    start("empty", []),
    start("closed", [], ["--token-file", tokenFile]),
  ]);
  const of = (name) => () => servers[name];
  storySteps({ open, storyServer: of("story") });
  flowSteps({ open, flowServer: of("flows"), closedServer: of("closed") });
  hostileSteps({ open, hostileServer: of("hostile") });
  looksSteps({ open, out: OUT, server: of("looks"), emptyServer: of("empty"), closedServer: of("closed") });
  pictureStep({ open, picture: PICTURE || join(OUT, "README.png"), server: of("looks") });
  isGood = await runSteps(only, keepFailure);
} finally {
  await browser.close();
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isGood ? 0 : 1;
