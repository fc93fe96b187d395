// What no page may do, whatever is stored: open a dialog, fail in its console, or ask another host.

import assert from "node:assert/strict";

/** Watches all pages of a context. */
export class Watch {
  constructor(context, address) {
    this.seen = [];
    this.expected = new Set();
    const host = new URL(address).host;
    const note = (text) => this.seen.push(text);
    context.on("page", (page) => {
      page.on("dialog", async (dialog) => {
        note(`a dialog: ${dialog.message()}`);
        await dialog.dismiss();
      });
      page.on("pageerror", (error) => note(`an exception: ${error}`));
      page.on("console", (message) => {
        if (!["error", "warning"].includes(message.type())) return;
        // The browser itself reports each answer of 400 and above.
        const isAnswer = message.text().startsWith("Failed to load resource: the server responded");
        if (isAnswer && this.expected.has(message.text().match(/status of (\d+)/)?.[1])) return;
        // A page of plain text cannot name an icon, so the browser asks the host for its own.
        const from = message.location().url;
        if (isAnswer && from === `${new URL(address).origin}/favicon.ico`) return;
        note(`console: ${message.text()} ${from}`);
      });
    });
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.host !== host && url.protocol !== "data:") note(`a request to another host: ${request.url()}`);
    });
  }

  /** Accepts answers with this status, such as 404. */
  expectStatus(status) {
    this.expected.add(String(status));
    return this;
  }

  /** Fails if a page did something that it may not. */
  check(where) {
    const seen = this.seen.splice(0);
    assert.deepEqual(seen, [], `${where}: ${seen.join("; ")}`);
  }
}
