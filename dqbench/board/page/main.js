// The page: its theme, its address, and the board that is open.

const THEMES = { "": "Auto", light: "Light", dark: "Dark" };

function remembered() {
  try { return localStorage.getItem("dqbench-theme") ?? ""; } catch { return ""; }
}

function dress(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  byId("theme").textContent = `${THEMES[theme]} theme`;
  byId("theme").setAttribute("aria-label", `Theme: ${THEMES[theme]}; change it`);
}

function nextTheme() {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
  try { localStorage.setItem("dqbench-theme", next); } catch { /* a page without storage forgets */ }
  dress(next);
  recolour();
}

function recolour() {
  if (view.board) showBoard();
  else showOverview();
}

function chip(words, off, index, more) {
  const pressed = () => String(!off.has(index));
  const button = h("button", { type: "button", class: "chip", "aria-pressed": pressed(), onclick: () => {
    if (!off.delete(index)) off.add(index);
    button.setAttribute("aria-pressed", pressed());
    update();
    remember();
  } }, more, words);
  return button;
}

function chips(label, items, off) {
  return items.length > 1 ? h("div", { class: "chips", role: "group", "aria-label": label }, h("span", null, label), items) : null;
}

function filters(board) {
  const off = view;
  const body = [
    chips("Methods", board.rows.map((row, i) => chip(row.label, off.rows, i, swatch(board, i))), off.rows),
    chips("Budgets", board.budgets.map((budget, i) => chip(budget.text, off.budgets, i)), off.budgets),
    chips("Architectures", board.networks.map((name, i) => chip(name, off.networks, i)), off.networks),
  ];
  return h("details", { class: "filters", open: matchMedia("(min-width: 720px)").matches }, h("summary", null, "Show"), body);
}

// The other boards of this task: another profile, other labels or data is another board, never a mixture.
function regimes(board) {
  const others = boards.filter((other) => other.task === board.task);
  const pick = (name, label) => {
    const values = [...new Set(others.map((other) => other[name]))];
    const near = (value) => others.filter((other) => other[name] === value).sort((a, b) => agreement(b, board) - agreement(a, board))[0];
    return values.length > 1 ? select(label, values.map((value) => [String(value), String(value)]), String(board[name]), (value) => { location.hash = near(values.find((v) => String(v) === value)).id; }) : null;
  };
  const found = [pick("profile", "profile"), pick("labels", "labels"), pick("data", "data"), pick("precision", "precision"), pick("version", "version")].filter(Boolean);
  return found.length ? h("div", { class: "fields" }, found) : null;
}

const agreement = (a, b) => ["version", "profile", "labels", "data", "precision"].filter((name) => a[name] === b[name]).length;

let update = () => {};

function showBoard() {
  const board = view.board;
  const scores = h("div");
  const forest = h("div");
  const charts = h("div", { class: "stack" });
  const cells = h("div");
  const showScores = () => scores.replaceChildren(scoreTable());
  update = () => {
    forest.replaceChildren(...[forestSection()].filter(Boolean));
    showScores();
    charts.replaceChildren(...[ratioCharts(), ...sweepSections(), costCharts(), heatSection(), publishedSection()].filter(Boolean));
    cells.replaceChildren(cellTable());
    redraw();
  };
  const measures = MEASURES.filter((name) => board.cells.some((cell) => isDone(cell) && cell.x[COLUMN[name]]));
  byId("main").replaceChildren(...[
    h("section", { class: "hero" }, h("p", { class: "crumbs" }, h("a", { href: "#" }, "All boards")), h("h1", null, board.task, h("span", { class: "muted" }, "@" + board.version)),
      h("div", { class: "bar" }, h("p", { class: "badges" }, badge(board.profile, board.profile), badge(board.labels + " labels"), badge(board.data), badge(board.precision)), regimes(board))),
    forest,
    filters(board),
    h("section", null, h("div", { class: "bar" }, heading(2, "Scores"), h("div", { class: "fields" }, tableOptions(board, measures, showScores))),
      scores, h("details", { class: "notes" }, h("summary", null, "How to read this"), list([...board.reading, ...board.columnWords]))),
    h("div", { class: "columns" }, board.outcome.length ? h("section", null, h("h2", null, "What it shows"), list(board.outcome)) : null, h("section", null, h("h2", null, "State"), list(board.state))),
    board.claims.length ? h("section", null, heading(2, "What papers claim"), h("ul", { class: "said" }, board.claims.map(([verdict, words]) => h("li", null, badge(verdict, verdict.split(" ")[0]), " ", words)))) : null,
    charts,
    board.across.rows.length ? h("section", null, heading(3, "Across budgets and architectures"), plainTable("Across budgets and architectures", board.across.header, board.across.names, board.across.rows)) : null,
    ...board.trainings.map((sweep) => h("section", { class: "stack" }, heading(2, sweep.title), plainTable(sweep.title, sweep.table.header, sweep.table.names, sweep.table.rows), list(sweep.words))),
    board.beside ? h("section", { class: "stack" }, heading(2, "Hard labels beside soft ones"), plainTable("Hard labels beside soft ones", board.beside.table.header, board.beside.table.names, board.beside.table.rows), list(board.beside.words)) : null,
    board.corruptions ? h("section", { class: "stack" }, heading(2, "Corruptions"), ...board.corruptions.tables.map((table, i) => plainTable(["Accuracy by severity", "Accuracy by corruption"][i], table.header, table.names, table.rows)), list(board.corruptions.words)) : null,
    h("section", null, heading(2, "All cells"), cells),
    h("section", null, heading(2, "Data"), h("p", { class: "break" }, board.about)),
  ].filter(Boolean));
  update();
}

function tableOptions(board, measures, show) {
  const chosen = (name) => (value) => { view[name] = value; show(); remember(); };
  return [
    board.networks.length > 1 ? select("architecture", [...board.networks.map((name) => [name, name]), ["", "all side by side"]], view.network, chosen("network")) : null,
    measures.length > 1 ? segmented("Measure", measures.map((name) => [name, name]), view.measure, chosen("measure")) : null,
  ];
}

// The address: a board, after "?" what is shown of it, and the cell that is open. A link shows what its sender saw.
const HIDDEN = { rows: (board) => board.rows.map((row) => row.name), budgets: (board) => board.budgets.map((budget) => budget.text), networks: (board) => board.networks };

function addressed() {
  const [id, asked] = location.hash.slice(1).split("?");
  try { return [decodeURIComponent(id), new URLSearchParams(asked ?? "")]; } catch { return ["", new URLSearchParams()]; } // such as #%: no board is called so
}

function remember() {
  const board = view.board;
  if (!board) return;
  const asked = new URLSearchParams();
  for (const [name, of] of Object.entries(HIDDEN)) for (const index of view[name]) asked.append("without-" + name, of(board)[index]);
  if (view.measure !== "score") asked.set("measure", view.measure);
  if (board.networks.length > 1 && view.network !== board.networks[mainNetwork(board)]) asked.set("table", view.network);
  if (view.cell) asked.set("cell", placeText(board, view.cell));
  history.replaceState(null, "", "#" + board.id + (asked.size ? "?" + asked : ""));
}

function recall(board, asked) {
  for (const [name, of] of Object.entries(HIDDEN)) {
    const known = of(board);
    for (const words of asked.getAll("without-" + name)) if (known.includes(words)) view[name].add(known.indexOf(words));
  }
  if (MEASURES.includes(asked.get("measure"))) view.measure = asked.get("measure");
  if (asked.get("table") === "" || board.networks.includes(asked.get("table"))) view.network = asked.get("table");
}

function route() {
  const [wanted, asked] = addressed();
  if (wanted === "main") return;
  const board = boards.find((found) => found.id === wanted);
  if (dialog.open) dialog.close();
  byId("boards").value = board ? board.id : "";
  document.title = board ? `${board.title} · dqbench` : "dqbench leaderboards";
  view.board = null;
  if (board) { open(board); recall(board, asked); showBoard(); } else showOverview();
  redraw();
  scrollTo(0, 0);
  const cell = board?.cells.find((found) => placeText(board, found) === asked.get("cell"));
  if (cell) showCell(board, cell);
}

byId("boards").append(h("option", { value: "" }, "All boards"), ...boards.map((board) => h("option", { value: board.id }, board.title)));
byId("boards").addEventListener("change", (event) => { location.hash = event.target.value; });
byId("theme").addEventListener("click", nextTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
addEventListener("hashchange", route);
byId("made").textContent = `Charts: ${byId("library").dataset.name}, MIT licence.`;
dress(remembered());
route();
