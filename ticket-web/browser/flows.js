// What a person does with the pages, with and without JavaScript.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { step } from "./steps.js";
import { payment } from "./tickets.js";

export const TOKEN = "a-token-for-the-browser";

export function flowSteps({ open, flowServer, closedServer }) {
  for (const hasScript of [true, false]) {
    const suffix = hasScript ? "with JavaScript" : "without JavaScript";
    const flow = (name, run) =>
      step(`flow: ${name}, ${suffix}`, async () => {
        const { address } = flowServer();
        const { context, page, watch } = await open(address, { hasScript });
        await run({ page, address, context, watch });
        watch.check(name);
        await context.close();
      });
    const titles = (page) => page.locator("a.title").allInnerTexts();
    const report = (page) => page.locator("[role=status]");
    const row = (page, text) => page.locator(".tickets tbody tr", { hasText: text });
    const select = (page, text) => row(page, text).locator("input[name=id]").check();
    const act = (page, name) => page.locator(".bar").getByRole("button", { name, exact: true }).click();

    flow("filter by text, level and application, and take one filter away", async ({ page, address }) => {
      await page.goto(`${address}/`);
      const before = (await titles(page)).length;
      await page.getByRole("searchbox").fill("CANNOT");
      await page.getByLabel("Minimum level").selectOption("error");
      // With JavaScript, a choice by mouse or program is applied at once.
      if (!hasScript) await page.getByRole("button", { name: "Filter" }).click();
      await page.waitForURL(/level=error/);
      await page.waitForURL(/search=CANNOT/);
      const found = await titles(page);
      assert.ok(found.length > 0 && found.length < before, found.join("\n"));
      assert.ok(found.every((title) => /cannot/.test(title)), found.join("\n"));
      await page.locator(".chip", { hasText: "CANNOT" }).click();
      await page.waitForURL((url) => !url.search.includes("CANNOT") && url.search.includes("level=error"));
      assert.ok((await titles(page)).length > found.length);
    });

    flow("sort by the number of occurrences", async ({ page, address }) => {
      await page.goto(`${address}/`);
      await page.locator("th a", { hasText: "Events" }).click();
      await page.locator("th[aria-sort=descending]", { hasText: "Events" }).waitFor();
      const counts = (await page.locator(".tickets td.number").allInnerTexts()).map((text) => Number(text.replace(/\D/g, "")));
      assert.deepEqual(counts, [...counts].sort((a, b) => b - a));
    });

    flow("solve two tickets, and reopen one", async ({ page, address }) => {
      await page.goto(`${address}/`);
      await select(page, "no tax rate");
      await select(page, "cannot scale the picture");
      await act(page, "Solve");
      await report(page).getByText(/2 tickets/).waitFor();
      assert.equal(await row(page, "no tax rate").count(), 0);
      await page.locator(".tabs a", { hasText: "solved" }).click();
      await row(page, "cannot scale the picture").waitFor();
      await select(page, "no tax rate");
      await act(page, "Reopen");
      await report(page).waitFor();
      await page.locator(".tabs a", { hasText: "open" }).click();
      await row(page, "no tax rate").waitFor();
      await page.locator(".tabs a", { hasText: "solved" }).click();
      await select(page, "cannot scale the picture");
      await act(page, "Reopen");
      await report(page).waitFor();
    });

    flow("mute a ticket for an hour", async ({ page, address }) => {
      await page.goto(`${address}/`);
      await select(page, "wrong signature");
      await page.locator(".bar").getByLabel("How long to mute").selectOption("1h");
      await act(page, "Mute");
      await report(page).waitFor();
      await page.locator(".tabs a", { hasText: "muted" }).click();
      await row(page, "wrong signature").locator(".mark.muted").waitFor();
      await row(page, "wrong signature").locator("a.title").click();
      await page.locator(".marks .muted").waitFor();
      await act(page, "Reopen");
      await page.locator(".marks .open").waitFor();
    });

    flow("write a note", async ({ page, address }) => {
      await page.goto(`${address}/?search=stock`);
      await page.locator("a.title").first().click();
      await page.getByLabel("Note").fill(`counted again,\n${suffix}`);
      await page.getByRole("button", { name: "Add the note" }).click();
      await page.locator("#history .note", { hasText: suffix }).waitFor();
      assert.equal(await page.getByLabel("Note").inputValue(), "");
    });

    flow("merge two tickets, and end the merge", async ({ page, address }) => {
      // What is merged stays where it is when the merge ends, so each run needs tickets of its own.
      const [from, into] = hasScript ? ["does not stop at the fence", "label printer"] : ["supplier's list", "confirmation of order"];
      await page.goto(`${address}/`);
      await select(page, from);
      await select(page, into);
      await act(page, "Merge");
      await page.getByRole("radio", { name: into }).check();
      await page.getByRole("button", { name: "Merge" }).click();
      await report(page).waitFor();
      assert.equal(await row(page, from).count(), 0);
      await row(page, into).locator("a.title").click();
      await page.locator("#history").getByRole("button", { name: "End the merge" }).click();
      await page.locator("#history").getByText(/unmerge|merge.*end|ended/i).first().waitFor();
    });

    flow("delete a ticket after a confirmation", async ({ page, address }) => {
      const doomed = hasScript ? "its version is 7" : "coupon SUMMER";
      await page.goto(`${address}/`);
      await select(page, doomed);
      await act(page, "Delete");
      await page.getByRole("heading", { name: "Delete 1 ticket?" }).waitFor();
      await page.getByRole("link", { name: "Cancel" }).click();
      await select(page, doomed);
      await act(page, "Delete");
      await page.getByRole("button", { name: "Delete" }).click();
      await report(page).waitFor();
      await page.goto(`${address}/?status=all`);
      assert.equal(await row(page, doomed).count(), 0);
    });

    flow("find events, choose columns, and export them", async ({ page, address, context }) => {
      await page.goto(`${address}/events`);
      await page.locator("input[name=q]").fill(`type=shop::payments and currency="GBP"`);
      await page.getByRole("button", { name: "Search" }).click();
      await page.getByText("Types, names and columns").click();
      await page.getByRole("checkbox", { name: "amount" }).check();
      await page.getByRole("checkbox", { name: "order" }).check();
      await page.getByRole("button", { name: "Search" }).click();
      await page.locator("th", { hasText: "amount" }).waitFor();
      const shown = await page.locator(".events tbody tr").count();
      assert.ok(shown > 3, `${shown}`);
      for (const [name, lines] of [["CSV", shown + 1], ["JSON lines", shown]]) {
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).click()]);
        const text = await readFile(await download.path(), "utf8");
        assert.equal(text.trimEnd().split(/\r?\n/).length, lines, text.slice(0, 400));
        assert.ok(text.includes("GBP"), text.slice(0, 400));
      }
      await page.locator(".events a.title").first().click();
      await page.locator(".pairs dd", { hasText: "GBP" }).first().waitFor();
    });

    flow("an expression with a mistake says where it is", async ({ page, address, watch }) => {
      watch.expectStatus(400);
      await page.goto(`${address}/events`);
      await page.locator("input[name=q]").fill("user_id >");
      await page.getByRole("button", { name: "Search" }).click();
      await page.getByRole("alert").locator("mark").waitFor();
      assert.equal(await page.locator("input[name=q]").inputValue(), "user_id >");
    });

    flow("go through the occurrences of a ticket, and read one as Markdown", async ({ page, address }) => {
      await page.goto(`${address}/?search=payment+failed`);
      await page.locator("a.title").first().click();
      const time = () => page.locator("#occurrence time").getAttribute("datetime");
      const newest = await time();
      await page.getByRole("link", { name: "Older" }).click();
      await page.waitForURL(/occurrences/);
      assert.ok((await time()) < newest);
      await page.getByRole("link", { name: "Newest" }).click();
      await page.locator(`#occurrence time[datetime="${newest}"]`).waitFor();
      const markdown = await page.getByRole("link", { name: "Markdown" }).getAttribute("href");
      await page.goto(new URL(markdown, address).href);
      const text = await page.locator("body").innerText();
      assert.ok(text.includes("# ") && text.includes("Connection refused"), text.slice(0, 300));
    });

    flow("choose colours, which stay", async ({ page, address }) => {
      await page.goto(`${address}/health`);
      await page.locator(".themes button[value=dark]").click();
      await page.locator("html[data-theme=dark]").waitFor();
      assert.equal(new URL(page.url()).pathname, "/health");
      await page.goto(`${address}/`);
      await page.locator("html[data-theme=dark]").waitFor();
    });

    step(`flow: sign in and out, ${suffix}`, async () => {
      const { address } = closedServer();
      const { context, page, watch } = await open(address, { hasScript });
      watch.expectStatus(401);
      await page.goto(`${address}/?status=all`);
      await page.getByLabel("Token").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("Token").fill(TOKEN);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator(".tabs").waitFor();
      assert.equal(new URL(page.url()).search, "?status=all");
      assert.ok(!(await page.content()).includes(TOKEN));
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token").waitFor();
      await page.goto(`${address}/health`);
      await page.getByLabel("Token").waitFor();
      watch.check("signing in");
      await context.close();
    });
  }

  step("flow: keys go through the list, select and search", async () => {
    const { address } = flowServer();
    const { context, page, watch } = await open(address);
    await page.goto(`${address}/`);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    assert.ok(await page.locator("input[name=id]").nth(1).isChecked());
    await page.getByText("1 selected").waitFor();
    await page.keyboard.press("/");
    assert.ok(await page.getByRole("searchbox").evaluate((field) => field === document.activeElement));
    watch.check("keys");
    await context.close();
  });

  step("flow: copy an occurrence as Markdown", async () => {
    const { address } = flowServer();
    const { context, page, watch } = await open(address);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`${address}/?search=payment+failed`);
    await page.locator("a.title").first().click();
    await page.getByRole("link", { name: "Markdown" }).click();
    await page.getByText("Copied").waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(text.includes("Connection refused"), text.slice(0, 300));
    watch.check("copying");
    await context.close();
  });

  step("flow: a form of another site changes nothing", async () => {
    const { address } = flowServer();
    const { context, page, watch } = await open(address);
    watch.expectStatus(403);
    await page.goto(`${address}/`);
    const id = await page.locator("input[name=id]").first().inputValue();
    const evil = new URL(address);
    evil.hostname = "localhost";
    const body = `<form method="post" action="${address}/tickets/change"><input name="action" value="solve"><input name="id" value="${id}"><button>Win</button></form>`;
    await page.route("http://localhost:*/evil", (route) => route.fulfill({ contentType: "text/html", body }));
    await page.goto(`${evil.origin}/evil`);
    await page.getByRole("button", { name: "Win" }).click();
    await page.getByText("sent from another site").waitFor();
    await page.goto(`${address}/tickets/${id}`);
    await page.locator(".marks .open").waitFor();
    await context.close();
  });
}

export function storySteps({ open, storyServer }) {
  step("story: a person who has never seen it finds an error, solves it, and sees it come back", async () => {
    const { address } = storyServer();
    const { context, page, watch } = await open(address);

    // The newest error is the first one.
    await page.goto(`${address}/`);
    const newest = page.locator(".tickets tbody tr").first();
    assert.match(await newest.innerText(), /payment failed: cannot charge order/);
    await newest.locator("a.title").click();
    await page.waitForURL(/tickets\//);

    // Its cause is the last error of the chain.
    const cause = page.locator(".errors li").last();
    assert.match(await cause.innerText(), /Connection refused \(os error 111\)/);

    // Since when, and in which release.
    const first = page.locator(".facts div", { hasText: "First seen" });
    assert.match(await first.innerText(), /\d+d ago/);

    // Which user.
    const user = page.locator(".pairs div", { hasText: /^user/i }).first();
    assert.match(await user.innerText(), /@example\.org/);

    // Solved, with a note for the others.
    await page.getByLabel("Note").fill("The bank changed its address.");
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.locator(".bar").getByRole("button", { name: "Solve" }).click();
    await page.locator(".marks .solved").waitFor();
    await page.goto(`${address}/`);
    assert.doesNotMatch(await page.locator(".tickets").innerText(), /payment failed/);

    // It happens again: the open page shows it by itself, and marks it.
    await storyServer().record([payment(-1000)]);
    const back = page.locator(".tickets tbody tr", { hasText: "payment failed" });
    await back.locator(".mark.back").waitFor({ timeout: 15_000 });
    await back.locator("a.title").click();
    await page.locator("#history").getByText(/came back/).first().waitFor();
    await page.locator("#history").getByText("The bank changed its address.").waitFor();
    watch.check("the story");
    await context.close();
  });
}
