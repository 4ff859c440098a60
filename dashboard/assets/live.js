// Keeps a page up to date: it fetches the same address again and takes over what has
// changed, element by element, matched by id. Everything works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const every = 3000;
  let live = root.dataset.live === "true", failures = 0, timer;

  // morph makes an element like another one. Children with an id are matched by it,
  // others by their place; what a person has opened, ticked or typed stays.
  function morph(from, to) {
    if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || (from.id || "") !== (to.id || "")) {
      from.replaceWith(to);
      return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    const kept = from.nodeName === "DETAILS" ? ["open"] : from.nodeName === "INPUT" ? ["value", "checked"] : [];
    for (const { name, value } of to.attributes) {
      if (!kept.includes(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      if (!kept.includes(name) && !to.hasAttribute(name) && !(name === "class" && from.classList.contains("current"))) from.removeAttribute(name);
    }
    const named = new Map();
    for (const child of from.children) if (child.id) named.set(child.id, child);
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const match = wanted.id && named.get(wanted.id);
      if (match) {
        if (match !== at) from.insertBefore(match, at);
        else at = at.nextSibling;
        morph(match, wanted);
      } else if (at && !at.id && at.nodeName === wanted.nodeName && !wanted.id) {
        const next = at.nextSibling;
        morph(at, wanted);
        at = next;
      } else {
        from.insertBefore(wanted, at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  // busy says that somebody's hands are on the page: nothing may move under them.
  function busy() {
    const active = document.activeElement;
    return document.hidden || document.querySelector("input[name=id]:checked, .menu[open]") || String(getSelection()) !== "" ||
      active && active.matches("main input:not([type=checkbox]), main textarea, main select");
  }

  async function update() {
    if (live && !busy()) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Later-Live": "1" } });
        const text = await answer.text();
        if (!busy() && live) {
          const page = new DOMParser().parseFromString(text, "text/html");
          for (const id of ["nav", "main", "foot"]) {
            const from = document.getElementById(id), to = page.getElementById(id);
            if (from && to) morph(from, to);
          }
          document.title = page.title;
          prepare();
        }
        failures = answer.ok ? 0 : failures + 1;
      } catch {
        failures++;
      }
      const stale = document.getElementById("stale");
      if (stale) stale.textContent = failures > 1 ? "Not updated since then; trying again." : "";
    }
    timer = setTimeout(update, every * Math.min(1 + failures, 10));
  }

  function toggle() {
    live = !live;
    const button = document.querySelector("[data-live-toggle]");
    button.setAttribute("aria-pressed", live);
    button.textContent = live ? "Live" : "Held";
  }

  // Lists: ticks, and what the buttons would touch.
  const boxes = () => [...document.querySelectorAll("input[name=id]")];

  function prepare() {
    const list = document.querySelector("[data-list]");
    if (!list) return;
    const ticked = boxes().filter((box) => box.checked).length, all = list.querySelector("[data-every]")?.checked;
    const words = list.querySelector("[data-ticked]");
    if (words) words.textContent = all ? "With all that match" : ticked ? `With ${ticked} ticked` : "With the ticked jobs";
    const tickAll = list.querySelector("[data-tick-all]");
    if (tickAll) {
      tickAll.checked = ticked > 0 && ticked === boxes().length;
      tickAll.indeterminate = ticked > 0 && !tickAll.checked;
    }
    for (const button of list.querySelectorAll(".bulk button")) button.disabled = !ticked && !all;
  }

  let lastTicked = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=id]");
    if (box) {
      if (event.shiftKey && lastTicked) {
        const all = boxes(), [a, b] = [all.indexOf(lastTicked), all.indexOf(box)].sort((x, y) => x - y);
        if (a >= 0) for (const between of all.slice(a, b + 1)) between.checked = box.checked;
      }
      lastTicked = box;
    }
    if (event.target.matches("[data-tick-all]")) for (const one of boxes()) one.checked = event.target.checked;
    if (event.target.matches("[data-live-toggle]")) toggle();
    prepare();
  });
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const many = document.querySelector("[data-every]:checked") && button?.form?.matches("[data-list]");
    const question = many ? `${button.textContent} all jobs that match?` : button?.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // Shortcuts of one key, never in a field.
  let current = -1;
  function row(step) {
    const rows = [...document.querySelectorAll("tr[data-href]")];
    if (!rows.length) return;
    rows[current]?.classList.remove("current");
    current = Math.max(0, Math.min(rows.length - 1, current + step));
    rows[current].classList.add("current");
    rows[current].scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (root.dataset.keys !== "true" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const at = document.querySelector("tr.current");
    switch (event.key) {
      case "/": document.querySelector("main input[type=search], [data-key='/']")?.focus(); break;
      case "j": row(1); break;
      case "k": row(-1); break;
      case "x": at?.querySelector("input[name=id]")?.click(); break;
      case "Enter": if (at && event.target === document.body) location.href = at.dataset.href; else return; break;
      case ".": toggle(); break;
      default: return;
    }
    event.preventDefault();
  });

  const toggled = document.getElementById("live");
  if (toggled) {
    toggled.hidden = false;
    if (!live) { live = true; toggle(); }
  }
  const address = new URL(location.href);
  if (address.searchParams.has("notice")) {
    address.searchParams.delete("notice");
    history.replaceState(null, "", address);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { clearTimeout(timer); update(); } });
  prepare();
  timer = setTimeout(update, every);
})();
