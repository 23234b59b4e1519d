/**
 * Loaded before a command: its process is killed with `kill -9` from within one of its own changes of a file below a
 * folder. TORTURE is JSON: `folder`; `operation`, the number of the change; `inside`, or `afterMs` behind it; `clockMs`,
 * by which its clock is wrong.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const { folder, operation, inside, afterMs, clockMs } = JSON.parse(process.env.TORTURE);
const now = Date.now;
if (clockMs !== 0) Date.now = () => now() + clockMs;

const promises = createRequire(import.meta.url)('node:fs/promises');
let count = 0;
const die = () => process.kill(process.pid, 'SIGKILL');

/** Before each change; true: it gets no further than its middle. */
function reached() {
  if (count++ !== operation) return false;
  if (inside) return true;
  setTimeout(die, afterMs);
  return false;
}

const ours = (path) => String(path).startsWith(folder);
for (const name of ['mkdir', 'rename', 'rm', 'link', 'writeFile']) {
  const real = promises[name];
  promises[name] = async (path, ...rest) => {
    if (ours(path) && reached()) {
      // Either before it or behind it: a change of names has no middle.
      if (count % 2 === 0) await real(path, ...rest);
      die();
    }
    return real(path, ...rest);
  };
}
const open = promises.open;
promises.open = async (path, ...rest) => {
  const file = await open(path, ...rest);
  if (!ours(path)) return file;
  const { write, datasync } = file;
  file.write = async (bytes, offset, length, position) => {
    if (reached()) {
      await write.call(file, bytes, offset, length >> 1, position);
      die();
    }
    return write.call(file, bytes, offset, length, position);
  };
  file.datasync = async () => {
    if (reached()) die();
    return datasync.call(file);
  };
  return file;
};
syncBuiltinESMExports();
