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
    const statuses = new Set(boxes().filter((box) => box.checked).map((box) => box.closest("tr").dataset.status));
    list.toggleAttribute("data-none", !ticked && !every); // a phone shows no buttons then
    for (const button of list.querySelectorAll(".bulk button")) {
      const fits = every || button.dataset.fits.split(" ").some((status) => statuses.has(status));
      button.dataset.title ??= button.title;
      button.disabled = !fits;
      button.title = fits || !ticked ? button.dataset.title : `Not possible: none of the ticked jobs is ${button.dataset.fits.split(" ").join(" or ")}.`;
    }
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
    follow(event, event.ctrlKey || event.metaKey);
    const copied = event.target.closest("[data-copy]");
    if (copied) copy(document.getElementById(copied.dataset.copy)?.value ?? location.href, copied);
    if (event.target.closest("[data-help]") && one("#keys")) { event.preventDefault(); help(); }
    if (event.target.closest("[data-zone-switch]")) { event.preventDefault(); nextZone(); }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    for (const menu of all(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    prepare();
  });
  document.addEventListener("auxclick", (event) => { if (event.button === 1) follow(event, true); });

  // follow opens a row that is clicked, beside what in it has a meaning of its own.
  function follow(event, aside) {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, label, summary, .tick, .more") || String(getSelection())) return;
    if (aside) open(row.dataset.href);
    else location.href = row.dataset.href;
  }
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
    if (!button) return go(`main .verbs a[href*="do=${verb}&"]`);
    const box = row()?.querySelector("input[name=id]");
    if (box && !boxes().some((each) => each.checked)) box.click();
    if (!button.disabled) button.click();
  }
  function go(selector) {
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
    "[": () => go("a[rel=prev]"), "]": () => go("a[rel=next]"),
    e: () => { if (row()?.querySelector("input[name=id]")) location.href = row().dataset.href.replace(/(\?|$)/, "/why$1"); else one(".why, #why")?.scrollIntoView({ block: "center" }); },
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

  // What the query field suggests goes on from what is typed, term by term.
  const asked = one(".query [list]");
  if (asked) {
    const options = [...asked.list.options], shown = asked.defaultValue.trim();
    for (const each of options) each.dataset.term = each.value.slice(shown && each.value.startsWith(shown + " ") ? shown.length + 1 : 0);
    asked.addEventListener("input", () => {
      const before = asked.value.match(/^(?:"[^"]*"|[^"])*\s/)?.[0] ?? "";
      for (const each of options) if (each.value !== before + each.dataset.term) each.value = before + each.dataset.term;
    });
  }

  for (const field of all("[data-address]")) {
    field.value = location.origin + location.pathname;
    for (const each of [field.parentElement, ...field.labels]) each.hidden = false;
  }

  // A line in a chart follows the pointer, with the figures of that time from the table
  // below the chart.
  document.addEventListener("pointermove", (event) => {
    const svg = event.target.closest?.(".chart svg"), rows = svg ? [...svg.parentElement.querySelectorAll("tr[data-x]")] : [];
    for (const tip of all(".tip")) if (!svg || tip.parentElement !== svg.parentElement) { tip.parentElement.querySelector("line.cross")?.remove(); tip.remove(); }
    if (!rows.length) return;
    const box = svg.getBoundingClientRect(), figure = svg.parentElement, x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    const near = rows.reduce((a, b) => Math.abs(a.dataset.x - x) <= Math.abs(b.dataset.x - x) ? a : b);
    let cross = svg.querySelector("line.cross"), tip = figure.querySelector(".tip");
    if (!cross) {
      cross = svg.appendChild(document.createElementNS(svg.namespaceURI, "line"));
      tip = figure.appendChild(document.createElement("div"));
      cross.setAttribute("class", "cross");
      cross.setAttribute("y1", 8);
      cross.setAttribute("y2", 132);
      tip.className = "tip";
      tip.setAttribute("aria-hidden", "true"); // the table says the same
    }
    cross.setAttribute("x1", near.dataset.x);
    cross.setAttribute("x2", near.dataset.x);
    const names = [...figure.querySelectorAll("thead th")].slice(1), cells = [...near.cells];
    tip.textContent = [cells[0].textContent, ...names.map((name, i) => `${cells[i + 1].textContent} ${name.textContent}`)].join("\n");
    const around = figure.getBoundingClientRect(), at = box.left - around.left + near.dataset.x * box.width / svg.viewBox.baseVal.width;
    tip.style.top = `${box.top - around.top + 8}px`;
    tip.style.left = at < around.width / 2 ? `${at + 10}px` : "";
    tip.style.right = at < around.width / 2 ? "" : `${around.width - at + 10}px`;
  });

  // A time under the pointer is told in the zone of the page, in UTC, in one's own and in
  // that of the schedule; copied alone it is what programs read.
  document.addEventListener("pointerover", (event) => {
    const time = event.target.closest?.("time[datetime]"), moment = time && new Date(time.dateTime);
    if (!time || time.dataset.zones || isNaN(moment)) return;
    time.dataset.zones = "told";
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone, of = time.closest("[data-in]")?.dataset.in;
    const told = (zone, why) => `${new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium", timeZone: zone }).format(moment)} ${zone}${why}`;
    const lines = [time.title, told("UTC", ""), told(own, ", where you are")];
    try { if (of && of !== own) lines.push(told(of, ", of the schedule")); } catch {} // the browser does not know it
    time.title = [...new Set(lines)].filter(Boolean).join("\n");
  });
  document.addEventListener("copy", (event) => {
    const marked = getSelection(), within = (node) => (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("time[datetime]");
    const time = within(marked.anchorNode);
    if (!time || time !== within(marked.focusNode)) return;
    event.clipboardData.setData("text/plain", time.dateTime);
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
