// Keeps a page up to date. The server says that something has changed; the page then
// asks for itself again and takes over what is different, element by element, matched
// by id. Everything works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const least = Math.max(1, Number(root.dataset.live) || 1) * 1000; // between two fetches
  const anyway = 15000; // after which the page looks although nobody has said anything
  const still = "still" in root.dataset; // the page is not to change
  let live = !still && Number(root.dataset.live) > 0, stream = null, broken = 0, retryAt = 0; // the stream
  let tag = "", last = Date.now(), wanted = false, fetching = false, failures = 0; // the page
  let held = null; // a newer page that may not be shown yet
  let ahead = Number(root.dataset.now) - Date.now(); // of the server's clock

  // A form with a field named id hides its own.
  const idOf = (node) => node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("id") || "" : "";

  // morph makes an element like another one. Children with an id are matched by it,
  // others by their place; what a person has opened, ticked or typed stays.
  function morph(from, to) {
    if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || idOf(from) !== idOf(to)) {
      from.replaceWith(to);
      return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    const kept = from.nodeName === "DETAILS" || from.nodeName === "DIALOG" ? ["open"] : from.nodeName === "INPUT" ? ["value", "checked"] : [];
    for (const { name, value } of to.attributes) {
      if (!kept.includes(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      if (!kept.includes(name) && !to.hasAttribute(name) && !(name === "class" && from.classList.contains("current"))) from.removeAttribute(name);
    }
    const named = new Map();
    for (const child of from.children) if (idOf(child)) named.set(idOf(child), child);
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const match = named.get(idOf(wanted));
      if (match) {
        if (match !== at) from.insertBefore(match, at);
        else at = at.nextSibling;
        morph(match, wanted);
      } else if (at && !idOf(at) && at.nodeName === wanted.nodeName && !idOf(wanted)) {
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

  // frozen says that somebody's hands are on the page, or that they read further back:
  // nothing may move under them.
  function frozen() {
    const active = document.activeElement, marked = getSelection();
    return document.querySelector("main input[name=id]:checked, main [data-every]:checked, .menu[open], dialog[open], main a[rel=first]") ||
      matchMedia("(hover: hover)").matches && document.querySelector("table.jobs tbody:hover") ||
      String(marked) !== "" && document.getElementById("main").contains(marked.anchorNode) ||
      active && active.matches("main input:not([type=checkbox], [type=hidden]), main textarea, main select");
  }

  const parts = ["nav", "main", "foot"];

  function show(page) {
    const focus = document.activeElement, end = document.scrollingElement;
    const follows = document.querySelector("[data-follow]") && end.scrollTop > 0 && end.scrollTop + innerHeight > end.scrollHeight - 60;
    for (const id of parts) {
      const from = document.getElementById(id), to = page.getElementById(id);
      if (from && to) morph(from, to);
    }
    if (focus !== document.activeElement && focus?.isConnected) focus.focus({ preventScroll: true });
    ahead = (Number(page.documentElement.dataset.now) || Date.now() + ahead) - Date.now();
    document.title = page.title;
    const icon = "link[rel=icon]", next = page.querySelector(icon).getAttribute("href");
    if (document.querySelector(icon).getAttribute("href") !== next) document.querySelector(icon).setAttribute("href", next);
    if (follows) end.scrollTop = end.scrollHeight; // the end of a log that grows stays in view
    held = null;
    offer(0, false);
    document.dispatchEvent(new Event("later:shown"));
  }

  // hold shows of a newer page only what moves nothing: counts, and the status of rows
  // that are there. The rest is offered.
  function hold(page) {
    held = page;
    for (const id of ["nav", "tabs", "foot"]) {
      const from = document.getElementById(id), to = page.getElementById(id);
      if (from && to) morph(from, to.cloneNode(true));
    }
    let fresh = 0;
    const rows = page.querySelectorAll("main table.jobs tr[id]");
    for (const row of rows) {
      const mine = document.getElementById(row.id);
      const from = mine?.querySelector(".status"), to = row.querySelector(".status");
      if (from && to) morph(from, to.cloneNode(true));
      if (!mine) fresh++;
    }
    offer(fresh, fresh === rows.length);
  }

  // offer is the bar below: how many jobs are new.
  function offer(fresh, more) {
    let bar = document.getElementById("fresh");
    if (!fresh) {
      bar?.remove();
      return;
    }
    if (!bar) {
      bar = document.createElement("p");
      bar.id = "fresh";
      bar.append(document.createElement("button"));
      bar.firstChild.type = "button";
      bar.firstChild.addEventListener("click", () => held && show(held));
      document.body.append(bar);
    }
    bar.firstChild.textContent = `${fresh}${more ? "+" : ""} new ${fresh === 1 ? "job" : "jobs"}: show`;
  }

  async function fetchPage() {
    fetching = true;
    wanted = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      const text = answer.status === 304 ? "" : await answer.text();
      failures = answer.ok || answer.status === 304 ? 0 : failures + 1;
      if (text && live && !answer.redirected) {
        const page = new DOMParser().parseFromString(text, "text/html");
        if (page.getElementById("main")) {
          tag = answer.headers.get("ETag") || "";
          if (frozen()) hold(page);
          else show(page);
        }
      }
    } catch {
      failures++;
    }
    fetching = false;
    const stale = document.getElementById("stale");
    if (stale) stale.textContent = failures > 1 ? `Not updated since ${document.querySelector("#foot time")?.textContent}: trying again.` : "";
  }

  // connect opens the stream. Where there is none to be had, the page looks by itself and
  // tries again after a minute.
  function connect() {
    if (stream || !live || document.hidden || Date.now() < retryAt || !window.EventSource) return;
    stream = new EventSource(root.dataset.events);
    stream.addEventListener("open", () => { broken = 0; root.dataset.stream = "open"; });
    stream.addEventListener("change", () => { wanted = true; tick(); });
    stream.addEventListener("error", () => {
      broken++;
      if (broken > 1 || stream.readyState === EventSource.CLOSED) {
        disconnect();
        retryAt = Date.now() + 60000;
      }
    });
  }

  function disconnect() {
    stream?.close();
    stream = null;
    delete root.dataset.stream;
  }

  // tick looks whether there is something to do: when something has changed, and once a
  // second.
  function tick() {
    if (!live || document.hidden) return;
    connect();
    if (held && !frozen()) show(held);
    const since = Date.now() - last, polling = stream ? anyway : Math.max(3000, least);
    const slower = Math.min(1 + failures, 10);
    if (!fetching && (wanted && since >= least * slower || since >= Math.max(least, polling) * slower)) fetchPage();
  }

  // Clocks go on by themselves, as format.go writes them.
  function coarse(s) {
    if (s < 60) return `${Math.max(0, Math.floor(s))} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
    if (s < 365 * 86400) return `${Math.floor(s / 86400)} days`;
    return s < 730 * 86400 ? "1 year" : `${Math.floor(s / 86400 / 365)} years`;
  }
  function short(s) {
    const units = (large, name, small, smaller) => `${Math.floor(large)} ${name}` + (small >= 1 ? ` ${Math.floor(small)} ${smaller}` : "");
    if (s < 10) return `${(Math.floor(Math.max(0, s) * 10) / 10).toFixed(1)} s`;
    if (s < 60) return `${Math.floor(s)} s`;
    if (s < 3600) return units(s / 60, "min", s % 60, "s");
    return s < 48 * 3600 ? units(s / 3600, "h", s / 60 % 60, "min") : units(s / 86400, "days", s / 3600 % 24, "h");
  }
  function clocks() {
    if (!live || document.hidden || String(getSelection())) return;
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time[data-as]")) {
      const s = (now - Date.parse(time.dateTime)) / 1000;
      const text = { ago: s < -1 ? `in ${coarse(-s)}` : `${coarse(s)} ago`, until: s >= 0 ? "now" : `in ${coarse(-s)}`, since: short(s) }[time.dataset.as];
      if (text && time.textContent !== text) time.textContent = text;
    }
  }

  function toggle() {
    live = !live;
    label();
    if (live) {
      wanted = true;
      tick();
    } else {
      disconnect();
    }
  }

  function label() {
    const button = document.querySelector("[data-live-toggle]");
    if (!button || still) return;
    button.parentElement.hidden = false;
    button.setAttribute("aria-pressed", live);
    button.textContent = live ? "Live" : "Paused";
  }

  document.addEventListener("click", (event) => { if (event.target.closest("[data-live-toggle]") && !still) toggle(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) disconnect();
    else if (live) { wanted = true; tick(); }
  });
  addEventListener("pagehide", disconnect);
  label();
  connect();
  setInterval(() => { tick(); clocks(); }, 1000);
})();
