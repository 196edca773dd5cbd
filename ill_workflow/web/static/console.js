// What every page does. Small, and never the only way: without it forms and links work as they are.
"use strict";

(() => {
  // Tables are cards where there is little room: there each value says which column it is of, and a reader of the
  // screen still hears a table.
  const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };
  function label(table) {
    const names = [...table.querySelectorAll(":scope > thead > tr:last-child > *")].map((head) => head.dataset.short ?? head.textContent.trim());
    for (const part of [table, ...table.querySelectorAll("thead, tbody, tfoot, tr, td")]) part.setAttribute("role", ROLES[part.tagName]);
    for (const head of table.querySelectorAll("th")) head.setAttribute("role", head.closest("thead") ? "columnheader" : "rowheader");
    for (const row of table.querySelectorAll(":scope > tbody > tr")) {
      let at = 0;
      for (const cell of row.children) {
        if (cell.colSpan === 1 && !cell.hasAttribute("data-label") && names[at]) cell.dataset.label = names[at];
        at += cell.colSpan;
      }
    }
  }
  const labelAll = (place) => place.querySelectorAll(".table").forEach(label);

  // An open menu closes when one goes elsewhere.
  function closeMenus(but) {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(but)) menu.open = false;
  }
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("focusin", (event) => closeMenus(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest("details.menu[open]") ?? document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // A form that was refused begins where it is wrong.
  if (!document.querySelector("[autofocus]")) document.querySelector("main [aria-invalid=true]")?.focus();

  labelAll(document);
  document.addEventListener("htmx:load", (event) => labelAll(event.target.closest(".table")?.parentElement ?? event.target));
  document.addEventListener("live-refreshed", () => labelAll(document));
})();
