/** Finds a Chromium that is already on the machine. Nothing here downloads a browser. */
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];

function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Browsers that Playwright installed for other projects, newest first. */
function fromPlaywright() {
  const { PLAYWRIGHT_BROWSERS_PATH, LOCALAPPDATA = '' } = process.env;
  const cache =
    PLAYWRIGHT_BROWSERS_PATH ??
    {
      darwin: join(homedir(), 'Library', 'Caches', 'ms-playwright'),
      win32: join(LOCALAPPDATA, 'ms-playwright'),
    }[process.platform] ??
    join(homedir(), '.cache', 'ms-playwright');
  if (!existsSync(cache)) return [];
  const inside = {
    darwin: ['chrome-mac', 'Chromium.app', 'Contents', 'MacOS', 'Chromium'],
    win32: ['chrome-win', 'chrome.exe'],
  }[process.platform] ?? ['chrome-linux', 'chrome'];
  return readdirSync(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .map((name) => join(cache, name, ...inside));
}

function* places() {
  if (process.platform === 'darwin') {
    for (const app of ['Chromium', 'Google Chrome', 'Microsoft Edge']) {
      for (const base of ['/Applications', join(homedir(), 'Applications')]) {
        yield join(base, `${app}.app`, 'Contents', 'MacOS', app);
      }
    }
  } else if (process.platform === 'win32') {
    for (const base of [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]) {
      if (base === undefined) continue;
      yield join(base, 'Chromium', 'Application', 'chrome.exe');
      yield join(base, 'Google', 'Chrome', 'Application', 'chrome.exe');
      yield join(base, 'Microsoft', 'Edge', 'Application', 'msedge.exe');
    }
  } else {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) for (const name of names) yield join(folder, name);
  }
  yield* fromPlaywright();
}

/** @returns {string | null} path of a Chromium: the environment's CHROMIUM if set, else the first found */
export function findChromium() {
  if (process.env.CHROMIUM) {
    if (!runs(process.env.CHROMIUM)) throw new Error(`CHROMIUM is set to ${process.env.CHROMIUM}, which cannot be run`);
    return process.env.CHROMIUM;
  }
  for (const path of places()) if (runs(path)) return path;
  return null;
}

/** @returns {string[]} folders that may hold Chromium's own files, its SwiftShader driver among them */
export function chromiumFolders() {
  const found = findChromium();
  const folders = found === null ? [] : [dirname(realpathSync(found))];
  // On Debian and its relatives the command is a shell script elsewhere.
  if (process.platform === 'linux')
    folders.push('/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome');
  return folders;
}

/** For Playwright's `launchOptions`: nothing where there is none, so that Playwright says what it looked for. */
export function chromiumPath() {
  const executablePath = findChromium();
  return executablePath === null ? {} : { executablePath };
}
