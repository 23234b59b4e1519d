import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { toldByDisk } from '../../src/cli/disk-error.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { writeFiles } from '../../src/cli/node-files.ts';
import { RunEnd } from '../../src/cli/run-end.ts';
import { memoryStorage } from '../../src/store/storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'groundwork-run-end-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A run that is held, as the studio holds one that cannot be saved: it never ends by itself. */
const held = new Promise<never>(() => undefined);
const full = {
  type: 'failure',
  code: 'storage-full',
  message: 'There is no room left to save a checkpoint, so the run is on hold.',
  hint: 'Delete runs in the Projects room.',
} as const;

describe('a run from the command line', () => {
  test('that cannot be saved ends with what is safe and the command to go on with', async () => {
    const { records } = memoryStorage();
    await records.put('runs', { id: 'run', bytes: 10, step: 40 } as { id: string });
    const end = new RunEnd(records, 'out');
    const ended = end.of('run', held);
    end.hear({ type: 'notice', message: 'something else' });
    end.hear(full);
    await expect(ended).rejects.toMatchObject({
      code: 'storage-full',
      hint: 'Free space on the disk of out. The checkpoint after step 40 in out/run is safe. Resume the run with: npm run demo -- --out out --resume',
    });
  });

  test('of which nothing was saved says so', async () => {
    const end = new RunEnd(memoryStorage().records, 'out');
    end.hear(full);
    await expect(end.of('run', held)).rejects.toMatchObject({
      hint: expect.stringContaining('Nothing of this run was saved yet') as string,
    });
  });

  test('that ends well ends well', async () => {
    await expect(new RunEnd(memoryStorage().records, 'out').of('run', Promise.resolve())).resolves.toBeUndefined();
  });
});

test('a command that waits for something that never comes does not end as if it had done its work', () => {
  const script = join(folder, 'waits.mts');
  const command = pathToFileURL(join(process.cwd(), 'src/cli/run-command.ts')).href;
  writeFileSync(script, `import { runCommand } from '${command}';\nrunCommand(() => new Promise(() => undefined));\n`);
  const run = spawnSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8' });
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('The command ended before its work was done.');
});

describe.runIf(existsSync('/dev/full'))('a full disk', () => {
  test('is told as one', async () => {
    await expect(toldByDisk(folder)(() => writeFile('/dev/full', 'x'))).rejects.toMatchObject({
      code: 'storage-full',
      message: `The disk of ${folder} is full.`,
    });
  });

  test('and other errors stay what they are', async () => {
    const odd = Object.assign(new Error('odd'), { code: 'ELOOP' });
    await expect(toldByDisk(folder)(() => Promise.reject(odd))).rejects.toBe(odd);
  });
});

test('a file whose writing failed is not left in half', async () => {
  async function* broken() {
    yield Uint8Array.of(1, 2, 3);
    throw new Error('no more');
  }
  await expect(writeFiles(folder, [{ path: 'half.bin', data: broken() }])).rejects.toThrow('no more');
  expect(existsSync(join(folder, 'half.bin'))).toBe(false);
});

test('a text is replaced as a whole, and one that cannot be written leaves the old one', async () => {
  const files = nodeFileStore(folder);
  await files.writeText('a/text.json', 'old');
  await files.writeText('a/text.json', 'new');
  expect(await (await files.blob('a/text.json'))!.text()).toBe('new');
  await expect(files.writeText('a/text.json/below', 'x')).rejects.toMatchObject({
    code: expect.stringMatching(/ENOTDIR|EEXIST/) as string,
  });
  expect((await files.list()).map(({ path }) => path).filter((path) => path.startsWith('a/'))).toEqual(['a/text.json']);
});
