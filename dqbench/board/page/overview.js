// The overview: a card for each board, and the critical-difference diagram over the tasks.

const chosen = { profile: "", labels: "", budget: "", architecture: "" };

const FILTERS = {
  profile: (board) => [board.profile],
  labels: (board) => [board.labels],
  budget: (board) => board.budgets.map((budget) => budget.text),
  architecture: (board) => board.networks,
};

function showOverview() {
  const cards = h("div", { class: "cards" });
  const checks = h("div", { class: "cards" });
  const count = h("summary");
  const folded = h("details", { class: "checks" }, count, checks);
  const update = () => {
    const found = boards.filter((board) => Object.entries(FILTERS).every(([name, of]) => !chosen[name] || of(board).includes(chosen[name])));
    const [strong, smoke] = [found.filter((board) => board.profile !== "smoke"), found.filter((board) => board.profile === "smoke")];
    const none = h("p", { class: "notice" }, boards.length ? "No board fits these filters." : "No records yet.");
    cards.replaceChildren(...(strong.length ? strong.map(card) : found.length ? [] : [none]));
    checks.replaceChildren(...smoke.map(card));
    count.textContent = `Smoke: ${smoke.length} board${smoke.length === 1 ? "" : "s"} to check that the machinery works, and no evidence on methods`;
    folded.hidden = !smoke.length;
    folded.open = !strong.length;
  };
  update();
  byId("main").replaceChildren(
    h("section", { class: "hero" },
      h("h1", null, "How little of a dataset do you need to keep, and which method should choose it?"),
      data.answers.length ? null : h("p", null, "Every number stands beside its random twin, its cost, and what the paper printed. Profiles, labels and data are never mixed: each has a board of its own.")),
    ...data.answers.map(answerSection),
    h("section", null, h("div", { class: "bar" }, heading(2, "Boards"), h("div", { class: "fields" }, Object.keys(FILTERS).map((name) => overviewFilter(name, update)))), cards, folded),
    h("section", null, heading(2, "Across tasks"), data.critical.length ? data.critical.map(criticalFigure) : h("p", { class: "notice" }, "No records yet.")));
}

const STANDINGS = { "▲": "above", "▼": "below", "○": "unsure", "—": "unmeasured" };

// What the strongest evidence on a task says: sentences, and the difference to random of each method at each budget.
function answerSection(found, place) {
  const { header, rows } = found.table;
  const cell = (words) => h("td", { class: STANDINGS[words.at(-1)] ?? null }, words);
  const table = h("table", { class: "answer" },
    h("thead", null, h("tr", null, header.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, rows.map(([name, ...cells]) => h("tr", null, h("th", { scope: "row" }, name), cells.map(cell)))));
  return h("section", { class: "answers" },
    h("h2", null, h("a", { href: "#" + found.board }, found.task), ": which method?"), list(found.said),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Difference to random on ${found.task}` }, table),
    h("p", { class: "muted small" }, found.title, ".", place ? "" : " " + data.legend));
}

function overviewFilter(name, update) {
  const values = [...new Set(boards.flatMap(FILTERS[name]))].sort((a, b) => compare(a, b));
  return select(name, [["", "all"], ...values.map((value) => [value, value])], chosen[name], (value) => { chosen[name] = value; update(); });
}

function card(board) {
  const done = board.cells.filter(isDone).length;
  const failed = board.cells.length - done;
  const seeds = seedCount(board);
  return h("a", { class: "card", href: "#" + board.id },
    h("div", { class: "card-head" }, h("h3", null, board.task, h("span", { class: "muted" }, "@" + board.version)), badge(board.profile, board.profile)),
    h("p", { class: "badges" }, badge(board.labels + " labels"), badge(board.data), badge(board.precision)),
    sparkline(board),
    h("ul", { class: "standing" }, standing(board)),
    h("p", { class: "muted small" }, `${done} cell${done === 1 ? "" : "s"} · ${failed} failed · up to ${seeds} seed${seeds === 1 ? "" : "s"} · ${board.networks.length} architecture${board.networks.length === 1 ? "" : "s"}`));
}

function standing(board) {
  const most = 4;
  const said = board.outcome.slice(0, most).map((words) => h("li", null, words));
  return board.outcome.length > most ? [...said, h("li", { class: "muted" }, `and ${board.outcome.length - most} more`)] : said;
}

// Score against budget on the first architecture, without axes.
function sparkline(board) {
  const lines = board.rows.map((row, r) => ({ r, row, points: board.budgets.map((_, b) => cellAt(board, r, 0, b)).map((cell, b) => (cell && isDone(cell) ? [b, cell.score[0]] : null)).filter(Boolean) })).filter((line) => line.points.length);
  const scores = lines.flatMap((line) => line.points.map((point) => point[1]));
  if (!scores.length || board.budgets.length < 2) return null;
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const x = (b) => 6 + (288 * b) / (board.budgets.length - 1);
  const y = (score) => 64 - (58 * (score - low)) / (high - low || 1);
  return s("svg", { class: "spark", viewBox: "0 0 300 70", role: "img", "aria-label": `Scores from ${low.toFixed(board.decimals)} to ${high.toFixed(board.decimals)} over ${board.budgets.length} budgets on ${board.networks[0]}` },
    lines.map(({ r, points }) => {
      const { colour, dash } = look(board, r);
      return [s("polyline", { points: points.map(([b, score]) => `${x(b)},${y(score)}`).join(" "), fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": { dash: "6 4", dot: "2 4" }[dash], "vector-effect": "non-scaling-stroke" }),
        dash === "dash" ? null : points.map(([b, score]) => s("circle", { cx: x(b), cy: y(score), r: 2.4, fill: colour }))];
    }));
}

function criticalFigure(diagram) {
  const title = `Critical differences, ${diagram.labels} labels`;
  if (diagram.why) return h("figure", { class: "critical" }, h("h3", null, title), h("p", { class: "notice" }, `No critical-difference diagram: ${diagram.why}.`));
  const sure = diagram.p < 0.05;
  const caption = `Average ranks over ${diagram.tasks.length} tasks (${diagram.tasks.join(", ")}), 1 is best; Friedman p ${diagram.p < 0.001 ? "< 0.001" : "= " + diagram.p.toFixed(3)}. ` +
    `Rows joined by a bar are within Nemenyi's critical difference of ${diagram.cd.toFixed(2)} ranks: not distinguishable, which is not the same as equal.` + (sure ? "" : " Friedman's test does not tell the rows apart at all: read nothing into gaps.");
  return h("figure", { class: "critical" }, h("h3", null, title), h("div", { class: "scroll" }, criticalDrawing(diagram)), h("figcaption", null, caption));
}

function criticalDrawing({ ranks, groups, cd }) {
  const count = ranks.length;
  const half = Math.ceil(count / 2);
  const top = 46 + 12 * groups.length;
  const x = (rank) => 190 + (420 * (rank - 1)) / (count - 1);
  const height = top + 24 * half + 12;
  const axis = s("g", { class: "axis" }, s("line", { x1: x(1), x2: x(count), y1: 34, y2: 34 }),
    Array.from({ length: count }, (_, i) => [s("line", { x1: x(i + 1), x2: x(i + 1), y1: 28, y2: 34 }), s("text", { x: x(i + 1), y: 22, "text-anchor": "middle" }, String(i + 1))]));
  const scale = Math.min(cd, count - 1);
  const ruler = s("g", { class: "ruler" }, s("line", { x1: x(1), x2: x(1 + scale), y1: 6, y2: 6 }), s("text", { x: x(1 + scale) + 6, y: 10 }, `CD ${cd.toFixed(2)}`));
  const names = ranks.map(([name, rank], i) => {
    const left = i < half;
    const y = top + 24 * (left ? i : count - 1 - i) + 8;
    const end = left ? 180 : 620;
    return s("g", null, s("polyline", { points: `${x(rank)},34 ${x(rank)},${y} ${end},${y}`, class: "leader" }),
      s("text", { x: left ? end - 6 : end + 6, y: y + 4, "text-anchor": left ? "end" : "start" }, `${name}  ${rank.toFixed(2)}`));
  });
  const bars = groups.map(([first, last], i) => s("line", { class: "joined", x1: x(ranks[first][1]) - 4, x2: x(ranks[last][1]) + 4, y1: 44 + 12 * i, y2: 44 + 12 * i }));
  return s("svg", { viewBox: `0 0 800 ${height}`, class: "cd", role: "img", "aria-label": "Average ranks: " + ranks.map(([name, rank]) => `${name} ${rank.toFixed(2)}`).join(", ") }, axis, ruler, names, bars);
}
