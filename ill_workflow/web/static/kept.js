// What somebody has typed into a larger form is not lost where their session has ended meanwhile.
//
// A form with data-kept is kept in this tab when it is sent, or when a page says that nobody is signed in any more
// (data-kept="changed": then only if something in it was changed). It stays kept only if signing in comes next: then it is
// offered to the same account where it was typed, and forgotten for anybody else, by signing out, and when it was
// answered. Passwords and files are never kept.
"use strict";

(() => {
  const KEPT = "kept", account = document.body.dataset.account;
  // What a page has of its own each time.
  const OWN = ["csrf", "key", "version", "confirmed", "back"];
  const TYPED = "textarea, input:not([type=hidden], [type=password], [type=file], [type=checkbox], [type=radio])";

  function read() {
    try { return JSON.parse(sessionStorage.getItem(KEPT) || "[]"); } catch { return []; }
  }

  function write(all) {
    try {
      if (all.length) sessionStorage.setItem(KEPT, JSON.stringify(all));
      else sessionStorage.removeItem(KEPT);
    } catch { /* a browser that keeps nothing, or has no room */ }
  }

  function forgetAll() {
    try { sessionStorage.clear(); } catch { /* nothing was kept */ }
  }

  function address(form) {
    const { pathname, search } = new URL(form.getAttribute("action"), location.href);
    return pathname + search;
  }
  const formAt = (action) => [...document.querySelectorAll("form[data-kept]")].find((form) => address(form) === action);
  const forget = (action) => write(read().filter((each) => each.action !== action));

  function keep(form) {
    const never = new Set([...OWN, ...[...form.querySelectorAll("[type=password], [type=file]")].map((each) => each.name)]);
    const fields = [...new FormData(form)].filter(([name, value]) => !never.has(name) && typeof value === "string");
    const longest = (controls) => controls.map((each) => each.value.trim()).sort((one, other) => other.length - one.length)[0];
    const lines = [...form.querySelectorAll(TYPED)];
    const words = longest(lines.filter((each) => each.value !== each.defaultValue)) || longest(lines);
    forget(address(form));
    if (words) write([...read(), { account, page: location.pathname, action: address(form), fields, words: words.length > 80 ? `${words.slice(0, 80).trim()} …` : words }]);
  }

  function putBack(form, fields) {
    const given = new Map();
    for (const [name, value] of fields) given.set(name, [...(given.get(name) || []), value]);
    for (const each of form.querySelectorAll("input[type=checkbox], input[type=radio]")) each.checked = (given.get(each.name) || []).includes(each.value);
    for (const [name, values] of given) {
      const shown = [...form.elements].filter((each) => each.name === name && each.type !== "hidden");
      const lines = shown.filter((each) => each.matches(`${TYPED}, select`));
      lines.forEach((each, at) => { each.value = values[at] ?? ""; });
      if (shown.length) continue;
      // What belongs to the form and is not typed, such as the order of a rota, is as it was.
      form.querySelectorAll(`input[type=hidden][name="${CSS.escape(name)}"]`).forEach((each) => each.remove());
      for (const value of values) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    const look = form.querySelector("button[name=do][value=check]");
    if (look) return form.requestSubmit(look);
    const first = [...form.querySelectorAll(TYPED)].find((each) => each.value !== each.defaultValue);
    first?.dispatchEvent(new Event("input", { bubbles: true }));
    first?.focus();
  }

  function offer(kept) {
    const note = document.getElementById("kept-offer").content.firstElementChild.cloneNode(true);
    note.querySelector("[data-words]").textContent = kept.words;
    note.addEventListener("click", (event) => {
      if (event.target.matches("[data-forget]")) forget(kept.action);
      else if (event.target.matches("[data-put-back]")) {
        const form = formAt(kept.action);
        if (!form) {
          write([...read().filter((each) => each.action !== kept.action), { ...kept, wanted: true }]);
          return location.assign(kept.action);
        }
        forget(kept.action);
        putBack(form, kept.fields);
      } else return;
      note.remove();
    });
    document.getElementById("status").after(note);
  }

  if (!account) {
    // Whoever was sent here to sign in has lost what they had sent.
    const lost = read().map((each) => ({ ...each, lost: true }));
    write(lost);
    if (lost.length) document.querySelector("[data-kept-here]")?.removeAttribute("hidden");
    return;
  }

  const mine = read().filter((each) => each.lost && each.account === account);
  write(mine);
  for (const kept of mine) {
    const form = formAt(kept.action);
    if (kept.wanted && form) {
      forget(kept.action);
      putBack(form, kept.fields);
    } else if (form || kept.page === location.pathname) offer(kept);
  }

  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-kept]")) keep(event.target);
    else if (event.target.getAttribute("action") === "/sign-out") forgetAll();
  }, true);
  document.body.addEventListener("live-signed-out", () => {
    const changed = (form) => [...form.elements].some((each) => each.value !== each.defaultValue && each.matches(TYPED));
    const all = () => document.querySelectorAll("form[data-kept]").forEach((form) => {
      if (form.dataset.kept !== "changed" || changed(form)) keep(form);
    });
    all();
    document.addEventListener("input", all);
  });
})();
