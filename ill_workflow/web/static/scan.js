// Scan In Items: the field always has what is typed, and codes are taken in the order in which they were scanned.
"use strict";

(() => {
  const page = document.getElementById("scan-page");
  if (!page || !window.fetch) return;

  const form = document.getElementById("scan-form");
  const field = document.getElementById("scan-code");
  const waiting = document.getElementById("scan-waiting");
  const said = document.getElementById("scan-said");
  const sound = document.getElementById("scan-sound");
  const KEPT = `scan ${document.body.dataset.account} ${location.pathname}`, SOUND = "scan sound";
  // A scanner that reads twice, or ends with two Enters, is faster than any hand.
  const BOUNCE = 400, PATIENCE = 20000;

  let queue = [], busy = false, paused = false, away = null;
  let last = { code: "", at: 0 }, latest = "";

  // ---- the codes that wait: in order, each with a key of its own, so that none is done twice

  function put(code, address = form.action) {
    queue.push({ code, address, key: `${crypto.randomUUID ? crypto.randomUUID() : Date.now() + "-" + Math.random()}` });
    keep();
    work();
  }

  async function work() {
    if (busy || paused || !queue.length) return show();
    busy = true;
    show();
    const next = queue[0];
    try {
      const answer = await send(next);
      if (answer === null) return;
      queue.shift();
      keep();
      take(answer, next);
    } catch {
      hold(page.dataset.away);
    } finally {
      busy = false;
      show();
    }
    work();
  }

  async function send(next) {
    const told = new FormData(form);
    told.delete("code");
    told.set("code", next.code);
    told.set("key", next.key);
    const stop = new AbortController(), clock = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const answer = await fetch(next.address, {
        method: "POST", body: new URLSearchParams(told), headers: { "HX-Request": "true" }, signal: stop.signal,
      });
      const away = answer.headers.get("HX-Redirect");
      if (away || answer.redirected) { signedOut(); return null; }
      const text = await answer.text();
      if (answer.status >= 500) throw new Error(String(answer.status));
      return new DOMParser().parseFromString(text, "text/html");
    } finally {
      clearTimeout(clock);
    }
  }

  function hold(words) {
    paused = true;
    waiting.dataset.words = said.textContent = words;
    beep(false);
  }

  function signedOut() {
    away = document.createElement("a");
    away.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
    away.textContent = page.dataset.signedOut;
    hold(page.dataset.signedOut);
  }

  function keep() {
    try {
      if (queue.length) sessionStorage.setItem(KEPT, JSON.stringify(queue));
      else sessionStorage.removeItem(KEPT);
    } catch { /* a browser that keeps nothing */ }
  }

  function show() {
    const words = paused ? waiting.dataset.words : page.dataset.waiting;
    waiting.hidden = !(paused || queue.length > (busy ? 1 : 0));
    if (waiting.hidden) return waiting.replaceChildren();
    const codes = queue.map((each) => each.code || "⏎").join(", ");
    waiting.replaceChildren(...(away ? [away, " "] : [`${words} `]), codes);
  }

  // ---- the answer

  function take(answer, next) {
    const parts = ["scan-state", "scan-answer", "scan-lists"];
    if (!answer.getElementById("scan-answer")) {
      // A page that says why not: an expired form, a withdrawn grant.
      const wrong = answer.querySelector("[role=alert], main");
      const place = document.getElementById("scan-answer");
      place.dataset.kind = "refused";
      place.dataset.tone = "bad";
      const words = document.createElement("p");
      words.textContent = `${next.code} – ${(wrong ? wrong.textContent : "").replace(/\s+/g, " ").trim()}`;
      place.replaceChildren(words);
      said.textContent = words.textContent;
      return beep(false);
    }
    for (const id of parts) {
      const old = document.getElementById(id), fresh = document.importNode(answer.getElementById(id), true);
      const inside = old.contains(document.activeElement);
      old.replaceWith(fresh);
      if (window.htmx) window.htmx.process(fresh);
      if (inside) field.focus();
    }
    const place = document.getElementById("scan-answer");
    const words = [place.querySelector("h2"), ...place.querySelectorAll("[data-said], h3, .scan-conditions li")];
    said.textContent = words.filter(Boolean).map((each) => each.textContent.trim().replace(/\.$/, "")).join(". ");
    beep(["done", "again", "undone"].includes(place.dataset.kind), place.dataset.kind === "asks");
    if (place.dataset.kind === "print") place.querySelector("[data-print]")?.click();
    if (!queue.length) place.scrollIntoView({ block: "nearest" });
  }

  function beep(good, asks = false) {
    if (!sound.checked || !window.AudioContext) return;
    const context = beep.context ||= new AudioContext();
    const tones = good ? [[880, 0]] : asks ? [[660, 0], [660, 0.18]] : [[220, 0], [180, 0.18]];
    for (const [tone, after] of tones) {
      const voice = context.createOscillator(), loud = context.createGain();
      voice.frequency.value = tone;
      loud.gain.value = 0.15;
      voice.connect(loud).connect(context.destination);
      voice.start(context.currentTime + after);
      voice.stop(context.currentTime + after + 0.14);
    }
  }

  // ---- what is typed

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answered = event.submitter && event.submitter.name === "code";
    const code = answered ? event.submitter.value : field.value.trim();
    if (!answered) field.value = "";
    field.focus();
    const now = Date.now(), bounced = !answered && now - last.at < BOUNCE && (code === "" || code === last.code);
    last = { code: bounced ? last.code : code, at: now };  // of two Enters the second says nothing of its own
    if (paused && !code) {
      paused = false;
      return work();
    }
    if (bounced) return;
    if (code) latest = code;
    // Nobody confirms what they have not seen: Enter is for the question on the screen, and whoever scans the same once
    // more, since no answer came yet, means the same scan.
    if (!code && (queue.length || !asked())) return;
    if (queue.length && queue[queue.length - 1].code === code) return;
    put(code);
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".scan-undo")) return;
    event.preventDefault();
    field.focus();
    put("", event.target.action);
  });

  function asked() {
    const question = document.querySelector('#scan-state [name="question"]');
    return question !== null && question.value !== "";
  }

  field.addEventListener("keydown", (event) => {
    if (field.value !== "") return;
    if (event.key === "Escape" && (asked() || queue.length)) put("no");
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
      event.preventDefault();
      put("undo");
    } else if (event.key === "ArrowUp" && latest) {
      // What was mistyped is mended, not typed anew.
      event.preventDefault();
      field.value = latest;
    }
  });

  // ---- the focus: whatever is typed belongs into the field, wherever somebody clicked before

  document.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    if (at === field || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    if (at && at.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (event.key === " " && at && at !== document.body) return;
    field.focus();
  }, true);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a, button, input, label, select, textarea, summary") && !String(getSelection())) field.focus();
  });
  const back = () => { if (!document.hidden && (!document.activeElement || document.activeElement === document.body)) field.focus(); };
  window.addEventListener("focus", back);
  window.addEventListener("pageshow", back);
  document.addEventListener("visibilitychange", back);

  // ---- at the beginning

  sound.closest("label").hidden = false;
  try { sound.checked = localStorage.getItem(SOUND) === "on"; } catch { /* off */ }
  sound.addEventListener("change", () => {
    try { localStorage.setItem(SOUND, sound.checked ? "on" : "off"); } catch { /* for this time */ }
    beep(true);
    field.focus();
  });
  try {
    // With their keys: what was done, though its answer was lost, is not done again.
    queue = JSON.parse(sessionStorage.getItem(KEPT) || "[]");
    if (queue.length) hold(page.dataset.kept);
  } catch { /* nothing was kept */ }
  show();
  field.focus();
})();
