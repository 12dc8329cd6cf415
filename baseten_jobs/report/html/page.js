
"use strict";
(() => {
  const body = document.querySelector(".runs tbody");
  const filters = document.querySelector(".filters");
  if (!body || !filters) return;
  const rows = Array.from(body.rows);
  const find = document.getElementById("find");
  const state = document.getElementById("state");
  const shown = document.getElementById("shown");
  const texts = new Map();
  const textOf = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };
  const show = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const fits = (!state.value || row.dataset.state === state.value) && words.every((word) => textOf(row).includes(word));
      if (row.hidden === fits) row.hidden = !fits;
      count += fits;
    }
    shown.textContent = count === rows.length ? `${count} runs` : `${count} of ${rows.length} runs`;
  };
  let waiting = 0;
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 120); });
  state.addEventListener("change", show);
  filters.hidden = false;

  const heads = Array.from(document.querySelectorAll(".runs thead th"));
  const sort = (column) => {
    const head = heads[column];
    const up = head.getAttribute("aria-sort") === "descending";
    const key = (row) => row.cells[column].dataset.v;
    const numeric = rows.every((row) => key(row) !== "" && !Number.isNaN(Number(key(row))));
    const compare = numeric ? (a, b) => Number(key(a)) - Number(key(b)) : (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
    const sorted = rows.slice().sort((a, b) => (up ? compare(a, b) : compare(b, a)));
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...sorted);
  };
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (button) button.addEventListener("click", () => sort(column));
  });

  const go = (row) => {
    if (row.hidden) { find.value = ""; state.value = ""; show(); }
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const bar = event.target.closest("[data-run]");
    if (bar) go(document.getElementById(`run-${bar.dataset.run}`));
    const link = event.target.closest("a");
    if (!link) return;
    if (link.dataset.find !== undefined) { find.value = link.dataset.find; show(); }
    const row = /^#run-\d+$/.test(link.hash) && document.getElementById(link.hash.slice(1));
    if (row) { event.preventDefault(); go(row); }
  });
})();
