// What a page does for hands: ticks, menus, copying and the shortcuts of one key.
// Everything can be done without it.
"use strict";
(() => {
  const root = document.documentElement, home = root.dataset.home;
  const one = (selector) => document.querySelector(selector), all = (selector) => [...document.querySelectorAll(selector)];

  // Lists: ticks, and what the buttons would touch.
  const boxes = () => all("input[name=id][type=checkbox]");

  function prepare() {
    const list = one("[data-list]");
    if (!list) return;
    const ticked = boxes().filter((box) => box.checked).length, every = list.querySelector("[data-every]")?.checked;
    const words = list.querySelector("[data-ticked]");
    if (words) words.textContent = every ? "With all that match" : ticked ? `With ${ticked} ticked` : "With the ticked jobs";
    const tickAll = list.querySelector("[data-tick-all]");
    if (tickAll) {
      tickAll.checked = ticked > 0 && ticked === boxes().length;
      tickAll.indeterminate = ticked > 0 && !tickAll.checked;
    }
    for (const button of list.querySelectorAll(".bulk button")) button.disabled = !ticked && !every;
  }

  let lastTicked = null;
  function tick(box, range) {
    if (range && lastTicked) {
      const list = boxes(), [a, b] = [list.indexOf(lastTicked), list.indexOf(box)].sort((x, y) => x - y);
      if (a >= 0) for (const between of list.slice(a, b + 1)) between.checked = box.checked;
    }
    lastTicked = box;
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=id]");
    if (box) tick(box, event.shiftKey);
    if (event.target.matches("[data-tick-all]")) for (const each of boxes()) each.checked = event.target.checked;
    const copied = event.target.closest("[data-copy]");
    if (copied) copy(document.getElementById(copied.dataset.copy)?.value ?? location.href, copied);
    if (event.target.closest("[data-help]")) help();
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    for (const menu of all(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    prepare();
  });
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const many = one("[data-every]:checked") && button?.form?.matches("[data-list]"); // a page asks
    if (button?.dataset.confirm && !many && !confirm(button.dataset.confirm)) event.preventDefault();
  });
  document.addEventListener("later:shown", prepare);

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied.");
    } catch {
      const field = button && document.getElementById(button.dataset.copy);
      field?.focus();
      field?.select(); // the rest is up to whoever wants it
    }
  }

  // say tells the result of something that was done on the page itself.
  function say(text) {
    let note = document.getElementById("said");
    if (!note) {
      note = document.createElement("p");
      note.id = "said";
      note.setAttribute("role", "status");
      document.body.append(note);
    }
    note.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { note.textContent = ""; }, 2500);
  }

  const help = () => one("#keys")?.showModal();

  // keep changes one setting of this browser.
  async function keep(name, value) {
    await fetch(home + "settings/", { method: "POST", redirect: "manual", body: new URLSearchParams({ only: name, [name]: value }) });
  }
  async function nextTheme() {
    const themes = ["system", "light", "dark"], next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    root.dataset.theme = next;
    say(`Theme: ${next}`);
    await keep("theme", next);
  }
  async function nextZone() {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    await keep("zone", root.dataset.zone === "UTC" ? mine : "UTC");
    location.reload();
  }

  // Shortcuts of one key, never in a field.
  const row = () => one("tr.current");
  function move(step) {
    const rows = all("tr[data-href]");
    if (!rows.length) return;
    const at = rows.indexOf(row()), next = at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step));
    row()?.classList.remove("current");
    rows[next].classList.add("current");
    rows[next].scrollIntoView({ block: "nearest" });
  }
  function act(verb) {
    const button = one(`button[formaction$="actions/${verb}"]`);
    if (!button) return open(`main .verbs a[href*="do=${verb}&"]`);
    const box = row()?.querySelector("input[name=id]");
    if (box && !boxes().some((each) => each.checked)) box.click();
    if (!button.disabled) button.click();
  }
  function open(selector) {
    const link = one(selector);
    if (link) location.href = link.href;
  }
  const pages = { o: "", j: "jobs/", e: "errors/", q: "queues/", s: "schedules/", w: "processes/", k: "types/" };
  let going = 0; // until when a second key says where
  const keys = {
    "/": () => (one("main input[type=search]") || one("[data-key='/']"))?.focus(),
    g: () => { going = Date.now() + 1500; },
    j: () => move(1), k: () => move(-1),
    x: () => row()?.querySelector("input[name=id]")?.click(),
    X: () => { const box = row()?.querySelector("input[name=id]"); if (box) { box.checked = true; tick(box, true); prepare(); } },
    Enter: () => { if (row()) location.href = row().dataset.href; },
    "[": () => open("a[rel=prev]"), "]": () => open("a[rel=next]"),
    e: () => one(".why, #why")?.scrollIntoView({ block: "center" }),
    r: () => act("retry"), c: () => act("cancel"), D: () => act("delete"),
    p: () => { const menu = one("[data-pause]"); if (menu) { menu.open = true; menu.querySelector("input:not([type=hidden])")?.focus(); } else one("[data-resume]")?.click(); },
    ".": () => one("[data-live-toggle]")?.click(),
    t: nextTheme, u: nextZone, y: () => copy(location.href),
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
    if (event.key === "Escape") {
      const menu = one(".menu[open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
      else if (field) event.target.blur();
      else if (!one("dialog[open]")) { for (const box of boxes()) box.checked = false; row()?.classList.remove("current"); prepare(); }
      return;
    }
    if (root.dataset.keys !== "true" || event.ctrlKey || event.metaKey || event.altKey || field || one("dialog[open]")) return;
    if (going > Date.now() && event.key in pages) location.href = home + pages[event.key];
    else if (event.key === "Enter" && (!row() || event.target !== document.body)) return;
    else if (event.key in keys) { going = 0; keys[event.key](); }
    else return;
    event.preventDefault();
  });

  one("#nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a phone it may be further right
  const address = new URL(location.href);
  if (address.searchParams.has("notice")) {
    address.searchParams.delete("notice");
    history.replaceState(null, "", address);
  }
  prepare();
})();
