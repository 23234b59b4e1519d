/** Mesa's RADV for a card that is not there: the layer that stands in for it, built when needed, and a run under it. */
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const MANIFEST = '/usr/share/vulkan/icd.d/radeon_icd.json';

/** Why there is no compiler to ask here, and how to get one. */
export class ModelUnavailable extends Error {}

/** Folder of the built layer. */
function layer(): string {
  if (process.platform !== 'linux' || !existsSync(MANIFEST))
    throw new ModelUnavailable(
      'This needs Linux and Mesa 24 or newer with RADV. On Debian: apt-get install mesa-vulkan-drivers (bookworm: from bookworm-backports).',
    );
  const folder = join(root, '.cache', 'gpu-model');
  const [source, built] = [join(here, 'layer.c'), join(folder, 'libno_hardware.so')];
  if (!existsSync(built) || statSync(built).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', built, source], { stdio: 'pipe' });
    } catch (error) {
      throw new ModelUnavailable(
        `The Vulkan layer could not be built. It needs gcc and Vulkan's headers. On Debian: apt-get install gcc libc6-dev libvulkan-dev.\n${String((error as { stderr?: Buffer }).stderr ?? error)}`,
      );
    }
  }
  copyFileSync(join(here, 'layer.json'), join(folder, 'layer.json'));
  return folder;
}

export function available(): boolean {
  try {
    layer();
    return true;
  } catch (error) {
    if (error instanceof ModelUnavailable) return false;
    throw error;
  }
}

/** Runs compile.ts under RADV for a family of cards. In `folder`: what it printed (log) and dispatches (programs.json). */
export async function compileFor(family: string, args: readonly string[], entry = 'compile.ts') {
  const built = layer();
  const folder = mkdtempSync(join(tmpdir(), 'gpu-model-'));
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  const log = openSync(join(folder, 'log'), 'w');
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--import', './scripts/register.mjs', join(here, entry), join(folder, 'programs.json'), ...args],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', log],
        env: {
          ...process.env,
          VK_LAYER_PATH: built,
          VK_INSTANCE_LAYERS: 'VK_LAYER_GROUNDWORK_no_hardware',
          VK_ICD_FILENAMES: MANIFEST,
          VK_DRIVER_FILES: MANIFEST,
          RADV_FORCE_FAMILY: family,
          RADV_DEBUG: 'shaderstats,asm,nocache',
          // Without this nothing is printed the second time.
          MESA_SHADER_CACHE_DISABLE: 'true',
          XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? folder,
        },
      },
    );
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve(status ?? (signal ? 1 : 0)));
  });
  closeSync(log);
  const text = readFileSync(join(folder, 'log'), 'utf8');
  const lost = /@@LOST (.*)/.exec(text)?.[1];
  if (code !== 0 || lost !== undefined || !existsSync(join(folder, 'programs.json'))) {
    dispose();
    throw new Error(
      `The compiler for ${family} stopped with code ${code}${lost ? `, device lost: ${lost}` : ''}:\n${text.replace(/@@BEGIN[\s\S]*?@@END/g, '').slice(-2000)}`,
    );
  }
  return { folder, dispose };
}
