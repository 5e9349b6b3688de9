// What the page shows, and what keys and clicks change of it.
const state = { ...data.first };
let changes = 0; // a drawing that was begun before the last one stops

const HINTS = {
  model: "Arrow keys go from map to map; Enter or a click opens a head.",
  head: "Up and down: the token that looks. Left and right: the head. Page up and down: the layer. Escape: all heads.",
  neuron: "Up and down: the token that looks. Left and right: the head. Page up and down: the layer. Escape: all heads.",
};

function legend() {
  if (state.view === "model") {
    const kinds = new Set(data.layers.flat().map((head) => head.kind));
    const about = Object.entries(data.kinds).filter(([kind]) => kinds.has(kind));
    return `A map: rows look at columns. Under it what a head looks at most: ${about.map(([, [name, text]]) => `${name}: ${text}`).join("; ")}.`;
  }
  if (state.view === "head") return `The stronger a line, the greater the weight; of the other tokens lines from ${count > 128 ? 5 : 1} % on. Percentages are those of the chosen token.`;
  return `Bars up are positive, down negative. softmax: e^(sum / √${data.vectors.size}${data.biases.length ? " + bias" : ""}) as a share of those of all tokens.`;
}

function options(select, entries, value) {
  select.replaceChildren(...entries.map(([key, text]) => make("option", { value: key }, text)));
  select.value = value;
}

function controls() {
  const { view } = state;
  document.querySelectorAll("[data-view]").forEach((button) =>
    button.setAttribute("aria-pressed", button.dataset.view === view));
  const heads = [...data.layers[0].keys()].map((h) => [h + 1, `${h + 1}`]);
  options(byId("layer"), data.layers.map((_, l) => [l + 1, `${l + 1}`]), state.layer);
  options(byId("head"), view === "neuron" ? heads : [[0, "mean"], ...heads], state.head);
  options(byId("token"), placesOf(state.from).map((i) => [i, named(i)]), state.token);
  for (const id of ["layer", "head", "token"]) byId(id).disabled = view === "model";
  const pair = data.tokens.some((token) => token.side === "b");
  document.querySelectorAll(".pair").forEach((one) => (one.hidden = !pair));
  for (const id of ["from", "to"]) options(byId(id), [["", "both"], ["a", "text a"], ["b", "text b"]], state[id]);
  byId("hint").textContent = HINTS[view];
  byId("legend").textContent = legend();
}

function settle() {
  const rows = placesOf(state.from);
  if (!rows.includes(state.token)) state.token = rows[0];
  if (state.view === "neuron") {
    if (!data.vectors.layers.includes(state.layer)) state.layer = data.vectors.layers[0];
    if (!data.vectors.heads.includes(state.head)) state.head = data.vectors.heads[0];
  }
}

async function show(changed = {}) {
  Object.assign(state, changed);
  const asked = { layer: state.layer, head: state.head };
  settle();
  const mine = ++changes;
  controls();
  const views = { model: showModel, head: showHead, neuron: showNeuron };
  await views[state.view](() => mine !== changes);
  if (mine !== changes) return;
  if (state.view === "neuron" && asked.head && (asked.layer !== state.layer || asked.head !== state.head))
    byId("status").textContent = `This page holds queries and keys of layer ${data.vectors.layers.join(", ")}, head ${data.vectors.heads.join(", ")} alone (--layer and --head choose others). ${byId("status").textContent}`;
  byId("drawing").dataset.shown = state.view;
}

const say = (text) => (byId("status").textContent = text);

function showTable(make) {
  const fill = () => byId("table").replaceChildren(...(byId("numbers").open ? [make()] : []));
  byId("numbers").ontoggle = fill;
  fill();
}

async function showModel(isOld) {
  const layers = modelFrame();
  byId("drawing").replaceChildren(...layers);
  mapAt(state.layer, state.head || 1).tabIndex = 0;
  say("");
  showTable(modelTable);
  const [rows, columns] = [placesOf(state.from), placesOf(state.to)];
  for (const [l, layer] of layers.entries()) {
    const stored = await weightsOf(l + 1);
    if (isOld()) return;
    layer.querySelectorAll("canvas").forEach((canvas, h) => paintMap(canvas, stored, h + 1, rows, columns));
    if (!l) performance.mark("first view");
  }
}

const mapAt = (layer, head) =>
  document.querySelector(`.map[data-layer="${layer}"][data-head="${head}"]`);

async function showHead(isOld) {
  const stored = await weightsOf(state.layer);
  if (isOld()) return;
  const [rows, columns] = [placesOf(state.from), placesOf(state.to)];
  const svg = headView(stored, state, rows, columns);
  const name = state.head ? `head ${state.head}` : `mean of ${headCount} heads`;
  svg.setAttribute("aria-label", `Layer ${state.layer}, ${name}: to whom tokens look`);
  byId("drawing").replaceChildren(svg);
  const pick = (token, focus) => {
    state.token = token;
    byId("token").value = token;
    svg.choose(token);
    svg.querySelectorAll("[data-place]").forEach((one) => (one.tabIndex = Number(one.dataset.place) === token ? 0 : -1));
    if (focus) svg.querySelector(`[data-place="${token}"]`).focus();
    say(headSentence(stored, columns));
    showTable(() => headTable(stored, state, columns));
  };
  svg.pick = pick;
  svg.onmouseover = ({ target }) => target.closest("[data-place]") && svg.choose(Number(target.closest("[data-place]").dataset.place));
  svg.onmouseleave = () => svg.choose(state.token);
  svg.onclick = ({ target }) => target.closest("[data-place]") && pick(Number(target.closest("[data-place]").dataset.place), true);
  pick(state.token, false);
  performance.mark("first view");
}

function headSentence(stored, columns) {
  const weights = rowOf(stored, state.head, state.token);
  const best = [...columns].sort((a, b) => weights[b] - weights[a] || a - b).slice(0, 3);
  return `Layer ${state.layer}, ${state.head ? `head ${state.head}` : "mean of heads"}: ${named(state.token)} looks at ${best.map((j) => `${named(j)} (${percent(weights[j])})`).join(", ")}.`;
}

async function showNeuron(isOld) {
  const way = await wayOf(state.layer, state.head, state.token);
  if (isOld()) return;
  const columns = placesOf(state.to);
  const svg = neuronView(way, state, columns);
  const about = `Layer ${state.layer}, head ${state.head}: how ${named(state.token)} comes to its weights`;
  svg.setAttribute("aria-label", about);
  byId("drawing").replaceChildren(svg);
  say(`${about}.`);
  showTable(() => neuronTable(way, state, columns));
  performance.mark("first view");
}

const within = (value, low, high) => Math.min(Math.max(value, low), high);

async function onModelKey(event) {
  const at = event.target.closest(".map");
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!at || !(event.key in moves)) return;
  event.preventDefault();
  const [down, across] = moves[event.key];
  const layer = within(Number(at.dataset.layer) + down, 1, data.layers.length);
  const head = within(Number(at.dataset.head) + across, 1, headCount);
  at.tabIndex = -1;
  mapAt(layer, head).tabIndex = 0;
  mapAt(layer, head).focus();
}

async function onHeadKey(event) {
  const rows = placesOf(state.from);
  const least = state.view === "head" ? 0 : 1;
  const token = (by) => ({ token: rows[within(rows.indexOf(state.token) + by, 0, rows.length - 1)] });
  const moves = {
    ArrowUp: () => token(-1),
    ArrowDown: () => token(1),
    ArrowLeft: () => ({ head: within(state.head - 1, least, headCount) }),
    ArrowRight: () => ({ head: within(state.head + 1, least, headCount) }),
    PageUp: () => ({ layer: within(state.layer - 1, 1, data.layers.length) }),
    PageDown: () => ({ layer: within(state.layer + 1, 1, data.layers.length) }),
  };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const changed = moves[event.key]();
  const svg = document.querySelector("svg.view");
  if (state.view === "head" && "token" in changed) return svg.pick(changed.token, true);
  await show(changed);
  focusDrawing();
}

function focusDrawing() {
  const model = state.view === "model" ? mapAt(state.layer, state.head || 1) : null;
  const drawn = document.querySelector(state.view === "head" ? "svg.view [tabindex='0']" : "svg.view");
  (model ?? drawn).focus();
}

async function openView(changed) {
  await show(changed);
  focusDrawing();
}

// The drawing as a text; maps as pictures.
const svgText = () => styled(document.querySelector("svg.view") ?? mapsAsSvg());

// In a document of its own, which shows nothing and so loads no picture: our policy forbids that.
function mapsAsSvg() {
  const paper = document.implementation.createDocument(SVG, "svg");
  const svg = paper.documentElement;
  const [width, height] = [100 * headCount, 116 * data.layers.length];
  const size = { class: "view", viewBox: `0 0 ${width} ${height}`, width, height };
  for (const [key, value] of Object.entries(size)) svg.setAttribute(key, value);
  document.querySelectorAll(".map").forEach((map) => {
    const [x, y] = [100 * (map.dataset.head - 1), 116 * (map.dataset.layer - 1)];
    const image = paper.createElementNS(SVG, "image");
    const where = { x, y, width: 96, height: 96, preserveAspectRatio: "none", href: inkOf(map.firstChild) };
    for (const [key, value] of Object.entries(where)) image.setAttribute(key, value);
    svg.append(image, draw("text", { x, y: y + 109, class: "quiet" }, `${map.dataset.layer}.${map.textContent}`));
  });
  return svg;
}

// A map in the colour of the light scheme, whichever is on; the style turns it in the dark one.
function inkOf(canvas) {
  const { width, height } = canvas;
  const paper = Object.assign(document.createElement("canvas"), { width, height });
  const ink = paper.getContext("2d");
  ink.drawImage(canvas, 0, 0);
  ink.globalCompositeOperation = "source-in";
  ink.fillStyle = "#0b4f8a";
  ink.fillRect(0, 0, width, height);
  return paper.toDataURL();
}

byId("about").textContent = `${data.layers.length} layers of ${headCount} heads, ${count} tokens${data.cut ? " (the text was cut)" : ""}. ${data.exact ? "All numbers are exact." : "Weights are within 0.4 percentage points."}`;
byId("numbers").open = data.first.numbers;
document.querySelectorAll("[data-view]").forEach((button) => (button.onclick = () => show({ view: button.dataset.view })));
for (const id of ["layer", "head", "token"]) byId(id).onchange = () => show({ [id]: Number(byId(id).value) });
for (const id of ["from", "to"]) byId(id).onchange = () => show({ [id]: byId(id).value });
byId("copy").onclick = async () => {
  if (await copyText(svgText())) say("Copied.");
};
byId("drawing").onclick = ({ target }) => {
  const map = target.closest(".map");
  if (map) openView({ view: "head", layer: Number(map.dataset.layer), head: Number(map.dataset.head) });
};
byId("drawing").onkeydown = (event) => (state.view === "model" ? onModelKey(event) : onHeadKey(event));
document.onkeydown = ({ key }) => {
  if (key === "Escape" && state.view !== "model" && !byId("source")?.open) openView({ view: "model" });
};
matchMedia("(prefers-color-scheme: dark)").onchange = () => state.view === "model" && show();
show();
