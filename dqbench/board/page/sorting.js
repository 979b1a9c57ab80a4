// Tables whose columns sort: a button in each header, aria-sort on it, blanks always last.

const FEW = 150;
const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

// A number at the start of a text, with the unit of bytes after it; null if there is none.
function leading(words) {
  const found = /^[-+−]?[\d,]*\.?\d+(?:e[-+]?\d+)?/i.exec(words);
  if (!found) return null;
  const unit = /^ ?([kMGT]?B)\b/.exec(words.slice(found[0].length));
  return Number(found[0].replaceAll(",", "").replace("−", "-")) * (unit ? UNITS[unit[1]] : 1);
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

// columns: {name, group, number, title}; rows: arrays of {text, value, node}; the first column heads its row.
function sortable({ columns, rows, label, groups }) {
  const before = view.sorts[label];
  let sorted = { column: before ? columns.findIndex((column) => column.name === before.name) : -1, down: before?.down ?? false };
  let all = false;
  const body = h("tbody");
  const headers = columns.map((column, index) => h("th", { scope: "col", class: column.number ? "number" : null },
    h("button", { type: "button", title: column.title, onclick: () => sort(index) }, column.name, h("span", { class: "arrow", "aria-hidden": "true" }))));
  const more = h("button", { type: "button", class: "quiet more", onclick: () => { all = true; show(); } });

  function sort(index) {
    sorted = sorted.column === index ? { column: index, down: !sorted.down } : { column: index, down: Boolean(columns[index].number) };
    view.sorts[label] = { name: columns[index].name, down: sorted.down };
    show();
  }

  function ordered() {
    if (sorted.column < 0) return rows;
    const key = (row) => row[sorted.column].value;
    const blank = (value) => value === null || value === undefined || value === "";
    const sign = sorted.down ? -1 : 1;
    return [...rows].sort((a, b) => (blank(key(a)) || blank(key(b)) ? blank(key(a)) - blank(key(b)) : sign * compare(key(a), key(b))));
  }

  function show() {
    headers.forEach((header, index) => {
      const on = index === sorted.column;
      if (on) header.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    });
    const found = ordered();
    const shown = all ? found : found.slice(0, FEW);
    body.replaceChildren(...shown.map((row) => h("tr", null, row.map((cell, index) => h(index ? "td" : "th",
      { scope: index ? null : "row", class: columns[index].number ? "number" : null }, cell.node ? cell.node() : cell.text)))));
    for (const [number, button] of [...body.querySelectorAll("button.cell")].entries()) button.tabIndex = number ? -1 : 0;
    more.hidden = shown.length === found.length;
    more.textContent = `Show all ${found.length.toLocaleString("en")} rows`;
  }

  show();
  const head = h("thead", null, groups ? h("tr", { class: "groups" }, groups.map(([name, span]) => h(name ? "th" : "td", { colspan: span, scope: name ? "colgroup" : null }, name))) : null, h("tr", null, headers));
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", { onkeydown: roam }, head, body));
  return h("div", { class: "table" }, scroll, more);
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

// One tab stop for all cells of a table: arrows go on to the next one in their direction.
function roam(event) {
  const step = STEPS[event.key];
  const from = event.target.closest("button.cell");
  if (!step || !from) return;
  event.preventDefault();
  const rows = [...from.closest("tbody").rows];
  let [r, c] = [rows.indexOf(from.closest("tr")), from.closest("td, th").cellIndex];
  for (;;) {
    [r, c] = [r + step[0], c + step[1]];
    if (!rows[r]?.cells[c]) return;
    const to = rows[r].cells[c].querySelector("button.cell");
    if (!to) continue;
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
    return;
  }
}

// A table of texts, as the Markdown board has it: its first columns are words, the others start with a number.
function plainTable(label, header, names, rows) {
  const columns = header.map((name, index) => ({ name, number: index >= names }));
  const cell = (text, index) => ({ text, value: index < names ? text : leading(text) ?? text });
  return sortable({ label, columns, rows: rows.map((row) => row.map(cell)) });
}
