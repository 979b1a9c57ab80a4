// The dialog of a cell: everything that is needed to trust it and to do it again.

const dialog = byId("cell");

function showCell(board, cell) {
  const place = [board.rows[cell.r].name, budgetText(board, cell), board.networks[cell.n]];
  dialog.replaceChildren(
    h("header", null,
      h("div", null, h("h2", { id: "cell-title" }, place.join(" · ")), h("p", { class: "muted small" }, board.title)),
      h("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: () => dialog.close() }, "✕")),
    h("div", { class: "body" }, isDone(cell) ? resultParts(board, cell) : null, failureParts(cell.more), madeParts(cell.more)));
  dialog.showModal();
  dialog.scrollTop = 0;
  view.cell = cell;
  remember();
  redraw();
}

dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => { dialog.replaceChildren(); view.cell = null; remember(); redraw(); });

function resultParts(board, cell) {
  const tiles = data.columns.map((name, column) => [name, cell.x[column]]).filter(([, words]) => words);
  const compared = board.compared.filter((c) => board.cells[c.cell] === cell);
  return [
    h("dl", { class: "tiles" }, tiles.map(([name, words]) => h("div", null, h("dt", null, name), h("dd", null, words)))),
    h("div", { class: "columns" }, h("section", null, h("h3", null, "Seeds"), seedTable(cell.more)), curveSection(cell.more)),
    cell.more.parts.length ? h("section", null, h("h3", null, "Pooled from"), partTable(cell.more.parts)) : null,
    classSection(cell.more.classes),
    keptSection(board, cell.more),
    compared.length ? h("section", null, h("h3", null, "Published"), list(compared.map(comparedWords))) : null,
  ];
}

function comparedWords(c) {
  const difference = c.difference ? `measured − published ${c.difference}` : "";
  const verdict = c.comparable ? "" : `not comparable (${c.whyNot})`;
  const notes = c.differs.map((fact) => data.facts[fact]).filter((words) => !verdict.includes(words));
  return `${c.printed} in ${c.sources}: ` + [difference, verdict, ...notes].filter(Boolean).join("; ");
}

// The values of a column, one a seed: a list, or one value that all seeds share.
function perSeed(more, name) {
  const values = more.seeds[name];
  return Array.isArray(values) ? values : Array(seedNumbers(more).length).fill(values);
}

function seedTable(more) {
  const names = Object.keys(more.seeds).filter((name) => perSeed(more, name).some((value) => value !== null && value !== ""));
  const columns = names.map((name) => perSeed(more, name));
  const words = (value, name) => (value === null ? "" : ["score", "best epoch"].includes(name) ? value.toFixed(view.board.decimals + 1) : typeof value === "number" ? value.toLocaleString("en") : value);
  const rows = columns[0].map((_, i) => columns.map((values, column) => ({ text: words(values[i], names[column]), value: values[i] })));
  return sortable({ label: "Seeds", columns: names.map((name, i) => ({ name, number: i > 0 && name !== "kept set" })), rows });
}

function curveSection(more) {
  const curves = more.curves.filter(([, accuracy]) => accuracy.length);
  if (!curves.length) return h("section", null, h("h3", null, "Training curve"), h("p", { class: "notice" }, "The record holds no curve."));
  const holder = h("div");
  const show = (measure) => holder.replaceChildren(plot(`Training ${measure} by epoch for each seed`, () => curveChart(more, measure), 240));
  show("accuracy");
  return h("section", null, h("div", { class: "bar" }, h("h3", null, "Training curve"), segmented("Curve", [["accuracy", "accuracy"], ["loss", "loss"]], "accuracy", show)), holder,
    h("p", { class: "muted small" }, "One line a seed, on the training images as trained on; test images are read once, at the end."));
}

function curveChart(more, measure) {
  const colours = isDark() ? DARK_PALETTE : PALETTE;
  const traces = more.curves.map(([epochs, accuracy, loss], i) => ({
    x: data.facts[epochs], y: measure === "loss" ? loss : accuracy, mode: "lines", line: { color: colours[i % colours.length], width: 1.8 },
    hovertemplate: `seed ${Number(seedNumbers(more)[i])}, epoch %{x}: %{y}<extra></extra>`,
  }));
  return { traces, more: { xaxis: axis("epoch"), yaxis: axis(measure === "loss" ? "loss" : "training accuracy, %") } };
}

function classSection(classes) {
  if (!classes) return null;
  const names = data.facts[classes.names];
  const taken = (others) => others.map(([label, share]) => `${names[label]} ${share.toFixed(1)} %`).join(", ");
  const rows = classes.lines.map(([label, accuracy, others]) => [
    { text: names[label], value: names[label] }, { text: accuracy.toFixed(1), value: accuracy }, { text: taken(others), value: others[0]?.[1] ?? null }]);
  const columns = [{ name: "class" }, { name: "accuracy, %", number: true }, { name: "most often taken for" }];
  const kept = classes.confusions ? 3 : 2;
  const few = classes.lines.length < classes.of ? `The ${classes.lines.length} of ${classes.of} classes of lowest accuracy. ` : "";
  return h("section", null, h("h3", null, "Classes"), sortable({ label: "Classes", columns: columns.slice(0, kept), rows: rows.map((row) => row.slice(0, kept)) }),
    h("p", { class: "muted small" }, few + (classes.confusions ? "Over the seeds together; shares are of the images of the class." : "Mean over the seeds; what a class is taken for is in predictions that are not here.")));
}

function keptSection(board, more) {
  if (!more.seeds["kept set"]) return null;
  const title = h("h3", null, "Kept images");
  const pool = more.kept && data.pictures.pools[more.kept.pool];
  if (!pool) return h("section", null, title, h("p", { class: "notice" }, data.pictures.whyNot[board.dataset] ?? data.pictures.whyNone));
  const image = new Image();
  const shown = more.kept.classes.reduce((sum, found) => sum + found.length, 0);
  const grid = h("div", { class: "kept", role: "img", "aria-label": `${shown} of the kept images, a row for each class` });
  image.addEventListener("load", () => grid.append(...more.kept.classes.map((found, label) => keptRow(pool, image, found, label))));
  image.src = pool.png;
  return h("section", null, title, grid, h("p", { class: "muted small" }, `${shown} of the images kept by seed ${seedNumbers(more)[0]}, evenly spaced in each class. ${pool.credit}`));
}

function keptRow(pool, image, found, label) {
  const scale = Math.max(1, Math.round(32 / pool.height)) * (devicePixelRatio > 1 ? 2 : 1);
  const [width, height, gap] = [pool.width * scale, pool.height * scale, 2];
  const canvas = h("canvas", { width: Math.max(1, found.length * (width + gap)), height, style: { height: "32px" } });
  const brush = canvas.getContext("2d");
  brush.imageSmoothingEnabled = false;
  found.forEach((position, i) => {
    const [column, row] = [position % pool.columns, Math.floor(position / pool.columns)];
    brush.drawImage(image, column * pool.width, row * pool.height, pool.width, pool.height, i * (width + gap), 0, width, height);
  });
  return h("div", null, h("span", null, pool.classes[label]), canvas);
}

function failureParts(more) {
  return more.failures.map((failure) => h("section", { class: "failure" },
    h("h3", null, `Seed ${failure.seed}: ${failure.kind} failed`), h("p", null, h("strong", null, failure.error), ": ", failure.message),
    failure.log_tail.length ? h("pre", { tabindex: "0", "aria-label": "Last lines of the log" }, failure.log_tail.join("\n")) : h("p", { class: "muted" }, "The log is empty.")));
}

function madeParts(more) {
  const [command, config, recipe, observer, versions, machine] = ["command", "config", "recipe", "observer", "versions", "machine"].map((name) => data.facts[more[name]]);
  return [
    h("section", null, h("div", { class: "bar" }, h("h3", null, "Command"), copyButton(command)), h("pre", { tabindex: "0", "aria-label": "Command" }, command)),
    more.jobs.length ? h("section", null, h("h3", null, "Work"), jobTable(more.jobs)) : null,
    h("div", { class: "flow" },
      facts("Options" + (more.variant ? `, set: ${more.variant}` : ""), config, "There are none to set."), facts("Recipe", recipe),
      observer ? facts("Observer", { architecture: observer.architecture, ...(observer.recipe ?? {}) }) : null,
      facts("Notes of the method (first seed)", more.notes, ""), facts("Versions", flatVersions(versions)), facts("Machine", { ...machine, finished: more.ended, record: more.key })),
  ];
}

function flatVersions(versions) {
  const plugin = (found) => (found ? `${found.distribution}, ${found.source_hash.slice(0, 12)}` : null);
  return { dqbench: `${versions.dqbench}, ${versions.dqbench_hash.slice(0, 12)}`, method: plugin(versions.method), task: plugin(versions.task), ...versions.packages, "git commit": versions.git_commit, "uncommitted changes": versions.git_dirty };
}

function facts(title, values, empty) {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== null && value !== undefined);
  if (!entries.length) return empty ? h("section", null, h("h3", null, title), h("p", { class: "muted" }, empty)) : null;
  const words = (value) => (Array.isArray(value) ? value.map(words).join(", ") : typeof value === "object" && value ? JSON.stringify(value) : String(value));
  return h("section", null, h("h3", null, title), h("dl", { class: "facts" }, entries.map(([name, value]) => [h("dt", null, name.replaceAll("_", " ")), h("dd", null, words(value))])));
}

function jobTable(jobs) {
  const rows = jobs.map(([about, seconds, host, device]) => [...data.facts[about], seconds, host, device]).map(([role, devices, seconds, host, device]) => [
    { text: role, value: role }, { text: seconds.toFixed(2), value: seconds }, { text: host.toFixed(2), value: host }, { text: device ? device.toFixed(2) : "", value: device }, { text: devices, value: devices }]);
  return sortable({ label: "Work", columns: [{ name: "job" }, { name: "mean s", number: true }, { name: "host GiB", number: true }, { name: "device GiB", number: true }, { name: "device" }], rows });
}

function partTable(parts) {
  const rows = parts.map(([seeds, key, ended, machine, command]) => [seeds, key, ended, data.facts[machine], data.facts[command]].map((text) => ({ text, value: text })));
  return sortable({ label: "Pooled records", columns: ["seeds", "record", "finished", "machine", "command"].map((name) => ({ name })), rows });
}

function copyButton(words) {
  const button = h("button", { type: "button", class: "quiet", onclick: async () => {
    try { await navigator.clipboard.writeText(words); button.textContent = "Copied"; } catch { button.textContent = "Not allowed here"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } }, "Copy");
  return button;
}
