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
  document.body.append(dialog);
  let opener = null;

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      opener = link;
      htmx.ajax("GET", link.href, { target: dialog, swap: "innerHTML" });
    } else if (event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  // What was refused comes with its sentence and with all that was typed: it is shown like anything else.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (dialog.contains(event.detail.target) || event.detail.target === dialog) {
      event.detail.shouldSwap = event.detail.xhr.status !== 204;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!(event.detail.target === dialog || dialog.querySelector("#action-form"))) return;
    if (!dialog.open && event.detail.target === dialog) dialog.showModal();
    if (!dialog.open) return;
    const wrong = dialog.querySelector("[aria-invalid=true], [role=alert]");
    const first = dialog.querySelector("form input:not([type=hidden]), form select, form textarea, form .button");
    const focus = wrong ?? first;
    if (focus && !focus.matches("input, select, textarea, a, button")) focus.tabIndex = -1;
    focus?.focus();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    opener?.focus();
  });
})();
