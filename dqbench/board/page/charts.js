// The charts of a board. They draw the numbers of the tables; a click on a point opens its cell.

const share = (board, cell) => (100 * cell.v[COLUMN.samples]) / board.trainSamples;
const indexOf = (board, cell) => board.cells.indexOf(cell);
const faint = (colour) => colour + (isDark() ? "2b" : "26");

function tip(board, cell, more) {
  return plain(placeText(board, cell)) + "<br><b>" + plain(cell.x[0]) + "</b>" + (more ? "<br>" + plain(more) : "");
}

function chart(title, caption, place) {
  return h("figure", null, h("h4", null, title), place, caption ? h("figcaption", null, caption) : null);
}

function ratioCharts() {
  const board = view.board;
  const spread = board.cells.some((cell) => isDone(cell) && cell.score[3]) ? "Bands are 95 % intervals over the seeds (ranges below three seeds)." : "Bands are ranges over the seeds: too few for an interval.";
  const charts = shownNetworks().map((network) => chart(board.networks[network], null,
    plot(`Score against samples kept on ${board.networks[network]}; the numbers are in the table of scores`, () => ratioChart(board, network))));
  return h("section", null, heading(3, "Score against keep ratio"), h("p", { class: "muted" }, `${spread} The dashed lines are the random twin (grey) and full data.`), legend(board, shownNetworks()), h("div", { class: "charts" }, charts));
}

function ratioChart(board, network) {
  const cells = (row) => board.cells.filter((cell) => cell.r === row && cell.n === network && cell.b >= 0 && isDone(cell) && isShown(cell)).sort((a, b) => share(board, a) - share(board, b));
  const lines = shownRows().filter((row) => board.rows[row].kind !== "full").map((row) => [row, cells(row)]).filter(([, found]) => found.length);
  const x = lines.flatMap(([, found]) => found.map((cell) => share(board, cell)));
  const ticks = budgetTicks(board, lines.flatMap(([, found]) => found));
  const traces = lines.flatMap(([row, found]) => [band(board, row, found), line(board, row, found)]);
  return {
    traces: [...fullTraces(board, network, x), ...traces],
    more: {
      xaxis: axis("samples kept, %", { type: Math.max(...x) > 12 * Math.min(...x) ? "log" : "linear", ...(ticks.length <= 8 ? { tickvals: ticks.map(([value]) => value), ticktext: ticks.map(([, words]) => words) } : {}) }),
      yaxis: axis(board.axis),
    },
  };
}

// Where a budget's cells lie and what was asked for: 5, though 5.01 % of the samples were kept.
function budgetTicks(board, cells) {
  const found = new Map(cells.map((cell) => [cell.b, cell]));
  return [...found.values()].map((cell) => {
    const { text, value } = board.budgets[cell.b];
    return [share(board, cell), String(Number((text.startsWith("keep") ? 100 * value : share(board, cell)).toPrecision(3)))];
  }).sort((a, b) => a[0] - b[0]);
}

function legend(board, networks) {
  const rows = shownRows().filter((row) => board.cells.some((cell) => cell.r === row && networks.includes(cell.n) && isDone(cell)));
  return h("ul", { class: "legend" }, rows.map((row) => h("li", null, swatch(board, row), board.rows[row].label)));
}

function band(board, row, found) {
  const { colour } = look(board, row);
  const x = found.map((cell) => share(board, cell));
  return { x: [...x, ...x.toReversed()], y: [...found.map((cell) => cell.score[2]), ...found.map((cell) => cell.score[1]).reverse()], fill: "toself", fillcolor: faint(colour), line: { width: 0 }, mode: "lines", hoverinfo: "skip" };
}

function line(board, row, found) {
  const { colour, symbol, dash } = look(board, row);
  return {
    x: found.map((cell) => share(board, cell)), y: found.map((cell) => cell.score[0]), mode: "lines+markers", name: plain(board.rows[row].label),
    line: { color: colour, width: 2, dash }, marker: { color: colour, symbol, size: 8, line: { color: symbol.endsWith("-open") ? colour : ink("surface"), width: 1.2 } }, customdata: found.map((cell) => indexOf(board, cell)),
    text: found.map((cell) => tip(board, cell, `${cell.x[COLUMN.samples]} samples`)), hovertemplate: "%{text}<extra></extra>",
  };
}

// Full data: a line, with a band, across all that is kept.
function fullTraces(board, network, x) {
  const row = board.rows.findIndex((found) => found.kind === "full");
  const cell = row >= 0 && !view.rows.has(row) ? cellAt(board, row, network, -1) : null;
  if (!cell || !isDone(cell) || !x.length) return [];
  const ends = [Math.min(...x), Math.max(...x)];
  if (ends[0] === ends[1]) { ends[0] *= 0.8; ends[1] *= 1.25; }
  const { colour, dash } = look(board, row);
  const [mean, low, high] = cell.score;
  return [
    { x: [...ends, ...ends.toReversed()], y: [high, high, low, low], fill: "toself", fillcolor: faint(colour), line: { width: 0 }, mode: "lines", hoverinfo: "skip" },
    { x: ends, y: [mean, mean], mode: "lines", line: { color: colour, width: 1.5, dash }, customdata: [indexOf(board, cell), indexOf(board, cell)], text: [tip(board, cell), tip(board, cell)], hovertemplate: "%{text}<extra></extra>" },
  ];
}

// A swept option: a table, and for each network a line for each budget over the option's values.
function sweepSections() {
  const board = view.board;
  return board.sweeps.map((sweep) => {
    const networks = shownNetworks().filter((network) => sweepTraces(board, sweep, network).length);
    return h("section", { class: "stack" }, heading(3, "Sweep of " + sweep.title),
      plainTable("Sweep of " + sweep.title, sweep.table.header, sweep.table.names, sweep.table.rows),
      h("div", { class: "charts" }, networks.map((network) => chart(board.networks[network], null,
        plot(`Score by ${sweep.title} on ${board.networks[network]}; the numbers are in the table above`, () => sweepChart(board, sweep, network))))));
  });
}

const isNumeric = (sweep) => sweep.values.every((value) => value !== "" && Number.isFinite(Number(value)));

function sweepTraces(board, sweep, network) {
  const colours = isDark() ? DARK_PALETTE : PALETTE;
  return shownBudgets().map((budget, i) => {
    const found = sweep.rows.map((row, place) => [sweep.values[place], cellAt(board, row, network, budget)]).filter(([, cell]) => cell && isDone(cell));
    return {
      x: found.map(([value]) => (isNumeric(sweep) ? Number(value) : value)), y: found.map(([, cell]) => cell.score[0]), mode: "lines+markers", name: board.budgets[budget].text, showlegend: true,
      line: { color: colours[i % colours.length], width: 2 }, marker: { symbol: SYMBOLS[i % SYMBOLS.length], size: 8 }, customdata: found.map(([, cell]) => indexOf(board, cell)),
      error_y: { array: found.map(([, cell]) => cell.score[2] - cell.score[0]), arrayminus: found.map(([, cell]) => cell.score[0] - cell.score[1]), thickness: 1 },
      text: found.map(([, cell]) => tip(board, cell)), hovertemplate: "%{text}<extra></extra>",
    };
  }).filter((trace) => trace.x.length > 1);
}

function sweepChart(board, sweep, network) {
  return { traces: sweepTraces(board, sweep, network), more: { showlegend: true, xaxis: axis(sweep.option, isNumeric(sweep) ? {} : { type: "category" }), yaxis: axis(board.axis) } };
}

// Points that no other beats: nothing costs less and scores better.
function front(board, points) {
  const merit = (point) => (board.lower ? -point.y : point.y);
  const sorted = [...points].sort((a, b) => a.x - b.x || merit(b) - merit(a));
  const found = [];
  for (const point of sorted) if (!found.length || merit(point) > merit(found.at(-1))) found.push(point);
  return found;
}

function costCharts() {
  const board = view.board;
  const networks = shownNetworks();
  if (!networks.length) return null;
  const holder = h("div", { class: "charts" });
  const show = (network) => holder.replaceChildren(
    chart("Seconds to choose: observe, prepare, compress", "Means over the seeds; work that several cells share is counted in each of them. Full data needs no choosing.", paretoPlot(board, network, choosing, "seconds", "s")),
    chart("Bytes to keep", "Everything that training needs, as stored.", paretoPlot(board, network, (cell) => cell.v[COLUMN.bytes], "bytes", "B")));
  show(networks[0]);
  return h("section", null,
    h("div", { class: "bar" }, heading(3, "Score against cost"), networks.length > 1 ? select("architecture", networks.map((network) => [String(network), board.networks[network]]), String(networks[0]), (value) => show(Number(value))) : null),
    h("p", { class: "muted" }, `The stepped line is the Pareto front of what is shown: nothing cheaper scores ${board.lower ? "less, and less is better" : "more"}. Larger marks keep more.`), legend(board, networks), holder);
}

function paretoPlot(board, network, cost, title, unit) {
  return plot(`Score against ${title} on ${board.networks[network]}; the numbers are in the table of all cells`, () => {
    const points = board.cells.filter((cell) => cell.n === network && isDone(cell) && isShown(cell) && cost(cell) > 0).map((cell) => ({ cell, x: cost(cell), y: cell.score[0] }));
    const rows = shownRows().map((row) => points.filter((point) => point.cell.r === row)).filter((found) => found.length);
    const x = points.map((point) => point.x);
    const best = front(board, points);
    const full = points.some((point) => point.cell.b < 0) ? [] : fullTraces(board, network, x);
    return { traces: [...full, frontTrace(best), ...rows.map((found) => costTrace(board, found, unit))], more: { xaxis: axis(title, { type: "log", ...logTicks(x, unit) }), yaxis: axis(board.axis) } };
  });
}

// Ticks at 1, 2, 5, 10, … or, over many decades, at powers of ten, with SI prefixes.
function logTicks(x, unit) {
  if (!x.length) return {};
  const [low, high] = [Math.log10(Math.min(...x)) - 0.1, Math.log10(Math.max(...x)) + 0.1];
  const steps = high - low > 2.2 ? [1] : [1, 2, 5];
  const vals = [];
  for (let power = Math.floor(low); power <= high; power++) for (const step of steps) vals.push(step * 10 ** power);
  const shown = vals.filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
  return { range: [low, high], tickvals: shown, ticktext: shown.map((value) => withPrefix(value, unit)) };
}

function withPrefix(value, unit) {
  const [prefix, size] = [["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1], ["m", 1e-3], ["µ", 1e-6]].find(([, least]) => value >= least * 0.999) ?? ["", 1];
  if (unit === "s" && value >= 1) return `${Number(value.toPrecision(3)).toLocaleString("en")} s`;
  return `${Number((value / size).toPrecision(3))} ${prefix}${unit}`;
}

function frontTrace(best) {
  return { x: best.map((point) => point.x), y: best.map((point) => point.y), mode: "lines", line: { shape: "hv", color: ink("accent"), width: 6 }, opacity: 0.28, hoverinfo: "skip", name: "front" };
}

function costTrace(board, found, unit) {
  const { colour, symbol, dash } = look(board, found[0].cell.r);
  const sorted = [...found].sort((a, b) => a.cell.b - b.cell.b);
  const most = Math.max(1, board.budgets.length - 1);
  return {
    x: sorted.map((point) => point.x), y: sorted.map((point) => point.y), mode: "lines+markers", line: { color: colour, width: 1, dash },
    marker: { color: colour, symbol, size: sorted.map(({ cell }) => (cell.b < 0 ? 15 : 7 + (7 * cell.b) / most)), line: { width: 1.5, color: colour } },
    customdata: sorted.map(({ cell }) => indexOf(board, cell)), hovertemplate: "%{text}<extra></extra>",
    text: sorted.map(({ cell, x }) => tip(board, cell, unit === "s" ? `${x.toPrecision(3)} s` : cell.x[COLUMN.bytes])),
  };
}

function heatSection() {
  const board = view.board;
  const networks = shownNetworks();
  const budgets = shownBudgets();
  const title = heading(3, "Across architectures");
  if (networks.length < 2 || !budgets.length) return h("section", null, title, h("p", { class: "notice" }, "The heat map needs two architectures and a budget that are shown."));
  const picked = { measure: board.cells.some((cell) => isDone(cell) && cell.delta) ? "Δ random" : "score", budget: budgets[0] };
  const holder = h("div");
  const show = () => {
    const rows = heatRows(board, networks, picked);
    holder.replaceChildren(rows.length ? heatPlot(board, rows, networks, picked) : h("p", { class: "notice" }, "Nothing to show: no row has a random twin here."));
  };
  show();
  return h("section", null, h("div", { class: "bar" }, title, h("div", { class: "fields" },
    segmented("Measure of the heat map", [["Δ random", "Δ random"], ["score", "score"]], picked.measure, (value) => { picked.measure = value; show(); }),
    select("budget", budgets.map((budget) => [String(budget), board.budgets[budget].text]), String(picked.budget), (value) => { picked.budget = Number(value); show(); }))),
  h("figure", null, holder, h("figcaption", null, `Δ random is the ${board.deltas}, paired by seed; ▲ ▼ mark what differs from random after Holm. Colour alone says nothing about chance.`)));
}

function heatRows(board, networks, { measure, budget }) {
  const known = (cell) => cell && isDone(cell) && cell.v[COLUMN[measure]] !== null;
  return shownRows().filter((row) => (measure === "score" || !["full", "twin"].includes(board.rows[row].kind)) && networks.some((network) => known(cellAt(board, row, network, budget)))).reverse();
}

function heatPlot(board, rows, networks, { measure, budget }) {
  const column = COLUMN[measure];
  return plot(`${measure} of every method on every architecture at ${board.budgets[budget].text}; the numbers are in the table of scores`, () => {
    const cells = rows.map((row) => networks.map((network) => { const cell = cellAt(board, row, network, budget); return cell && isDone(cell) && cell.v[column] !== null ? cell : null; }));
    const z = cells.map((found) => found.map((cell) => cell && cell.v[column]));
    const most = Math.max(10 ** -board.decimals, ...z.flat().filter((value) => value !== null).map(Math.abs));
    const known = z.flat().filter((value) => value !== null);
    const range = measure === "score" ? { zmin: Math.min(...known), zmax: Math.max(...known) } : { zmin: -most, zmax: most };
    const warm = board.lower ? [[0, ink("warm")], [1, ink("surface")]] : [[0, ink("surface")], [1, ink("warm")]];
    const colours = measure === "score" ? warm : [[0, ink("below")], [0.5, ink("surface")], [1, ink("above")]];
    const short = (cell) => (cell ? cell.x[column].split(" ")[0] + (/[▲▼]$/.exec(cell.x[column]) ? " " + cell.x[column].at(-1) : "") : "");
    return {
      traces: [{
        type: "heatmap", z, x: networks.map((network) => plain(board.networks[network])), y: rows.map((row) => plain(board.rows[row].label)), ...range, colorscale: colours, showscale: false, xgap: 3, ygap: 3,
        text: cells.map((found) => found.map(short)), texttemplate: "%{text}", textfont: { color: ink("ink"), size: 13 }, customdata: cells.map((found) => found.map((cell) => (cell ? indexOf(board, cell) : -1))),
        hovertext: cells.map((found) => found.map((cell) => (cell ? tip(board, cell, `Δ random ${cell.x[1] || "blank"}`) : ""))), hoverinfo: "text",
      }],
      more: { xaxis: axis("", { type: "category", side: "top", showgrid: false }), yaxis: axis("", { type: "category", showgrid: false }), margin: { l: 20, r: 8, t: 28, b: 8 } },
    };
  }, 70 + 36 * rows.length);
}

function publishedSection() {
  const board = view.board;
  const title = heading(3, "Measured against published");
  const found = board.compared.filter((c) => isShown(board.cells[c.cell]));
  const fair = found.filter((c) => c.comparable);
  const why = [...new Set(found.map((c) => c.whyNot).filter(Boolean))];
  const reasons = why.slice(0, 3).join("; ") + (why.length > 3 ? "; …" : "");
  const scatter = fair.length
    ? chart("", "On the line, measured equals published. Where the paper prints the best epoch, so does this chart; bars are intervals of last-epoch scores.", plot("Measured against published scores; the numbers are in the table below", () => publishedChart(board, fair), 380))
    : h("p", { class: "notice" }, found.length ? `No published number may be compared with these rows (${reasons}), so there is no chart.` : "No published number fits these rows.");
  const elsewhere = board.elsewhere.length ? h("details", null, h("summary", null, `${board.elsewhere.length} published numbers on architectures that this board did not measure`),
    plainTable("Published elsewhere", ["method", "architecture", "budget", "published", "source"], 2, board.elsewhere)) : null;
  return h("section", null, title, scatter, found.length ? comparedTable() : null, elsewhere);
}

function publishedChart(board, fair) {
  const ends = fair.flatMap((c) => [c.published, c.alike]);
  const [low, high] = [Math.min(...ends) - 1, Math.max(...ends) + 1];
  const rows = [...new Set(fair.map((c) => board.cells[c.cell].r))];
  const traces = rows.map((row) => {
    const own = fair.filter((c) => board.cells[c.cell].r === row);
    const { colour, symbol } = look(board, row);
    const cells = own.map((c) => board.cells[c.cell]);
    const bars = cells.map((cell, i) => (own[i].best ? [0, 0, 0] : cell.score));
    return {
      x: own.map((c) => c.published), y: own.map((c) => c.alike), mode: "markers", marker: { color: colour, symbol, size: 9 }, customdata: own.map((c) => c.cell),
      error_y: { type: "data", symmetric: false, array: bars.map(([mean, , most]) => most - mean), arrayminus: bars.map(([mean, least]) => mean - least), color: colour, thickness: 1, width: 0 },
      text: own.map((c, i) => tip(board, cells[i], `published ${c.printed} (${c.sources})`)), hovertemplate: "%{text}<extra></extra>",
    };
  });
  const diagonal = { x: [low, high], y: [low, high], mode: "lines", line: { color: ink("muted"), width: 1, dash: "dot" }, hoverinfo: "skip" };
  return { traces: [diagonal, ...traces], more: { xaxis: axis("published, %"), yaxis: axis("measured, %") } };
}
