/** Serves a built studio until it is ended, and opens the browser: what `npm start` and the packed app have in common. */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { serve } from './serve.mjs';

const OPTIONS = /** @type {const} */ ({ port: { type: 'string' }, 'no-open': { type: 'boolean' } });

/**
 * Reads the command line. Ends with exit code 2 and a sentence for what it does not know.
 * @param {Record<string, { type: 'boolean' }>} more flags of the caller's own
 * @returns {Record<string, string | boolean | undefined>}
 */
export function readFlags(more = {}) {
  const refuse = (/** @type {string} */ message) => {
    console.error(message);
    process.exit(2);
  };
  try {
    const { values } = parseArgs({ options: { ...OPTIONS, ...more } });
    const { port } = values;
    if (port !== undefined && !(/^\d{1,5}$/.test(String(port)) && Number(port) < 65_536))
      refuse(`--port takes a number from 0 to 65535, not ${port}.`);
    return values;
  } catch (error) {
    return refuse(
      `${/** @type {Error} */ (error).message}\nFlags: --port N, --no-open${Object.keys(more)
        .map((name) => `, --${name}`)
        .join('')}.`,
    );
  }
}

function open(/** @type {string} */ url) {
  const [command, ...args] = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] }[process.platform] ?? [
    'xdg-open',
    url,
  ];
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.once('error', () => {}); // the address is printed anyway
  child.unref();
}

function mayOpen(/** @type {boolean} */ unwanted) {
  if (unwanted || process.env.CI || process.env.GROUNDWORK_NO_OPEN) return false;
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** @param {Record<string, string | boolean | undefined>} flags */
export async function runStudio(flags) {
  const server = await serve(flags.port === undefined ? {} : { port: Number(flags.port) }).catch((error) => {
    console.error(`${error.message} Choose another with --port N.`);
    process.exit(1);
  });
  console.log(`Groundwork is at ${server.url} (Ctrl+C ends it)`);
  if (mayOpen(Boolean(flags['no-open']))) open(server.url);
  const end = () => {
    void server.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
  // npm hands a signal to the shell between us and does not wait: whoever started us being gone is a signal, too.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), 1000).unref();
}
