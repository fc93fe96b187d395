"use strict";
// Everything works without this script. It adds local times, a selection that counts itself, keys, copying, and changes
// that arrive by themselves.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Times: local in the tooltip and where a time is written out, and how long ago as time goes by.
  const units = [[31536000, "y"], [86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const ago = (time, now) => {
    const seconds = Math.floor(Math.abs(now - time) / 1000);
    const unit = units.find(([size]) => seconds >= size);
    if (!unit) return "now";
    const text = Math.floor(seconds / unit[0]) + unit[1];
    return time > now ? "in " + text : text + " ago";
  };
  const showTimes = (root) => {
    const now = Date.now();
    for (const time of all("time", root)) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      time.dataset.utc ??= time.title;
      const local = new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
      time.title = local + "\n" + time.dataset.utc;
      if (/ ago$|^now$|^in /.test(time.textContent)) time.textContent = ago(at, now);
    }
  };

  // The selection of the list.
  const watchSelection = (form) => {
    const boxes = () => all("input[name=id]", form);
    const every = form.querySelector("[data-all]");
    const page = form.querySelector("[data-page]");
    const label = form.querySelector("[data-selected]");
    if (!every || !page) return;
    const update = () => {
      const count = boxes().filter((box) => box.checked).length;
      label.textContent = every.checked ? "" : count ? count + " selected" : "";
      page.checked = count > 0 && count === boxes().length;
      page.indeterminate = count > 0 && !page.checked;
      for (const button of all("button[name=action]", form)) button.disabled = !every.checked && count === 0;
    };
    page.hidden = false;
    page.addEventListener("change", () => {
      for (const box of boxes()) box.checked = page.checked;
      update();
    });
    let last = null;
    form.addEventListener("click", (event) => {
      const box = event.target.closest?.("input[name=id]");
      if (!box) return;
      if (event.shiftKey && last) {
        const list = boxes();
        const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
        for (const between of list.slice(from, to + 1)) between.checked = box.checked;
      }
      last = box;
      update();
    });
    form.addEventListener("change", update);
    update();
  };

  // Choices that are obvious once they are made.
  const watchChoices = (root) => {
    for (const select of all("form.filters select", root)) {
      // Not for keys: with them, one passes other choices on the way.
      select.addEventListener("change", () => { if (!select.matches(":focus-visible")) select.form.requestSubmit(); });
    }
    for (const select of all("select[name=solved_in]", root)) {
      const field = select.form.querySelector("input[name=release]");
      const update = () => {
        field.hidden = select.value !== "release";
        field.required = !field.hidden;
      };
      select.addEventListener("change", () => { update(); if (!field.hidden) field.focus(); });
      update();
    }
  };

  // Copying a page of text.
  const watchCopies = (root) => {
    if (!navigator.clipboard) return;
    for (const link of all("a[data-copy]", root)) {
      link.addEventListener("click", async (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        try {
          const answer = await fetch(link.href);
          await navigator.clipboard.writeText(await answer.text());
          const text = link.textContent;
          link.textContent = "Copied";
          setTimeout(() => { link.textContent = text; }, 1500);
        } catch {
          location.href = link.href;
        }
      });
    }
  };

  // Keys: j and k go through the list, x selects, / searches.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const rows = all(".tickets tbody tr");
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    } else if (event.key === "j" || event.key === "k") {
      const next = rows[Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), rows.length - 1)];
      next?.querySelector("a.title")?.focus();
    } else if (event.key === "x" && at >= 0) {
      rows[at].querySelector("input[name=id]")?.click();
    }
  });

  // Changes that arrive by themselves: the server says that there are some, and the page reads itself again.
  const watchLive = () => {
    const live = document.querySelector("[data-live]");
    if (!live || !window.EventSource) return;
    const source = new EventSource(live.dataset.live);
    source.addEventListener("changed", async () => {
      // Nobody's selection or half-typed filter is taken away.
      const isBusy = all("input[name=id]:checked, [data-all]:checked").length
        || document.activeElement?.closest?.("input, select, textarea, details[open]");
      if (isBusy) { live.dataset.stale = "true"; return; }
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of all("[data-part]")) {
        const fresh = next.querySelector(`[data-part="${part.dataset.part}"]`);
        if (fresh) part.replaceWith(document.adoptNode(fresh));
      }
      begin(document);
    });
    addEventListener("pagehide", () => source.close());
  };

  const begin = (root) => {
    showTimes(root);
    for (const form of all("form[data-selection]", root)) watchSelection(form);
    watchCopies(root);
  };
  begin(document);
  watchChoices(document);
  watchLive();
  setInterval(() => showTimes(document), 30000);
})();
