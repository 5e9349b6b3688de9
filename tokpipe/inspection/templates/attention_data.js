"use strict";
// What the page holds: texts in `data`, numbers in elements of their own, unpacked when asked for.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const count = data.tokens.length;
const headCount = data.layers[0].length;
const unpacked = new Map();

async function inflated(id) {
  const text = atob(byId(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function once(id, read) {
  if (!unpacked.has(id)) unpacked.set(id, inflated(id).then(read));
  return unpacked.get(id);
}

// Weights of a layer, heads x rows x columns: steps of square roots, or exact.
const weightsOf = (layer) =>
  once(`weights-${layer}`, (raw) => (data.exact ? new Float32Array(raw) : new Uint8Array(raw)));

const weightAt = (stored, at) => (data.exact ? stored[at] : (stored[at] / 255) ** 2);

const stepAt = (stored, at) => (data.exact ? Math.round(255 * Math.sqrt(stored[at])) : stored[at]);

// To whom one token looks; head 0 is the mean of all.
function rowOf(stored, head, token) {
  const row = new Float64Array(count);
  const heads = head ? [head - 1] : data.layers[0].keys();
  for (const one of heads)
    for (let j = 0; j < count; j++) row[j] += weightAt(stored, (one * count + token) * count + j);
  return head ? row : row.map((sum) => sum / headCount);
}

const hasVectors = (layer, head) =>
  data.vectors.layers.includes(layer) && data.vectors.heads.includes(head);

// Query or key of a token in a head: vectorsOf(layer) gives (kind, head, token) => numbers.
function vectorsOf(layer) {
  return once(`vectors-${layer}`, (raw) => {
    const { heads, size } = data.vectors;
    const vectors = 2 * heads.length * count;
    const units = data.exact ? null : new Float32Array(raw, 0, vectors);
    const values = data.exact ? new Float32Array(raw) : new Int16Array(raw, 4 * vectors);
    return (kind, head, token) => {
      const at = (kind * heads.length + heads.indexOf(head)) * count + token;
      const found = Array.from(values.subarray(at * size, (at + 1) * size));
      return units ? found.map((value) => value * units[at]) : found;
    };
  });
}

// How one token comes to its weights in a head.
async function wayOf(layer, head, token) {
  const vector = await vectorsOf(layer);
  const query = vector(0, head, token);
  const rows = data.tokens.map((_, j) => {
    const key = vector(1, head, j);
    const products = key.map((value, i) => value * query[i]);
    const sum = products.reduce((a, b) => a + b, 0);
    const bias = data.biases.length ? data.biases[head - 1][j - token + count - 1] : 0;
    return { key, products, sum, bias, score: sum / Math.sqrt(query.length) + bias };
  });
  const top = Math.max(...rows.map((row) => row.score));
  const powers = rows.map((row) => Math.exp(row.score - top));
  const total = powers.reduce((a, b) => a + b, 0);
  rows.forEach((row, j) => (row.weight = powers[j] / total));
  return { query, rows };
}

// The places of the tokens of one text of a pair, or of all.
const placesOf = (side) =>
  [...data.tokens.keys()].filter((i) => !side || data.tokens[i].side === side);

const percent = (share) => `${(100 * share).toFixed(2)} %`;

const named = (place) => `${place} ${data.tokens[place].text}`;
