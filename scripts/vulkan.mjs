/**
 * The environment in which Dawn under Node finds a Vulkan driver: the machine's own GPU where there is one, else
 * lavapipe (Mesa) or SwiftShader (the one in Chromium's folder). Only variables are computed here, nothing is set:
 * the loader reads them when Dawn makes its first instance, so they must be in place before that.
 *
 * GROUNDWORK_ADAPTER: `default` (leave the environment as it is), `lavapipe`, `swiftshader`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromiumFolders } from './chromium.mjs';

/** Mesa 24.0 was built against these Vulkan headers; older lavapipe lacks f16 and subgroups that Dawn can use. */
const mesa24 = [1, 3, 270];

/** Every driver manifest in the loader's usual places. */
function manifests() {
  const { XDG_DATA_HOME, XDG_DATA_DIRS, XDG_CONFIG_DIRS } = process.env;
  const bases = [
    XDG_DATA_HOME ?? join(homedir(), '.local', 'share'),
    ...(XDG_CONFIG_DIRS ?? '/etc/xdg').split(delimiter),
    '/etc',
    '/usr/local/share',
    ...(XDG_DATA_DIRS ?? '/usr/local/share:/usr/share').split(delimiter),
    '/usr/share',
  ];
  const files = bases.flatMap((base) => {
    const folder = join(base, 'vulkan', 'icd.d');
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
  return [...new Set(files)].filter((file) => file.endsWith('.json'));
}

function atLeast(version, floor) {
  const parts = version.split('.').map(Number);
  for (let i = 0; i < floor.length; i++) if (parts[i] !== floor[i]) return parts[i] > floor[i];
  return true;
}

const apiVersion = (file) => JSON.parse(readFileSync(file, 'utf8')).ICD.api_version;

/** @returns {string | null} lavapipe's manifest, if Mesa is 24 or newer */
export function findLavapipe() {
  const found = manifests().filter((file) => /[/\\]lvp_icd[^/\\]*\.json$/.test(file));
  return found.find((file) => atLeast(apiVersion(file), mesa24)) ?? null;
}

/** @returns {string | null} manifest of the SwiftShader that comes with Chromium */
export function findSwiftShader() {
  for (const folder of chromiumFolders()) {
    const file = join(folder, 'vk_swiftshader_icd.json');
    if (existsSync(file)) return file;
  }
  return null;
}

/** Is the Vulkan loader there, which Dawn opens by name? */
export function hasLoader() {
  if (process.platform !== 'linux') return true;
  try {
    return execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).includes('libvulkan.so.1');
  } catch {
    return true; // no ldconfig to ask (musl, NixOS): Dawn will tell
  }
}

/** A device node and a driver for it. The software drivers do not count. */
function hasGpu() {
  const node =
    existsSync('/dev/nvidia0') ||
    (existsSync('/dev/dri') && readdirSync('/dev/dri').some((n) => n.startsWith('renderD')));
  return node && manifests().some((file) => !/(lvp|gfxstream|virtio)[^/\\]*$/.test(file));
}

/** Vulkan is Dawn's way to the GPU on Linux alone; elsewhere the system's own interface answers. */
const choosable = process.platform === 'linux';

/**
 * @param {string} [wanted] `default`, `lavapipe`, `swiftshader`, or `auto`: the GPU if there is one
 * @returns {{ adapter: string, environment: Record<string, string>, problem: string | null }}
 */
export function vulkanEnvironment(wanted = process.env.GROUNDWORK_ADAPTER || 'auto') {
  if (!['auto', 'default', 'lavapipe', 'swiftshader'].includes(wanted)) {
    return {
      adapter: wanted,
      environment: {},
      problem: `GROUNDWORK_ADAPTER is ${wanted}; known are default, lavapipe and swiftshader`,
    };
  }
  if (!choosable) {
    const problem = wanted === 'swiftshader' || wanted === 'lavapipe' ? `${wanted} can be chosen on Linux only` : null;
    return { adapter: 'default', environment: {}, problem };
  }
  if (!hasLoader()) {
    return {
      adapter: wanted,
      environment: {},
      problem: 'the Vulkan loader (libvulkan.so.1) is missing; on Debian: apt-get install libvulkan1',
    };
  }
  const chosenByUser = process.env.VK_DRIVER_FILES !== undefined || process.env.VK_ICD_FILENAMES !== undefined;
  if (wanted === 'default' || (wanted === 'auto' && (chosenByUser || hasGpu()))) {
    return { adapter: 'default', environment: runtime(), problem: null };
  }
  const adapter = wanted === 'auto' ? (findLavapipe() ? 'lavapipe' : 'swiftshader') : wanted;
  const manifest = adapter === 'lavapipe' ? findLavapipe() : findSwiftShader();
  if (manifest === null) {
    const how =
      adapter === 'lavapipe'
        ? 'Mesa 24 or newer with its software Vulkan driver (Debian: mesa-vulkan-drivers, on bookworm from bookworm-backports; Fedora: mesa-vulkan-drivers; Arch: vulkan-swrast)'
        : 'a Chromium whose folder holds vk_swiftshader_icd.json (Debian: chromium)';
    return { adapter, environment: {}, problem: `no ${adapter} driver found; it needs ${how}` };
  }
  // Two names for one variable: loaders before 1.3.207 know only the second.
  return {
    adapter,
    environment: { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, ...runtime() },
    problem: null,
  };
}

/**
 * The loader wants a runtime folder. Mesa keeps compiled shaders in the user's own cache by default, shared by all
 * clones (a first dispatch falls from seconds to milliseconds), so nothing is set for that.
 */
function runtime() {
  const given = process.env.XDG_RUNTIME_DIR;
  if (given !== undefined && existsSync(given)) return {};
  const folder = join(tmpdir(), `groundwork-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { XDG_RUNTIME_DIR: folder };
}
