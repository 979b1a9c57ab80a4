// Elements from values. Text is always set as text: nothing in a record is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, to] of Object.entries(value)) node.style.setProperty(key, to);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);
const byId = (id) => document.getElementById(id);

const list = (items) => h("ul", { class: "said" }, items.map((item) => h("li", null, item)));
const badge = (words, kind) => h("span", { class: "badge" + (kind ? " " + kind : "") }, words);

function heading(level, words, id) {
  return h("h" + level, { id }, words);
}

function select(label, options, chosen, onchange) {
  const field = h("select", { onchange: () => onchange(field.value) },
    options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
  return h("label", { class: "field" }, h("span", null, label), field);
}

function segmented(label, options, chosen, onchoose) {
  const buttons = options.map(([value, words]) => h("button", {
    type: "button", "aria-pressed": String(value === chosen),
    onclick: (event) => {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      onchoose(value);
    },
  }, words));
  return h("div", { class: "segmented", role: "group", "aria-label": label }, buttons);
}
