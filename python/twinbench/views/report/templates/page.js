"use strict";
// Filters and sortable tables. Text goes in as text, never as markup; sections of a large run are made when asked for.
(() => {
  const form = document.querySelector(".filters");
  const slots = [...document.querySelectorAll(".slot")];
  const more = document.querySelector(".more");
  const most = Number(document.body.dataset.most);
  const scopes = ["modality", "pipeline", "size"];
  const boxes = [...form.querySelectorAll("[name=stack]")];

  const wanted = () => Object.fromEntries(scopes.map((name) => [name, form.elements[name].value]));

  const inScope = (element, scope) =>
    scopes.every((name) => !scope[name] || !(name in element.dataset) || element.dataset[name] === scope[name]);

  function fill(slot) {
    const template = slot.querySelector("template");
    if (template) {
      template.replaceWith(template.content);
      slot.querySelectorAll("table.sortable").forEach(makeSortable);
    }
  }

  function filter() {
    const scope = wanted();
    let shown = 0;
    for (const slot of slots) {
      const fits = inScope(slot, scope);
      const visible = fits && shown < most;
      shown += fits;
      if (visible) fill(slot);
      slot.classList.toggle("hidden", !visible);
    }
    more.hidden = shown <= most;
    more.textContent = `${shown - most} more fit these filters: narrow them to see the others`;
    for (const element of document.querySelectorAll("#answers [data-modality], #choice [data-modality], #overview tr[data-modality]")) {
      element.classList.toggle("hidden", !inScope(element, scope));
    }
    filterStacks();
  }

  function filterStacks() {
    const chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const all = chosen.size === boxes.length;
    form.querySelector(".count").textContent = all ? `all ${boxes.length}` : `${chosen.size} of ${boxes.length}`;
    for (const element of document.querySelectorAll("[data-stack]")) {
      element.classList.toggle("hidden", !chosen.has(element.dataset.stack));
    }
  }

  function key(row, column) {
    const cell = row.cells[column];
    const value = cell.dataset.sort ?? cell.textContent.trim();
    const number = Number(value);
    return value === "" || value === "-" ? null : Number.isNaN(number) ? value : number;
  }

  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b));
  }

  function sort(table, column) {
    const header = table.tHead.rows[0].cells[column];
    const descending = header.ariaSort === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.ariaSort = descending ? "descending" : "ascending";
    const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
    const known = rows.filter(([value]) => value !== null).sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b)));
    const unknown = rows.filter(([value]) => value === null);
    table.tBodies[0].append(...[...known, ...unknown].map(([, row]) => row));
  }

  function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      if ("fixed" in header.dataset) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sort(table, column));
      header.append(button);
    });
  }

  form.addEventListener("change", filter);
  form.addEventListener("click", (event) => {
    const { all, none } = event.target.dataset;
    if (all === undefined && none === undefined) return;
    for (const box of boxes) box.checked = all !== undefined;
    filter();
  });
  document.addEventListener("click", (event) => {
    const pick = event.target.dataset.pick;
    if (pick !== undefined) {
      form.elements.pipeline.value = pick;
      filter();
      slots.find((slot) => !slot.classList.contains("hidden"))?.scrollIntoView();
    }
    const menu = form.querySelector(".stacks");
    if (!menu.contains(event.target)) menu.open = false;
  });
  for (const name of scopes) {
    if (form.elements[name].options.length < 3) form.elements[name].parentElement.hidden = true;
  }
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  form.hidden = false;
  if (slots.length > most && form.elements.pipeline.options.length > 1) form.elements.pipeline.selectedIndex = 1;
  filter();
})();
