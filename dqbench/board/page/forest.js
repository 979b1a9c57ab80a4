// The figure that a board opens with: differences to random with their intervals, a panel for each budget and network.

const FOREST = { row: 20, head: 24, foot: 24 };
const markOf = (cell) => ({ "▲": "above", "▼": "below" })[cell.x[COLUMN["Δ random"]].at(-1)] ?? "open";
const hasInterval = (cell) => cell && isDone(cell) && cell.delta && cell.delta[3];

function forestSection() {
  const board = view.board;
  const networks = shownNetworks().filter((network) => board.cells.some((cell) => cell.n === network && hasInterval(cell)));
  const rows = byEvidence(board, shownRows().filter((row) => board.cells.some((cell) => cell.r === row && hasInterval(cell))));
  const budgets = shownBudgets().filter((budget) => board.cells.some((cell) => cell.b === budget && hasInterval(cell)));
  if (!networks.length || !rows.length || !budgets.length) return null;
  const scales = budgets.map((budget) => forestScale(board, rows, networks, budget));
  return h("section", null, heading(2, "Better than random?"), h("figure", null,
    networks.map((network) => h("div", { class: "forest scroll", tabindex: "0", role: "region", "aria-label": `Difference to random on ${board.networks[network]}` }, forestDrawing(board, rows, network, budgets, scales))),
    h("figcaption", null, "Points against random, with the paired 95 % interval. Filled: distinguishable from random after Holm, ",
      h("b", { class: "above" }, "above"), " or ", h("b", { class: "below" }, "below"), ". Hollow: not distinguishable. A press opens the cell.")));
}

// Rows by their mean difference to random, best first; references keep their place.
function byEvidence(board, rows) {
  const mean = (row) => {
    const found = board.cells.filter((cell) => cell.r === row && isDone(cell) && cell.delta && isShown(cell)).map((cell) => cell.delta[0]);
    return found.length ? found.reduce((a, b) => a + b, 0) / found.length : -Infinity;
  };
  const place = (row) => ["full", "twin"].indexOf(board.rows[row].kind);
  const first = rows.filter((row) => place(row) >= 0).sort((a, b) => place(a) - place(b));
  return [...first, ...rows.filter((row) => place(row) < 0).map((row) => [row, mean(row)]).sort((a, b) => (b[1] - a[1]) || 0).map(([row]) => row)];
}

// Points at the edges of a budget's panels: nine in ten of the intervals fit, and all means.
function forestScale(board, rows, networks, budget) {
  const deltas = rows.flatMap((row) => networks.map((network) => cellAt(board, row, network, budget))).filter(hasInterval).map((cell) => cell.delta);
  const reaches = deltas.map(([, low, high]) => Math.max(Math.abs(low), Math.abs(high))).sort((a, b) => a - b);
  const wanted = Math.max(reaches[Math.ceil(0.9 * reaches.length) - 1], 1.1 * Math.max(...deltas.map(([mean]) => Math.abs(mean))), 0.1);
  const size = 10 ** Math.floor(Math.log10(wanted));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => Number((step * size).toPrecision(2))).find((end) => end >= wanted);
}

function forestDrawing(board, rows, network, budgets, scales) {
  const { row: line, head, foot } = FOREST;
  const [panel, gap] = budgets.length > 4 ? [116, 14] : [180, 20];
  const left = 30 + 7 * Math.max(board.networks[network].length, ...rows.map((row) => Math.min(32, board.rows[row].name.length)));
  const width = left + budgets.length * (panel + gap);
  const height = head + rows.length * line + foot;
  const names = rows.map((row, i) => s("text", { x: 22, y: head + line * i + 14, class: board.rows[row].kind }, shortened(board.rows[row].name, 32), s("title", null, board.rows[row].name)));
  const dots = rows.map((row, i) => s("circle", { cx: 11, cy: head + line * i + 10, r: 4, fill: look(board, row).colour }));
  const panels = budgets.map((budget, i) => forestPanel(board, rows, network, budget, scales[i], left + i * (panel + gap), panel));
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `Difference to random on ${board.networks[network]}` },
    s("text", { x: 4, y: 15, class: "title" }, board.networks[network]), names, dots, panels);
}

const shortened = (words, most) => (words.length > most ? words.slice(0, most - 1) + "…" : words);

function forestPanel(board, rows, network, budget, end, left, panel) {
  const { row: line, head } = FOREST;
  const bottom = head + rows.length * line;
  const x = (points) => left + (panel * (Math.max(-1, Math.min(1, points / end)) + 1)) / 2;
  const ticks = [[-end, "start"], [0, "middle"], [end, "end"]].map(([value, anchor]) => s("text", { x: x(value), y: bottom + 15, "text-anchor": anchor, class: "tick" }, value > 0 ? `+${value}` : String(value).replace("-", "−")));
  return s("g", null, s("text", { x: left + panel / 2, y: 15, "text-anchor": "middle", class: "title" }, board.budgets[budget].text),
    [-1, -0.5, 0.5, 1].map((part) => s("line", { x1: x(part * end), x2: x(part * end), y1: head, y2: bottom, class: "grid" })),
    s("line", { x1: x(0), x2: x(0), y1: head, y2: bottom, class: "zero" }), ticks,
    rows.map((row, i) => [cellAt(board, row, network, budget), head + line * (i + 0.5)]).filter(([cell]) => hasInterval(cell)).map(([cell, y]) => forestMark(board, cell, x, y, end)));
}

function forestMark(board, cell, x, y, end) {
  const [mean, low, high] = cell.delta;
  const tips = [[low < -end, x(low), 1], [high > end, x(high), -1]].filter(([beyond]) => beyond).map(([, tip, way]) => s("path", { d: `M${tip} ${y}l${6 * way} -4v8z` }));
  return s("g", { class: "mark " + markOf(cell), onclick: () => showCell(board, cell) }, s("title", null, `${placeText(board, cell)}: ${cell.x[COLUMN["Δ random"]]} points`),
    s("rect", { x: x(-end), y: y - FOREST.row / 2, width: x(end) - x(-end), height: FOREST.row, class: "target" }),
    s("line", { x1: x(low), x2: x(high), y1: y, y2: y }), tips, s("circle", { cx: x(mean), cy: y, r: 4.5 }));
}
