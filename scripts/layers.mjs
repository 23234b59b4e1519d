/**
 * Who may import whom, as a rule for oxlint. The table is the house's plan; a new arrow is a decision and gets a
 * record in docs/decisions. Why a rule of our own: docs/decisions/0003-layers.md.
 *
 * - Values come from the layers that the table names, and from the layer itself.
 * - Types may come from further down: from whatever those layers can reach. The studio is the exception: it sees the
 *   engine's client and protocol, and nothing behind them.
 * - Only the command line touches Node, and only the studio touches React.
 *
 * From gpu to train each layer may use every layer below it; what matters is that no arrow points up, and that the
 * studio speaks to the engine alone.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folder of src/ → what it may import. `base` is open to all. */
export const layers = {
  base: [],
  formats: ['base'],
  grounding: ['base'],
  gpu: ['base', 'shaders'],
  store: ['base'],
  text: ['base'],
  image: ['base', 'grounding'],
  // What a benchmark is, as data: it is read by data and scored by evaluate (docs/decisions/0028-benchmarks-by-their-files.md).
  benchmarks: ['base', 'grounding'],
  data: ['base', 'benchmarks', 'formats', 'grounding', 'image', 'store'],
  ops: ['base', 'gpu', 'shaders'],
  nn: ['base', 'gpu', 'ops'],
  models: ['base', 'gpu', 'ops', 'nn', 'image', 'text', 'grounding', 'formats'],
  train: ['base', 'gpu', 'ops', 'nn', 'models', 'data', 'store', 'grounding', 'formats'],
  evaluate: ['base', 'train', 'data', 'benchmarks', 'grounding'],
  // Jobs for other engines are text made of a plan and its rows (docs/decisions/0049-jobs-for-other-engines.md).
  jobs: ['base', 'train', 'data', 'grounding', 'models', 'formats'],
  // The engine composes the house: it opens bytes, streams archives and checks models against golden cases, and
  // kernels against f64 (docs/decisions/0021-proof-on-the-visitors-gpu.md).
  engine: [
    'base',
    'gpu',
    'ops',
    'nn',
    'train',
    'evaluate',
    'jobs',
    'benchmarks',
    'data',
    'store',
    'models',
    'grounding',
    'formats',
    'image',
  ],
  studio: ['base', 'engine/client', 'engine/presets', 'engine/protocol', 'engine/workers', 'grounding'],
  // Another front end, with what differs without a browser: Dawn's device, sharp's decoder, recipes and reports as files.
  cli: ['base', 'engine', 'gpu', 'image', 'store', 'train', 'evaluate', 'benchmarks'],
};

/**
 * Layer → room → what of the same layer the room may import besides its own files, types included. No two rooms need
 * each other. Files beside the rooms put them together and may import any. A folder of the engine is a room; of the
 * studio only those that are named here are kept apart.
 */
export const rooms = {
  engine: {
    protocol: [],
    device: ['protocol'],
    data: ['protocol'],
    hub: ['protocol'],
    golden: ['protocol'],
    keep: ['protocol'],
    model: ['keep', 'protocol'],
    answers: ['model', 'keep', 'protocol'],
    export: ['model', 'protocol'],
    jobs: ['model', 'protocol'],
    merging: ['model', 'keep', 'protocol'],
    run: ['answers', 'model', 'keep', 'protocol'],
    report: ['run', 'keep', 'protocol'],
    thoughts: ['protocol'],
    'full-size': ['run', 'model', 'protocol'],
  },
  // Parts of the page that know nothing of a store or a room.
  studio: { ui: ['problem'] },
};

/** Layers all of whose folders are rooms of the table. */
const ALL_ROOMS = new Set(['engine']);

/** Layer → what it is, in one sentence, for the picture of the house (scripts/house-map.mjs). */
export const purposes = {
  base: 'Errors, assertions, seeded random numbers, small containers.',
  formats: 'Files as typed values: safetensors, PEFT, zip, JSON Lines, CSV, Parquet.',
  grounding: 'Boxes, coordinate spaces, answers, IoU and matching.',
  gpu: 'Device, memory, kernels and timing.',
  store: 'Records in IndexedDB, bytes in OPFS, models from a Hub.',
  text: 'Tokenizer, chat template, loss mask.',
  image: 'Decoding, resizing as PIL does, patches.',
  benchmarks: 'Published benchmarks: files, prompts, rules, figures.',
  data: 'From dropped files to checked rows.',
  ops: 'Differentiable ops: shapes, forward, backward.',
  nn: 'Linear layers with LoRA, attention, blocks.',
  models: 'Model families: config, weights, processor.',
  train: 'Stages, rewards, losses, rollouts, optimizer.',
  evaluate: 'Benchmarks and their metrics.',
  jobs: 'A plan as a job for another engine, and its results back.',
  engine: 'The worker: requests, runs, checkpoints, exports.',
  studio: 'The React app.',
  cli: 'The engine without a browser.',
};

/** Packages (or `node:` for Node's own modules) that only these layers, or files, may import. */
const reserved = [
  { name: /^sharp$/, only: ['cli', 'image/node-decode'] },
  { name: /^(?:node:|webgpu$)/, only: ['cli', 'image/node-decode'] },
  { name: /^@jsquash\//, only: ['image/node-decode'] },
  { name: /^(?:react|react-dom|zustand|wouter|uplot)(?:\/|$)/, only: ['studio'] },
];

/** Everything that a layer's imports can reach, themselves included. */
function reach(layer, seen = new Set()) {
  for (const next of layers[layer] ?? []) {
    if (seen.has(next)) continue;
    seen.add(next);
    reach(next, seen);
  }
  return seen;
}

/** [layer, rest] of an absolute path: the folder of src/ it is in, or `shaders`; null elsewhere. */
function split(path) {
  const [top, layer = '', ...rest] = relative(root, path).split(sep);
  if (top === 'shaders') return ['shaders', ''];
  return top === 'src' ? [layer, rest.join('/')] : null;
}

/** Whether a path is a file, or lies in a folder, of one of the names. */
const covers = (names, path) => [...names].some((name) => `${path.replace(/\.[a-z]+$/, '')}/`.startsWith(`${name}/`));

const allows = (names, [layer, rest]) => covers(names, `${layer}/${rest}`);

/** @returns {string | null} why `file` must not import `source` */
export function objection(file, source, typeOnly) {
  const place = split(file);
  if (place === null || place[0] === 'shaders') return null;
  const [own] = place;
  const owner = reserved.find(({ name }) => name.test(source));
  if (owner !== undefined && !typeOnly && !allows(owner.only, place)) {
    return `src/${own} must not import ${source}: only src/${owner.only.join(', src/')} may.`;
  }
  if (!(own in layers)) return own.includes('.') ? null : `src/${own} is not a layer of scripts/layers.mjs.`;
  const to = source.startsWith('.') ? split(resolve(dirname(file), source.split('?')[0])) : null;
  if (to === null) return null;
  if (to[0] === own) return roomObjection(own, place[1], to[1]);
  const names = typeOnly && own !== 'studio' ? reach(own) : layers[own];
  if (allows(names, to)) return null;
  return `src/${own} must not import ${typeOnly ? 'types ' : ''}from ${to.filter(Boolean).join('/')}: it may use ${layers[own].join(', ') || 'nothing'}.`;
}

/** @returns {string | null} why a file of a layer must not import another of the same layer */
function roomObjection(layer, from, to) {
  const table = rooms[layer];
  if (table === undefined || !from.includes('/')) return null;
  const [room] = from.split('/');
  if (!(room in table))
    return ALL_ROOMS.has(layer) ? `src/${layer}/${room} is not a room of scripts/layers.mjs.` : null;
  if (covers([room, ...table[room]], to)) return null;
  return `src/${layer}/${room} must not import from ${to}: of src/${layer} it may use ${table[room].join(', ') || 'nothing'}.`;
}

/** True if the statement brings in types only. */
const bringsTypes = (node) =>
  node.importKind === 'type' ||
  node.exportKind === 'type' ||
  (node.specifiers?.length > 0 && node.specifiers.every((s) => (s.importKind ?? s.exportKind) === 'type'));

const rule = {
  meta: { type: 'problem', docs: { description: 'imports follow the layers of the house' } },
  create(context) {
    const check = (node, source, typeOnly) => {
      if (typeof source !== 'string') return;
      const message = objection(context.filename, source, typeOnly);
      if (message !== null) context.report({ node, message });
    };
    const statement = (node) => check(node, node.source?.value, bringsTypes(node));
    return {
      ImportDeclaration: statement,
      ExportNamedDeclaration: statement,
      ExportAllDeclaration: statement,
      ImportExpression: (node) => check(node, node.source?.value, false),
      TSImportType: (node) => check(node, node.source?.value ?? node.argument?.literal?.value, true),
      // new Worker(new URL('../engine/worker.ts', import.meta.url))
      NewExpression(node) {
        const [path, base] = node.arguments;
        if (node.callee.name === 'URL' && base?.type === 'MemberExpression') check(node, path?.value, false);
      },
    };
  },
};

export default { meta: { name: 'groundwork' }, rules: { layers: rule } };
