// A list by keyboard: j and k go from row to row, x chooses, Enter opens, / searches. Without it links and boxes work.
"use strict";

(() => {
  const typing = (at) => at.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr")];
  const link = (row) => row.querySelector("th a");

  // Not followed by the focus alone: after a part was replaced, the row of the same request goes on.
  let last = null;
  const here = () => {
    const all = rows();
    const focused = all.findIndex((row) => row.contains(document.activeElement));
    return focused >= 0 ? focused : all.findIndex((row) => row.dataset.request === last);
  };

  function go(to) {
    const row = rows()[to];
    if (!row) return;
    last = row.dataset.request;
    link(row).focus();
  }

  function choose() {
    const box = rows()[here()]?.querySelector("input[name=request]");
    if (box) box.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = { j: () => go(here() + 1), k: () => go(Math.max(here() - 1, 0)), x: choose,
      "/": () => document.getElementById("f-q")?.focus() }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // How many are chosen; a range with the shift key; and whoever chooses means the chosen ones.
  let before = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("table[data-keys] input[name=request]");
    if (!box) return;
    const boxes = rows().map((row) => row.querySelector("input[name=request]"));
    if (event.shiftKey && before && boxes.includes(before)) {
      const [from, to] = [boxes.indexOf(before), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const other of boxes.slice(from, to)) other.checked = box.checked;
      box.checked = boxes[to].checked = box.checked;
    }
    before = box;
    const form = box.form;
    const chosen = form.querySelectorAll("input[name=request]:checked").length;
    form.querySelector("[data-chosen]").textContent = chosen ? `(${chosen})` : "";
    form.querySelector("input[name=which][value=chosen]").checked = true;
  });
})();
