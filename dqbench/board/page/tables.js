// The tables of a board: scores by place, all cells one by one, and what spans several of them.

const MEASURES = ["score", "Δ random", "gain", "κ"];

function swatch(board, row) {
  const { colour, dash } = look(board, row);
  return s("svg", { class: "swatch", viewBox: "0 0 22 10", width: 22, height: 10, "aria-hidden": "true" },
    s("line", { x1: 1, x2: 21, y1: 5, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": { dash: "6 3", dot: "2 3" }[dash] }));
}

function cellButton(board, cell, words) {
  return h("button", { type: "button", class: "cell" + (isDone(cell) ? "" : " failed"), "aria-label": `${placeText(board, cell)}: ${words}`, onclick: () => showCell(board, cell) }, words);
}

function rowName(board, row) {
  const { kind, name } = board.rows[row];
  return h("span", { class: "name " + kind, title: name }, swatch(board, row), h("span", null, name));
}

function measureCell(board, cell, measure) {
  if (!cell) return { text: "", value: null };
  if (!isDone(cell)) return { text: "failed", value: null, node: () => cellButton(board, cell, "failed") };
  const column = COLUMN[measure];
  const words = cell.x[column];
  return { text: words, value: cell.v[column], node: words ? () => cellButton(board, cell, words) : null };
}

function scoreTable() {
  const board = view.board;
  const budgets = board.budgets.length ? shownBudgets() : [-1];
  const kept = new Set(board.cells.filter((cell) => cell.b >= 0).map((cell) => `${cell.n} ${cell.b}`));
  const here = (network) => budgets.filter((budget) => budget < 0 || kept.has(`${network} ${budget}`));
  const one = board.networks.indexOf(view.network);
  const networks = shownNetworks().filter((network) => one < 0 || view.networks.has(one) || network === one).map((network) => [network, here(network).length ? here(network) : [-1]]);
  const places = networks.flatMap(([network, here]) => here.map((budget) => [network, budget]));
  const ranked = view.measure === "score" && board.rows.some((row) => row.rank);
  const rank = ranked ? [{ name: "rank", number: true, title: "interval of ranks over the board" }] : [];
  const columns = [{ name: "method" }, ...rank, ...places.map(([, budget]) => ({ name: budget < 0 ? "all" : board.budgets[budget].text, number: true }))];
  const rows = byEvidence(board, shownRows()).filter((row) => view.measure === "score" || !["full", "twin"].includes(board.rows[row].kind)).map((row) => [
    { value: board.rows[row].name, node: () => rowName(board, row) },
    ...(ranked ? [rankCell(board.rows[row].rank)] : []),
    ...places.map(([network, budget]) => measureCell(board, cellAt(board, row, network, budget), view.measure)),
  ]);
  const groups = [["", 1 + rank.length], ...networks.map(([network, here]) => [board.networks[network], here.length])];
  return sortable({ label: `${view.measure} of every method`, columns, rows, groups });
}

function rankCell(rank) {
  if (!rank) return { text: "", value: null };
  return { text: rank[0] === rank[1] ? String(rank[0]) : `${rank[0]}–${rank[1]}`, value: rank[0] + rank[1] / 1000 };
}

function cellTable() {
  const board = view.board;
  const found = board.cells.filter(isShown);
  const used = data.columns.filter((_, column) => found.some((cell) => isDone(cell) && cell.x[column]));
  const columns = [{ name: "method" }, { name: "budget" }, { name: "architecture" }, ...used.map((name) => ({ name, number: true }))];
  const rows = found.map((cell) => [
    { value: board.rows[cell.r].name, node: () => rowName(board, cell.r) },
    { text: budgetText(board, cell), value: cell.b < 0 ? 1e9 : board.budgets[cell.b].value },
    { text: board.networks[cell.n], value: board.networks[cell.n] },
    ...used.map((name, number) => {
      if (!isDone(cell)) return number ? { text: "", value: null } : measureCell(board, cell, name);
      const column = COLUMN[name];
      return number ? { text: cell.x[column], value: cell.v[column] } : measureCell(board, cell, name);
    }),
  ]);
  return sortable({ label: "All cells", columns, rows });
}

function comparedTable() {
  const board = view.board;
  const found = board.compared.filter((c) => isShown(board.cells[c.cell]));
  const number = (words) => ({ text: words, value: leading(words) });
  const optional = [["best", "best epoch"], ["bestDifference", "best epoch − published"], ["z", "z"]].filter(([key]) => found.some((c) => c[key]));
  const names = ["method", "budget", "architecture", "published", "measured", "measured − published", ...optional.map(([, name]) => name), "comparable", "protocol", "source"];
  const notes = [...new Set(found.flatMap((c) => c.differs))];
  const rows = found.map((c) => {
    const cell = board.cells[c.cell];
    const numbers = c.differs.map((fact) => notes.indexOf(fact) + 1).sort((a, b) => a - b);
    return [
      { value: board.rows[cell.r].name, node: () => rowName(board, cell.r) },
      { text: budgetText(board, cell), value: cell.b < 0 ? 1e9 : board.budgets[cell.b].value },
      { text: board.networks[cell.n], value: board.networks[cell.n] },
      { text: c.printed, value: c.published },
      { value: c.measured, node: () => cellButton(board, cell, c.shown) },
      number(c.difference), ...optional.map(([key]) => number(c[key])),
      { text: c.comparable ? "yes" : "no", value: c.comparable ? "yes" : "no" },
      { text: numbers.join(", "), value: numbers.join(", ") },
      { value: c.sources, node: () => h("span", { class: "long" }, c.sources) },
    ];
  });
  const ends = 6 + optional.length;
  const table = sortable({ label: "Measured beside published", columns: names.map((name, i) => ({ name, number: i > 2 && i < ends })), rows });
  const differences = notes.length ? [h("p", { class: "muted" }, "How the protocols differ, by the numbers in the table:"), h("ol", { class: "said" }, notes.map((fact) => h("li", null, data.facts[fact])))] : [];
  return h("div", null, table, h("div", { class: "notes" }, differences));
}
