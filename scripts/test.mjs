/**
 * `npm test`: installs what is missing, runs every lane and ends with one line, "N passed, N failed".
 *
 *     npm test                          every lane
 *     npm test -- fast                  what needs neither a driver nor a browser: format, lint, types, unit
 *     npm test -- unit kernels          only these
 *     npm test -- kernels -t matmul     what follows the lanes' names goes to their tool
 *
 * Lanes that open no device run side by side, and say what they have to say when they end; those that do follow one
 * after the other, two files or specs at a time.
 *
 * A lane that ran nothing, or could not run for want of a driver or a browser, has failed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from './chromium.mjs';
import { aptInstall, installLavapipe, mayInstall } from './debian.mjs';
import { bin, ensureModules, root, run } from './house.mjs';
import { hasLoader, vulkanEnvironment } from './vulkan.mjs';

const reports = mkdtempSync(join(tmpdir(), 'groundwork-test-'));
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));

/** The folders that hold code; one that does not exist yet is left out. */
const code = [
  'src',
  'tests',
  'e2e',
  'scripts',
  'bench',
  'tools',
  'vite.config.ts',
  'vitest.config.ts',
  'playwright.config.ts',
];
const present = code.filter((path) => existsSync(join(root, path)));

const outcome = (passed, failed, skipped = 0, note = '') => ({ passed, failed, skipped, note });
const check = async (exitCode) => outcome(exitCode === 0 ? 1 : 0, exitCode === 0 ? 0 : 1);

/** One lane's result from its report; an exit code that the report does not explain counts as a failure. */
function counted(exitCode, report, count) {
  if (!existsSync(report)) return outcome(0, 1, 0, 'no report was written');
  const result = count(JSON.parse(readFileSync(report, 'utf8')));
  if (result.passed + result.failed === 0) return outcome(0, 1, result.skipped, 'no test ran');
  if (exitCode !== 0 && result.failed === 0) return { ...result, failed: 1, note: `exit code ${exitCode}` };
  return result;
}

async function vitest(runNode, projects, extra, environment) {
  const report = join(reports, `${projects[0]}.json`);
  const exitCode = await runNode(
    [
      bin('vitest', 'vitest.mjs'),
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...extra,
    ],
    { env: environment },
  );
  return counted(exitCode, report, (json) => {
    // A file that could not be loaded has no tests and would otherwise vanish from the sum.
    const broken = json.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    ).length;
    return outcome(json.numPassedTests, json.numFailedTests + broken, json.numPendingTests + json.numTodoTests);
  });
}

/** Kernels on one software driver (or the adapter that GROUNDWORK_ADAPTER names). */
async function kernels(runNode, project, fallback, extra) {
  // Only Linux lets us choose; elsewhere the first lane runs on the system's own GPU interface and the second not at all.
  const wanted = process.platform === 'linux' ? fallback : 'default';
  if (project === 'kernels-swiftshader' && wanted === 'default')
    return outcome(0, 0, 1, 'SwiftShader under Node is for Linux only');
  const { environment, problem } = vulkanEnvironment(wanted);
  if (problem !== null) {
    console.error(`The kernel tests need a Vulkan driver for Node: ${problem}.`);
    console.error('To run them on your own GPU instead: GROUNDWORK_ADAPTER=default npm test -- kernels');
    return outcome(0, 1, 0, 'no driver');
  }
  return vitest(runNode, [project], extra, { ...environment, GROUNDWORK_ADAPTER: wanted });
}

async function playwright(runNode, extra) {
  const chromium = findChromium();
  if (chromium === null) {
    console.error(
      'The end-to-end tests need Chromium 134 or newer: install Chromium, Chrome or Edge, or name one with CHROMIUM=PATH.',
    );
    console.error('On Debian: apt-get install chromium');
    return outcome(0, 1, 0, 'no browser');
  }
  const report = join(reports, 'e2e.json');
  const exitCode = await runNode([bin('@playwright/test', 'cli.js'), 'test', '--reporter=list,json', ...extra], {
    env: { CHROMIUM: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: report, GROUNDWORK_BUILT: '1' },
  });
  return counted(exitCode, report, ({ stats, errors }) =>
    outcome(stats.expected, stats.unexpected + stats.flaky + (stats.unexpected ? 0 : errors.length), stats.skipped),
  );
}

async function build(runNode) {
  const exitCode = await runNode([bin('vite', 'bin/vite.js'), 'build', '--logLevel', 'warn']);
  return check(exitCode === 0 ? await runNode(['scripts/check-size.mjs']) : exitCode);
}

/** Each is given what runs a script for it, and arguments for its tool. */
const lanes = {
  format: async (node, extra) => check(await node([bin('oxfmt', 'bin/oxfmt'), '--check', ...present, ...extra])),
  lint: async (node, extra) =>
    check(await node([bin('oxlint', 'bin/oxlint'), '--deny-warnings', ...present, ...extra])),
  types: async (node, extra) => check(await node([bin('typescript', 'bin/tsc'), '--noEmit', ...extra])),
  unit: (node, extra) => vitest(node, ['unit', 'unit-shared'], extra),
  kernels: (node, extra) => kernels(node, 'kernels', process.env.GROUNDWORK_ADAPTER || 'lavapipe', extra),
  swiftshader: (node, extra) => kernels(node, 'kernels-swiftshader', 'swiftshader', extra),
  build,
  e2e: playwright,
};

/** Lanes by one name. */
const groups = { fast: ['format', 'lint', 'types', 'unit'] };

/** Lanes that open no device, in two rows that run side by side: what takes longest, and the rest. */
const rows = [['unit'], ['format', 'lint', 'types', 'build']];

function choose(args) {
  const known = args.findIndex((arg) => !(arg in lanes) && !(arg in groups));
  const given = known < 0 ? args : args.slice(0, known);
  const extra = args.slice(given.length);
  const named = given.flatMap((name) => groups[name] ?? [name]);
  if (named.length === 0 && extra.length > 0) {
    console.error(
      `No lane is called ${extra[0]}. Lanes: ${Object.keys(lanes).join(', ')}; fast is ${groups.fast.join(', ')}. What follows a lane's name goes to its tool.`,
    );
    process.exit(2);
  }
  const group = given.find((name) => name in groups);
  if (group !== undefined && extra.length > 0) {
    console.error(`${group} is several lanes, and ${extra.join(' ')} is for one tool: name the lane it is for.`);
    process.exit(2);
  }
  const chosen = new Set(named.length > 0 ? named : Object.keys(lanes));
  if (chosen.has('e2e')) chosen.add('build'); // the browser gets the production build
  // Extra arguments belong to the lanes that were named, not to a build that one of them needs.
  return Object.keys(lanes)
    .filter((lane) => chosen.has(lane))
    .map((lane) => ({ lane, extra: named.includes(lane) && lane !== 'build' ? extra : [] }));
}

/** On a Debian machine of our own (CI), what the chosen lanes need beside packages; elsewhere the lanes say it. */
async function installFor(chosen) {
  await ensureModules();
  if (!mayInstall()) return;
  const needs = (name) => chosen.some(({ lane }) => lane === name);
  // SwiftShader's driver comes in Chromium's folder.
  if ((needs('e2e') || needs('swiftshader')) && findChromium() === null)
    await aptInstall(['chromium', 'fonts-liberation']);
  const onLavapipe = needs('kernels') && ['', 'lavapipe'].includes(process.env.GROUNDWORK_ADAPTER ?? '');
  if (onLavapipe && vulkanEnvironment('lavapipe').problem !== null) await installLavapipe();
  if (needs('swiftshader') && !hasLoader()) await aptInstall(['libvulkan1']);
}

const chosen = choose(process.argv.slice(2));
await installFor(chosen);

let interrupted = false;
process.on('SIGINT', () => (interrupted = true));
const finished = new Map();

/** Runs a lane; with `aside`, what its tool says is shown when it ends. */
async function runLane({ lane, extra }, aside) {
  if (interrupted) process.exit(130);
  const title = `\n━━ ${lane} ${'━'.repeat(Math.max(0, 76 - lane.length))}\n`;
  const said = [];
  if (!aside) process.stdout.write(title);
  const colour = aside && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const node = (args, options = {}) =>
    run(process.execPath, args, {
      ...options,
      env: { ...colour, ...options.env },
      ...(aside && { write: (chunk) => said.push(chunk) }),
    });
  const start = performance.now();
  const result = await lanes[lane](node, extra);
  if (aside) process.stdout.write(Buffer.concat([Buffer.from(title), ...said]));
  finished.set(lane, { lane, ...result, seconds: (performance.now() - start) / 1000 });
}

const inRows = rows.map((row) => chosen.filter(({ lane }) => row.includes(lane))).filter((row) => row.length > 0);
const aside = inRows.length > 1;
await Promise.all(
  inRows.map(async (row) => {
    for (const entry of row) await runLane(entry, aside);
  }),
);
for (const entry of chosen) if (!finished.has(entry.lane)) await runLane(entry, false);
const results = chosen.map(({ lane }) => finished.get(lane));

const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${'lane'.padEnd(12)} passed failed skipped seconds`);
for (const { lane, passed, failed, skipped, seconds, note } of results) {
  const cells = [passed, failed, skipped].map((n, i) => String(n).padStart([6, 6, 7][i]));
  console.log(`${lane.padEnd(12)} ${cells.join(' ')} ${seconds.toFixed(1).padStart(7)}${note && `  ${note}`}`);
}
const skipped = total('skipped');
console.log(`\n${total('passed')} passed, ${total('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = results.every((result) => result.failed === 0) && total('passed') > 0 ? 0 : 1;
