// A link with data-dialog opens its page in a dialog, where there is room to stay on this one. What was done is said
// aloud: the sentence moves into the place that screen readers listen to. Without this file links and forms work alike.
"use strict";

(() => {
  const status = document.getElementById("status");
  for (const said of document.querySelectorAll("[data-announce]")) {
    setTimeout(() => status?.replaceChildren(...said.childNodes) ?? said.remove(), 50);
    setTimeout(() => said.remove(), 60);
  }
  // The address of what was done is no address to come back to.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(history.state, "", address);
  }

  if (!window.htmx || !window.HTMLDialogElement) return;
  const dialog = document.createElement("dialog");
  dialog.id = "dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  const inside = document.createElement("div");
  dialog.append(inside);
  document.body.append(dialog);
  let opener = null;

  // Below a dialog nothing is heard, and little seen: what others do is told in it as long as it is open.
  const told = document.getElementById("live");
  function show() {
    if (told) dialog.append(told);
    dialog.showModal();
  }

  // Others may have changed the page meanwhile: the same link stands there anew, or is there no more.
  function back() {
    if (told) status.after(told);
    const same = opener?.isConnected ? opener : document.querySelector(`a[data-dialog][href="${CSS.escape(opener?.getAttribute("href") ?? "")}"]`);
    (same ?? document.getElementById("content"))?.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      opener = link;
      htmx.ajax("GET", link.href, { target: inside, swap: "innerHTML" });
    } else if (event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  // What was refused comes with its sentence and with all that was typed: it is shown like anything else.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (dialog.contains(event.detail.target)) {
      event.detail.shouldSwap = event.detail.xhr.status !== 204;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!(event.detail.target === inside || inside.querySelector("#action-form"))) return;
    if (!dialog.open && event.detail.target === inside) show();
    if (!dialog.open) return;
    const wrong = inside.querySelector("[aria-invalid=true], [role=alert]");
    const first = inside.querySelector("form input:not([type=hidden]), form select, form textarea, form .button");
    const focus = wrong ?? first;
    if (focus && !focus.matches("input, select, textarea, a, button")) focus.tabIndex = -1;
    focus?.focus();
  });
  dialog.addEventListener("close", () => {
    inside.replaceChildren();
    back();
  });
})();
