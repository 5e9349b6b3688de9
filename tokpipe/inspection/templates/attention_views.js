// What is drawn of numbers: elements, with all text set as text.
const CELLS = 96; // of a map, across and down
const ROW = 20; // pixels of a line of the views of one head

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function tableOf(caption, heads, rows) {
  const line = (cells) =>
    make("tr", {}, make("th", { scope: "row" }, cells[0]), ...cells.slice(1).map((c) => make("td", {}, c)));
  const top = make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)));
  return make("table", {}, make("caption", {}, caption), top, ...rows.map(line));
}

// One head as a map: the strength of a dot is the step of the greatest weight in it.
function paintMap(canvas, stored, head, rows, columns) {
  const height = Math.min(rows.length, CELLS);
  const width = Math.min(columns.length, CELLS);
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const rgb = getComputedStyle(canvas).color.match(/\d+/g).slice(0, 3).map(Number);
  rows.forEach((row, i) => {
    const y = Math.floor((i * height) / rows.length);
    const start = ((head - 1) * count + row) * count;
    columns.forEach((column, j) => {
      const at = 4 * (y * width + Math.floor((j * width) / columns.length));
      const step = stepAt(stored, start + column);
      if (step > image.data[at + 3]) image.data.set([...rgb, step], at);
    });
  });
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
}

function kindText(layer, head) {
  const { kind, share } = data.layers[layer - 1][head - 1];
  return kind === "mixed" ? "mixed" : `${data.kinds[kind][0]} ${Math.round(100 * share)}%`;
}

function modelFrame() {
  return data.layers.map((heads, l) => {
    const maps = heads.map((_, h) => {
      const about = `layer ${l + 1}, head ${h + 1}: ${kindText(l + 1, h + 1)}`;
      const where = { "data-layer": l + 1, "data-head": h + 1, "aria-label": about, title: about };
      const label = `${h + 1} ${kindText(l + 1, h + 1)}`;
      return make("button", { type: "button", class: "map", tabindex: -1, ...where }, make("canvas"), label);
    });
    return make("div", { class: "layer" }, make("span", {}, `Layer ${l + 1}`), make("div", { class: "maps" }, ...maps));
  });
}

function modelTable() {
  const rows = data.layers.flatMap((heads, l) =>
    heads.map((head, h) => [`${l + 1}.${h + 1}`, data.kinds[head.kind][0], ...head.measures.map((m) => m.toFixed(4))]));
  const names = data.measures.map((name) => name.replace("_", " "));
  return tableOf("What each head does: shares of attention, entropy, distance in tokens", ["head", "kind", ...names], rows);
}

const short = (text) => ([...text].length > 20 ? `${[...text].slice(0, 19).join("")}…` : text);

function label(place, attributes) {
  return draw("text", attributes, draw("title", {}, named(place)), short(data.tokens[place].text));
}

// About as many pixels as the longest of some tokens takes.
function roomFor(places) {
  const width = (text) => [...text].reduce((sum, sign) => sum + (sign < "\u1100" ? 8.5 : 14), 8);
  return Math.max(...places.map((place) => width(short(data.tokens[place].text))));
}

// Two columns of tokens, a line for each weight; those of the chosen token stand out.
function headView(stored, state, rows, columns) {
  const height = ROW * Math.max(rows.length, columns.length) + 8;
  const at = (i) => ROW * i + 18;
  const left0 = roomFor(rows);
  const [right0, width] = [left0 + 220, left0 + 220 + roomFor(columns) + 60];
  const least = count > 128 ? 0.05 : 0.01;
  const [faint, strong] = [draw("g", { class: "faint" }), draw("g", { class: "strong" })];
  const line = (i, j, strength) =>
    draw("line", { x1: left0 + 6, x2: right0 - 6, y1: at(i) - 4, y2: at(j) - 4, "stroke-opacity": Math.min(strength, 1).toFixed(4) });
  rows.forEach((row, i) => {
    const weights = rowOf(stored, state.head, row);
    columns.forEach((column, j) => weights[column] >= least && faint.append(line(i, j, weights[column])));
  });
  const left = rows.map((row, i) =>
    label(row, { x: left0, y: at(i), "text-anchor": "end", class: "name", role: "button", tabindex: -1, "data-place": row }));
  const right = columns.map((column, j) => label(column, { x: right0, y: at(j), class: "name", "data-column": column }));
  const shares = columns.map((column, j) => draw("text", { x: width - 2, y: at(j), "text-anchor": "end", class: "quiet" }));
  const svg = draw("svg", { class: "view", viewBox: `0 0 ${width} ${height}`, width, height, role: "group" }, faint, strong, ...left, ...right, ...shares);
  svg.choose = (token) => {
    const weights = rowOf(stored, state.head, token);
    const i = rows.indexOf(token);
    strong.replaceChildren(...columns.map((column, j) => {
      const one = line(i, j, Math.sqrt(weights[column]));
      one.setAttribute("data-to", column);
      one.setAttribute("data-weight", weights[column]);
      return one;
    }));
    const most = Math.max(...columns.map((column) => weights[column]));
    left.forEach((name, k) => name.setAttribute("class", k === i ? "name chosen" : "name"));
    columns.forEach((column, j) => {
      right[j].setAttribute("class", weights[column] === most ? "name chosen" : "name");
      shares[j].textContent = percent(weights[column]);
    });
  };
  return svg;
}

function headTable(stored, state, columns) {
  const weights = rowOf(stored, state.head, state.token);
  const rows = columns.map((column) => [named(column), weights[column].toFixed(6)]);
  return tableOf(`To whom ${named(state.token)} looks`, ["token", "weight"], rows);
}

// A vector as bars, up where positive and down where negative.
function bars(values, x, y, width, most) {
  const step = width / values.length;
  const path = (sign) => values.map((value, i) => {
    const height = (8.5 * value) / most;
    return value * sign > 0 ? `M${(x + i * step).toFixed(2)} ${y}v${(-height).toFixed(2)}h${(step * 0.85).toFixed(2)}v${height.toFixed(2)}z` : "";
  }).join("");
  return [draw("path", { class: "above", d: path(1) }), draw("path", { class: "below", d: path(-1) })];
}

const greatest = (rows) => Math.max(1e-30, ...rows.map((row) => Math.max(...row.map(Math.abs))));

function neuronView(way, state, columns) {
  const shown = columns.map((column) => way.rows[column]);
  const bias = data.biases.length > 0;
  const L = roomFor([...columns, state.token]);
  const [K, P, S] = [L + 10, L + 185, L + 410];
  const W = S + (bias ? 60 : 0);
  const tops = [greatest(shown.map((row) => row.key)), greatest(shown.map((row) => row.products))];
  const most = Math.max(...shown.map((row) => row.weight));
  const head = (text, x, anchor = "start") => draw("text", { x, y: 44, class: "quiet", "text-anchor": anchor }, text);
  const query = draw("g", { class: "query" }, label(state.token, { x: L, y: 18, "text-anchor": "end", class: "chosen" }), ...bars(way.query, K, 13, 160, greatest([way.query])), draw("text", { x: P, y: 18, class: "quiet" }, "its query q"));
  const heads = [head("key k", K), head("q × k", P), head("sum", S, "end"), head("softmax", W + 70, "end")];
  if (bias) heads.push(head("bias", W, "end"));
  const lines = shown.map((row, j) => {
    const y = 64 + ROW * j;
    const number = (text, x) => draw("text", { x, y, "text-anchor": "end" }, text);
    const numbers = [number(row.sum.toFixed(3), S), number(percent(row.weight), W + 70)];
    if (bias) numbers.push(number(row.bias.toFixed(2), W));
    const name = label(columns[j], { x: L, y, "text-anchor": "end", class: columns[j] === state.token ? "chosen" : "name" });
    const share = draw("rect", { class: "share", x: W + 78, y: y - 10, height: 11, width: ((60 * row.weight) / most).toFixed(2) });
    return draw("g", { "data-place": columns[j], "data-sum": row.sum, "data-weight": row.weight }, name, ...bars(row.key, K, y - 5, 160, tops[0]), ...bars(row.products, P, y - 5, 160, tops[1]), ...numbers, share);
  });
  const [width, height] = [W + 142, 60 + ROW * columns.length];
  return draw("svg", { class: "view", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", tabindex: 0 }, query, ...heads, ...lines);
}

function neuronTable(way, state, columns) {
  const digits = (values) => values.map((value) => value.toFixed(5));
  const blank = ["", "", "", ""];
  const rows = [[`${named(state.token)}: q`, ...blank, ...digits(way.query)]];
  for (const column of columns) {
    const row = way.rows[column];
    rows.push([`${named(column)}: k`, ...blank, ...digits(row.key)]);
    rows.push([`${named(column)}: q × k`, ...digits([row.sum, row.bias, row.score, row.weight]), ...digits(row.products)]);
  }
  const heads = ["vector", "sum", "bias", "score", "softmax", ...way.query.map((_, i) => `${i + 1}`)];
  return tableOf(`How ${named(state.token)} comes to its weights`, heads, rows);
}
