// plotly.js: unpacked when the first chart comes into sight, dressed in the page's colours.

let loading = null;

async function unpack() {
  const packed = Uint8Array.from(atob(byId("library").textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = h("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  if (!window.Plotly) throw new Error("the plotting library did not start");
  return window.Plotly;
}

const library = () => (loading ??= unpack());

// Plotly reads a few tags and entities in its texts; ours have none.
const plain = (words) => String(words).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

function axis(title, more) {
  return {
    title: { text: plain(title), font: { size: 12 }, standoff: 8 }, gridcolor: ink("line"), linecolor: ink("line"), zerolinecolor: ink("line"),
    tickfont: { size: 11 }, automargin: true, ...more,
  };
}

function layout(more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: FONT, color: ink("ink"), size: 12 },
    margin: { l: 48, r: 16, t: 12, b: 44 }, showlegend: false, hovermode: "closest", dragmode: false,
    hoverlabel: { bgcolor: ink("raised"), bordercolor: ink("line"), font: { family: FONT, color: ink("ink"), size: 12 } }, ...more,
  };
}

const CONFIG = {
  responsive: true, displaylogo: false, displayModeBar: false, showTips: false, doubleClick: "reset", scrollZoom: false,
};

const pending = new Map();
const drawn = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
}, { rootMargin: "300px" });

async function draw(place) {
  const make = pending.get(place);
  sight.unobserve(place);
  if (!make) return;
  try {
    const plotly = await library();
    if (!place.isConnected) return forget(place);
    const { traces, more } = make();
    await plotly.react(place, traces, layout(more), CONFIG);
    place.dataset.drawn = "yes";
    if (!drawn.has(place)) place.on("plotly_click", ({ points }) => clicked(points[0]));
    drawn.add(place);
  } catch (error) {
    place.replaceChildren(h("p", { class: "notice" }, `This chart needs a newer browser (${error.message}). Its numbers are in the tables.`));
  }
}

function clicked(point) {
  const index = Array.isArray(point.customdata) ? point.customdata[0] : point.customdata;
  if (Number.isInteger(index) && view.board.cells[index]) showCell(view.board, view.board.cells[index]);
}

function forget(place) {
  sight.unobserve(place);
  if (drawn.delete(place) && window.Plotly) window.Plotly.purge(place);
  pending.delete(place);
}

// A place where the chart that make() describes is drawn once it comes into sight.
function plot(label, make, height) {
  const place = h("div", { class: "plot", role: "img", "aria-label": label, style: { height: `${height ?? 320}px` } });
  pending.set(place, make);
  sight.observe(place);
  return place;
}

function redraw() {
  for (const place of [...pending.keys()]) {
    if (!place.isConnected) forget(place);
    else if (drawn.has(place)) draw(place);
  }
}

// What is printed must be drawn: charts that have not been in sight yet are, where the library is there already.
addEventListener("beforeprint", () => { if (window.Plotly) for (const place of pending.keys()) if (!drawn.has(place)) draw(place); });
