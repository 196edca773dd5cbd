// What others do appears on pages that are open, without loading them again.
//
// For whoever makes a page (all of it works without this file, on the next load):
//   data-live                 on an element with an id: it is fetched anew and replaced when something has changed at this
//                             library. It is looked for by its id on the page's own address, or, with a value, on that
//                             address: data-live="/l/MAIN/today?part=counts".
//   data-live-of="17"         the same, when request 17 has changed, and only then.
//   data-live-every="10"      the same, every ten seconds: for what is no history of requests.
//   data-request="17" data-version="4"
//                             a row or part that shows request 17 as it is after version 4: what is not newer is no news
//                             for it. Rows that have changed are marked with data-fresh for a moment.
//   data-open="17"            once on a page: it is about request 17. Who else looks at it is told, and so is what others do.
// What somebody has typed, marked or opened in it is taken over, by id or by form, name and value. Where that can't be, and
// while a dialog is open in it, it is left alone, and a note says that there is something new.
// For others: on the body an event `live-changed` (detail: request, version, reference, state, who, said, …), so that
// hx-trigger="live-changed from:body" works, `live-refreshed` after parts were replaced, and `live-signed-out`.
"use strict";

(() => {
  const place = document.getElementById("live");
  if (!place || !window.EventSource || !window.fetch) return;

  const base = place.dataset.address;
  const open = document.querySelector("[data-open]");
  const request = open ? open.dataset.open : "";
  const SHOWN = 30000, QUIET = 40000, POLL = 10000, TRY_AGAIN = 60000, FIRST_WORD = 12000, TOGETHER = 400, AT_MOST_EVERY = 2000, MEANT = 700;

  let after = place.dataset.after;
  let source = null, heard = 0, greeted = false, polling = null, over = false;
  let wanted = new Map(), everything = false, refreshing = null, refreshed = 0, fading = null;

  // ---- listening

  function query() {
    const found = new URLSearchParams();
    if (after) found.set("after", after);
    if (request) found.set("request", request);
    return found.size ? `?${found}` : "";
  }

  function listen() {
    if (source || over || document.hidden) return;
    source = new EventSource(`${base}/live${query()}`);
    heard = Date.now();
    greeted = false;
    const on = (name, act) => source.addEventListener(name, (event) => {
      heard = Date.now();
      if (event.lastEventId) after = event.lastEventId;
      act(event.data ? JSON.parse(event.data) : {});
    });
    on("hello", () => { greeted = true; stopPolling(); });
    on("beat", () => {});
    on("changed", changed);
    on("present", present);
    on("reload", () => { everything = true; refreshSoon(); });
    on("gone", signedOut);
    source.onerror = () => { if (source && source.readyState === EventSource.CLOSED) askInstead(); };
  }

  function hangUp() {
    if (source) source.close();
    source = null;
  }

  // A laptop that slept, a network that swallows everything: nobody tells us that nothing comes any more.
  function watch() {
    if (over || document.hidden) return;
    const silent = Date.now() - heard;
    if (source && !greeted && silent > FIRST_WORD) askInstead();
    else if (source && greeted && silent > QUIET) { hangUp(); listen(); }
    else if (!source && polling && silent > TRY_AGAIN) listen();
  }

  // ---- asking every few seconds, where listening doesn't work

  function askInstead() {
    hangUp();
    heard = Date.now();
    if (polling || over) return;
    polling = setInterval(ask, POLL);
    ask();
  }

  function stopPolling() {
    clearInterval(polling);
    polling = null;
    state("");
  }

  async function ask() {
    if (document.hidden || over) return;
    try {
      const answer = await fetch(`${base}/changes${query()}`, { headers: { Accept: "application/json", "X-Live": "1" } });
      if (answer.redirected || answer.status === 401 || answer.status === 403) return signedOut();
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      after = String(found.after);
      if (found.reload) { everything = true; refreshSoon(); }
      found.changed.forEach(changed);
      present(found.present);
      state("");
    } catch {
      state(place.dataset.away);
    }
  }

  function signedOut() {
    over = true;
    hangUp();
    clearInterval(polling);
    document.body.dispatchEvent(new CustomEvent("live-signed-out"));
    const to = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    note("gone", place.dataset.gone, to, place.dataset.signIn);
  }

  // ---- what is told

  function changed(news) {
    const shown = [...document.querySelectorAll(`[data-request="${Number(news.request)}"][data-version]`)];
    const known = news.what === "history" && shown.length > 0 && shown.every((each) => Number(each.dataset.version) >= news.version);
    if (known) return;
    document.body.dispatchEvent(new CustomEvent("live-changed", { detail: news, bubbles: true }));
    if (news.said && String(news.request) === request) {
      const renewed = document.querySelector("[data-live][id], [data-live-of][id]");
      note("news", news.said, renewed ? "" : location.href, place.dataset.show);
      clearTimeout(fading);
      if (renewed) fading = setTimeout(() => note("news", ""), SHOWN);
    }
    wanted.set(String(news.request), news);
    refreshSoon();
  }

  function present(found) {
    if (!found || found.said === undefined) return;
    note("present", found.said);
  }

  function note(kind, words, href, link) {
    const box = place.querySelector(`[data-note="${kind}"]`);
    if (!box) return;
    if (!words) { box.hidden = true; box.textContent = ""; return; }
    const said = document.createElement("p");
    said.textContent = words;
    box.replaceChildren(said);
    if (href) {
      const way = document.createElement("a");
      way.href = href;
      way.textContent = link;
      said.append(" ", way);
    }
    box.hidden = false;
  }

  function state(words) {
    note("away", words);
  }

  // ---- parts of the page are replaced

  function refreshSoon() {
    if (refreshing) return;
    const wait = Math.max(TOGETHER, refreshed + AT_MOST_EVERY - Date.now());
    refreshing = setTimeout(async () => {
      refreshed = Date.now();
      const now = wanted, all = everything;
      wanted = new Map();
      everything = false;
      try { await refresh(now, all); } catch { state(place.dataset.away); } finally { refreshing = null; refreshed = Date.now(); }
      if (wanted.size || everything) refreshSoon();
    }, wait);
  }

  async function refresh(news, all) {
    const parts = [...document.querySelectorAll("[data-live][id], [data-live-of][id]")]
      .filter((part) => all || !part.dataset.liveOf || news.has(part.dataset.liveOf));
    await renew(parts, news);
  }

  async function renew(parts, news) {
    const addresses = new Map();
    for (const part of parts) {
      const address = part.dataset.live || location.pathname + location.search;
      addresses.set(address, [...(addresses.get(address) || []), part.id]);
    }
    for (const [address, ids] of addresses) {
      const answer = await fetch(address, { headers: { Accept: "text/html", "X-Live": "1" } });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return signedOut();
      if (!answer.ok) continue;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      ids.forEach((id) => replace(document.getElementById(id), page.getElementById(id), news));
    }
    document.body.dispatchEvent(new CustomEvent("live-refreshed", { bubbles: true }));
  }

  function replace(old, fresh, news) {
    if (!old || !fresh) return;
    fresh = document.importNode(fresh, true);
    if (same(old, fresh)) return;
    const take = composing || old.querySelector("dialog[open]") || old.closest("dialog[open]") ? null : takeOver(old, fresh);
    if (!take) return note("waits", place.dataset.waits, location.href, place.dataset.show);
    const stay = holdStill(old);
    old.replaceWith(fresh);
    stay(fresh);
    take();
    note("waits", "");
    if (window.htmx) window.htmx.process(fresh);
    for (const row of [fresh, ...fresh.querySelectorAll("[data-request]")]) {
      if (!row.dataset.request || !news.has(row.dataset.request)) continue;
      row.dataset.fresh = "";
      setTimeout(() => delete row.dataset.fresh, 4000);
    }
  }

  // What somebody points at, works in or reads stays where it is, however many rows come or go above it. Where a page is
  // too short for that, a press that was under way is not one on the row that came below the pointer.
  let slipped = 0;
  function holdStill(old) {
    const rows = [...old.querySelectorAll("[data-request]")].filter((row) => row !== old);
    const seen = (row) => { const box = row.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight; };
    const pointed = rows.find((row) => row.matches(":hover"));
    const held = pointed ?? rows.find((row) => row.contains(document.activeElement) && seen(row)) ?? (scrollY > 0 ? rows.find(seen) : null);
    if (!held) return () => {};
    const was = held.getBoundingClientRect().top;
    return (fresh) => {
      const now = fresh.querySelector(`[data-request="${held.dataset.request}"]`);
      const off = () => (now ? now.getBoundingClientRect().top - was : Infinity);
      if (now) scrollBy({ top: off(), behavior: "instant" });
      if (pointed && Math.abs(off()) > 2) slipped = Date.now() + MEANT;
    };
  }
  document.addEventListener("click", (event) => {
    if (!event.detail || Date.now() > slipped || !event.target.closest("[data-live] [data-request]")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  // Keys of forms are new each time, and nothing to look at; nor is what console.js says of tables.
  function same(old, fresh) {
    const [one, other] = [old, fresh].map((part) => {
      const copy = part.cloneNode(true);
      for (const each of [copy, ...copy.querySelectorAll("[data-fresh]")]) each.removeAttribute("data-fresh");
      for (const each of copy.querySelectorAll("input[type=hidden]")) each.removeAttribute("value");
      for (const each of copy.querySelectorAll("details")) each.open = false;
      for (const each of copy.querySelectorAll("table, table *")) ["role", "data-label"].forEach((name) => each.removeAttribute(name));
      return copy;
    });
    return one.isEqualNode(other);
  }

  // What somebody has done in the old part, to be done in the fresh one as soon as it stands there. null: that can't be.
  function takeOver(old, fresh) {
    const steps = [], fields = "input:not([type=hidden]), textarea, select";
    for (const control of old.querySelectorAll(fields)) {
      if (!isTouched(control)) continue;
      const other = counterpart(control, fresh);
      if (!other || control.type === "file") return null;
      steps.push(() => {
        if (control.type === "checkbox" || control.type === "radio") other.checked = control.checked;
        else other.value = control.value;
      });
    }
    const folded = [...fresh.querySelectorAll("details")];
    for (const each of old.querySelectorAll("details[open]")) {
      const title = each.querySelector("summary")?.textContent;
      const other = folded.find((one) => (each.id ? one.id === each.id : one.querySelector("summary")?.textContent === title));
      if (other) steps.push(() => { other.open = true; });
    }
    const at = document.activeElement;
    if (at && at !== old && old.contains(at)) {
      const other = counterpart(at, fresh);
      if (!other && at.matches(fields)) return null;
      const typed = at.matches("textarea, input[type=text], input[type=search], input:not([type])");
      const marked = typed ? [at.selectionStart, at.selectionEnd, at.selectionDirection] : null;
      if (other) steps.push(() => {
        other.focus({ preventScroll: true });
        if (marked) other.setSelectionRange(...marked);
      });
    }
    return () => steps.forEach((step) => step());
  }

  function isTouched(control) {
    if (control.type === "submit" || control.type === "button") return false;
    if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
    if (control.tagName !== "SELECT") return control.value !== control.defaultValue;
    const first = [...control.options].find((option) => option.defaultSelected) || control.options[0];
    return control.multiple || control.value !== (first ? first.value : "");
  }

  function counterpart(element, fresh) {
    if (element.id) return fresh.querySelector(`#${CSS.escape(element.id)}`);
    const href = element.getAttribute("href");
    if (href) return fresh.querySelector(`a[href="${CSS.escape(href)}"]`);
    const action = element.form?.getAttribute("action");
    const chosen = ["checkbox", "radio", "submit"].includes(element.type);
    return [...fresh.querySelectorAll(element.tagName)].find((other) =>
      other.name === element.name && other.form?.getAttribute("action") === action && (!chosen || other.value === element.value)
      && (element.name || other.textContent === element.textContent));
  }

  let composing = false;
  document.addEventListener("compositionstart", () => { composing = true; });
  document.addEventListener("compositionend", () => { composing = false; });

  // ---- a page in the background listens to nothing, and catches up when somebody looks at it again

  document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : listen()));
  window.addEventListener("pagehide", hangUp);
  window.addEventListener("pageshow", (event) => { if (event.persisted) { everything = true; refreshSoon(); listen(); } });
  window.addEventListener("online", () => { hangUp(); listen(); });
  setInterval(watch, 5000);
  document.querySelectorAll("[data-live-every][id]").forEach(({ id, dataset }) => setInterval(() => {
    const part = document.getElementById(id);
    if (part && !document.hidden && !over) renew([part], new Map()).catch(() => state(place.dataset.away));
  }, Number(dataset.liveEvery) * 1000));
  listen();
})();
