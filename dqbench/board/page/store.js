// The data of the page, and what the reader has chosen of it.

const data = JSON.parse(byId("data").textContent);
const boards = data.boards;
const COLUMN = Object.fromEntries(data.columns.map((name, index) => [name, index]));
const COSTS = data.columns.filter((name) => ["observe s", "prepare s", "compress s"].includes(name));

const PALETTE = ["#2f6fdb", "#d9730d", "#12946a", "#c0398b", "#7656d6", "#a87900", "#0b8fa0", "#cf4457", "#5b8a1f", "#8d5a4a"];
const DARK_PALETTE = ["#7fadff", "#ffa657", "#4fd1a5", "#f084c4", "#b39dff", "#e0b84c", "#52cfe0", "#ff8f9c", "#a5d163", "#d3a392"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "pentagon", "x", "triangle-down"];

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// Colour, symbol and dash of a row: the references are grey and ink, a control is drawn like its method but dotted.
function look(board, index) {
  const row = board.rows[index];
  if (row.kind === "full") return { colour: ink("ink"), symbol: "circle", dash: "dash" };
  if (row.kind === "twin") return { colour: ink("muted"), symbol: "circle-open", dash: "dash" };
  const methods = board.rows.map((_, i) => i).filter((i) => board.rows[i].kind === "method" || board.rows[i].kind === "control");
  const number = methods.indexOf(index);
  const colours = isDark() ? DARK_PALETTE : PALETTE;
  const control = row.kind === "control";
  return {
    colour: colours[number % colours.length],
    symbol: SYMBOLS[(number + Math.floor(number / SYMBOLS.length)) % SYMBOLS.length] + (control ? "-open" : ""), // no pair of a colour and a symbol twice in a hundred
    dash: control ? "dot" : "solid",
  };
}

// What is shown of a board: sets of the rows, networks and budgets that are switched off.
const view = { board: null, measure: "score", network: "", cell: null, sorts: {}, rows: new Set(), networks: new Set(), budgets: new Set() };

function open(board) {
  view.board = board;
  Object.assign(view, { measure: "score", network: board.networks.length > 1 ? board.networks[mainNetwork(board)] : "", cell: null, sorts: {} });
  for (const name of ["rows", "networks", "budgets"]) view[name] = new Set();
}

// The network with most cells; what the score table shows at first.
function mainNetwork(board) {
  const counts = board.networks.map((_, network) => board.cells.filter((cell) => cell.n === network && isDone(cell)).length);
  return counts.indexOf(Math.max(...counts));
}

const indices = (items, off) => items.map((_, index) => index).filter((index) => !off.has(index));
const shownRows = () => indices(view.board.rows, view.rows);
const shownNetworks = () => indices(view.board.networks, view.networks);
const shownBudgets = () => indices(view.board.budgets, view.budgets);
const isDone = (cell) => cell.v !== undefined;

function isShown(cell) {
  return !view.rows.has(cell.r) && !view.networks.has(cell.n) && !(cell.b >= 0 && view.budgets.has(cell.b));
}

// The cell at a place; the full row has the same one at every budget.
function cellAt(board, row, network, budget) {
  board.index ??= new Map(board.cells.map((cell) => [`${cell.r} ${cell.n} ${cell.b}`, cell]));
  return board.index.get(`${row} ${network} ${board.rows[row].kind === "full" ? -1 : budget}`);
}

const budgetText = (board, cell) => (cell.b < 0 ? "all" : board.budgets[cell.b].text);
const placeText = (board, cell) => `${board.rows[cell.r].label}, ${budgetText(board, cell)}, ${board.networks[cell.n]}`;
const sumOf = (values) => {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) : null;
};
const choosing = (cell) => sumOf(COSTS.map((name) => cell.v[COLUMN[name]]));
const seedNumbers = (more) => [more.seeds.seed ?? []].flat();
const seedCount = (board) => Math.max(0, ...board.cells.filter(isDone).map((cell) => seedNumbers(cell.more).length));
