/**
 * A model by its id: fetched from a server that behaves as the Hub does, stopped, gone on with after a reload, repaired
 * after damage, deleted. And nothing but the worker that fetches models can speak to that server.
 */
import { expect, test, type Page } from '@playwright/test';
import { filesUnder } from '../src/cli/node-files.ts';
import { blobSource } from '../src/formats/byte-source.ts';
import { openCheckpoint, planShards } from '../src/formats/checkpoint-files.ts';
import { writeSafetensors } from '../src/formats/safetensors-writer.ts';
import { bareServer } from './harness/bare-server.ts';
import { faults } from './harness/look.ts';
import { startHub, TOKEN, type HubServer } from '../tests/store/hub-server.ts';

const ID = 'groundwork/starter-VL';

/** The starter in shards. */
async function shards(): Promise<Record<string, Uint8Array>> {
  const folder = await filesUnder('public/starter/model');
  const files: Record<string, Uint8Array> = {};
  for (const { path, file } of folder)
    if (!path.endsWith('.safetensors')) files[path] = new Uint8Array(await file.arrayBuffer());
  const checkpoint = await openCheckpoint(new Map(folder.map(({ path, file }) => [path, blobSource(file)])));
  const plan = planShards([...checkpoint.tensors.values()], 8e5);
  for (const { file, tensors } of plan.shards) {
    const parts: Uint8Array[] = [];
    const written = tensors.map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      bytes: () => checkpoint.read(name),
    }));
    for await (const part of writeSafetensors(written)) parts.push(part.slice());
    files[file] = Buffer.concat(parts);
  }
  files['model.safetensors.index.json'] = new TextEncoder().encode(plan.index!);
  return files;
}

let hub: HubServer;
let files: Record<string, Uint8Array>;
test.beforeAll(async () => {
  files = await shards();
});
test.beforeEach(async () => {
  hub = await startHub();
  hub.add(ID, files, { access: 'private' });
});
test.afterEach(() => hub.close());

const form = (page: Page) => page.getByRole('form', { name: 'From a Hub' });
const kept = (page: Page) => page.getByRole('region', { name: 'Models kept in this browser' });
const loaded = (page: Page) => page.getByRole('region', { name: 'Loaded model' });
const fetched = () =>
  hub.seen.filter(({ at }) => at === 'cdn').map(({ path }) => path.split('?')[0]!.split('/').at(-1)!);

async function ask(page: Page, given: { token?: string; id?: string } = {}): Promise<void> {
  await form(page)
    .getByLabel('Id of the model')
    .fill(given.id ?? ID);
  const more = form(page).getByText('Revision, endpoint, token');
  if (!(await form(page).getByLabel('Token').isVisible())) await more.click();
  await form(page).getByLabel('Endpoint').fill(hub.endpoint);
  await form(page)
    .getByLabel('Token')
    .fill(given.token ?? TOKEN);
  await form(page).getByRole('button', { name: 'Download and load' }).click();
}

/** Every file in the origin's private file system, as text. */
const privateFiles = (page: Page) =>
  page.evaluate(async () => {
    const found: Record<string, string> = {};
    const walk = async (directory: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
      for await (const [name, handle] of directory.entries()) {
        if (handle.kind === 'directory') await walk(handle as FileSystemDirectoryHandle, `${prefix}${name}/`);
        else found[prefix + name] = await (await (handle as FileSystemFileHandle).getFile()).text();
      }
    };
    await walk(await navigator.storage.getDirectory(), '');
    return found;
  });

test('fetched, stopped, gone on with after a reload, repaired after damage, deleted', async ({ page }) => {
  test.setTimeout(300_000);
  await page.goto('./#/model');

  // Without the right token there is a message, and nothing half done.
  await ask(page, { token: 'hf_wrong' });
  await expect(form(page).getByRole('alert')).toContainText('does not accept the token');
  await expect(kept(page)).toBeHidden();

  // A Hub in trouble is told at once, with the count of attempts, and can be stopped.
  hub.trouble = () => ({ status: 503 });
  await ask(page);
  const refused = page.getByRole('region', { name: 'Model download' });
  await expect(refused.getByRole('status')).toContainText(/has a problem \(status 503\)\. Attempt [2-6] of 6/);
  await refused.getByRole('button', { name: 'Stop' }).click();
  await expect(refused).toBeHidden();

  // Connections break every 400 kB, and the whole is slow enough to be stopped.
  hub.trouble = ({ at }) => (at === 'cdn' ? { cutAfter: 400_000 } : null);
  hub.bytesPerSecond = 1_500_000;
  await ask(page);
  const bar = page.getByRole('region', { name: 'Model download' });
  await expect(bar).toContainText('fetching');
  await expect(bar).toContainText(/model-\d+-of-\d+\.safetensors · .+ of .+ · .+\/s/);
  await expect
    .poll(() => fetched().filter((name) => name.startsWith('model-00006')).length, { timeout: 60_000 })
    .toBeGreaterThan(0);
  await bar.getByRole('button', { name: 'Stop' }).click();
  await expect(form(page).getByRole('status')).toContainText('What was downloaded is kept');
  await expect(kept(page)).toContainText(/\d+ % downloaded/);
  expect(await faults(page, 'main')).toEqual([]);

  // After a reload it goes on from there. The token is gone with the page.
  hub.trouble = () => null;
  hub.bytesPerSecond = 0;
  await page.reload();
  const whole = Object.keys(await privateFiles(page)).filter((name) => name.endsWith('.safetensors'));
  expect(whole.length).toBeGreaterThan(0);
  hub.seen.length = 0;
  await expect(form(page).getByLabel('Token')).toHaveValue('');
  await ask(page);
  await expect(loaded(page).getByRole('heading', { name: ID })).toBeVisible({ timeout: 120_000 });
  await expect(kept(page)).toContainText('Complete');
  const names = whole.map((path) => path.split('/').at(-1)!);
  expect(fetched().length).toBeGreaterThan(0);
  for (const name of names) expect(fetched()).not.toContain(name);
  expect(hub.seen.filter(({ at, headers }) => at === 'cdn' && headers.authorization !== undefined)).toEqual([]);
  const stored = JSON.stringify([await privateFiles(page), await page.evaluate(() => ({ ...localStorage }))]);
  expect(stored).toContain(ID);
  expect(stored).not.toContain(TOKEN);

  // Damage on disk: one byte of one shard.
  const shard = names[0]!;
  await page.evaluate(
    async ({ id, shard }) => {
      const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('models');
      const model = await models.getDirectoryHandle(encodeURIComponent(id));
      for await (const commit of model.values()) {
        const handle = await (commit as FileSystemDirectoryHandle).getFileHandle(shard);
        const stream = await handle.createWritable({ keepExistingData: true });
        await stream.write({ type: 'write', position: 123_456, data: new Uint8Array([1, 2, 3]) });
        await stream.close();
      }
    },
    { id: ID, shard },
  );
  await page.reload();
  // The project opens its model again by itself, finds the damage, and cannot mend it: the token was not kept.
  await expect(page.getByRole('alert').filter({ hasText: 'A private model needs a token' })).toBeVisible({
    timeout: 60_000,
  });
  await expect(kept(page)).toContainText(/\d+ % downloaded/);
  hub.seen.length = 0;
  await form(page).getByText('Revision, endpoint, token').click();
  await form(page).getByLabel('Token').fill(TOKEN);
  await kept(page).getByRole('button', { name: 'Continue' }).click();
  await expect(loaded(page).getByRole('heading', { name: ID })).toBeVisible({ timeout: 120_000 });
  expect(fetched()).toEqual([shard]);

  // Undamaged, it is opened again without a network.
  await hub.close();
  await page.reload();
  await expect(loaded(page).getByRole('heading', { name: ID })).toBeVisible({ timeout: 120_000 });
  hub = await startHub();

  // Deleted, after a question.
  await kept(page)
    .getByRole('button', { name: `Delete ${ID}` })
    .click();
  await kept(page).getByRole('button', { name: 'Keep' }).press('Enter');
  await expect(kept(page)).toContainText('Complete');
  await kept(page)
    .getByRole('button', { name: `Delete ${ID}` })
    .click();
  await expect(kept(page).getByRole('group')).toContainText('merged export needs these files');
  await kept(page).getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(kept(page)).toBeHidden();
  expect(await privateFiles(page)).toEqual({});
});

test.describe('where room is short', () => {
  // The page's own copy for use without a network counts, too, and comes at a time of its own.
  test.use({ serviceWorkers: 'block' });

  test('a quota that runs out stops it; what is there stays, and it goes on when there is room', async ({ page }) => {
    test.setTimeout(300_000);
    await page.goto('./#/model');
    const origin = new URL(page.url()).origin;
    const devtools = await page.context().newCDPSession(page);
    const allow = (bytes?: number) =>
      devtools.send('Storage.overrideQuotaForOrigin', { origin, ...(bytes !== undefined && { quotaSize: bytes }) });

    // Too little from the start. Chromium does not tell a page of it beforehand.
    await expect(form(page)).toBeVisible();
    await allow((await page.evaluate(async () => (await navigator.storage.estimate()).usage!)) + 3_000_000);
    await ask(page);
    await expect(form(page).getByRole('alert')).toContainText('storage is full', { timeout: 60_000 });
    await expect(loaded(page)).toBeHidden();

    // Only noticed under way: something else took the room.
    await allow();
    hub.bytesPerSecond = 1_000_000;
    await ask(page);
    await expect.poll(() => fetched().filter((name) => name.startsWith('model-00005')).length).toBeGreaterThan(0);
    await allow(100_000);
    await expect(form(page).getByRole('alert')).toContainText('storage is full', { timeout: 60_000 });
    await expect(kept(page)).toContainText(/\d+ % downloaded/);

    await allow();
    hub.bytesPerSecond = 0;
    hub.seen.length = 0;
    await ask(page);
    await expect(loaded(page).getByRole('heading', { name: ID })).toBeVisible({ timeout: 120_000 });
    expect(fetched().length).toBeLessThan(Object.keys(files).filter((name) => name.endsWith('.safetensors')).length);
  });
});

/** What each part of the product gets when it asks a foreign server. */
async function whoMaySpeak(page: Page): Promise<Record<'page' | 'engine' | 'hub', string>> {
  const url = `${hub.endpoint}/api/models/${ID}/revision/main`;
  const speak = async (address: string) =>
    fetch(address).then(
      (response) => `answered ${response.status}`,
      (error: unknown) => (error as Error).name,
    );
  await expect(form(page)).toBeVisible();
  const worker = (name: RegExp) => page.workers().find((each) => name.test(each.url()));
  await expect.poll(() => page.workers().length).toBe(2);
  return {
    page: await page.evaluate(speak, url),
    engine: await worker(/^blob:/)!.evaluate(speak, url),
    hub: await worker(/hub-worker/)!.evaluate(speak, url),
  };
}

test('only the worker that fetches models can speak to another server', async ({ page }) => {
  await page.goto('./#/model');
  expect(await whoMaySpeak(page)).toEqual({ page: 'TypeError', engine: 'TypeError', hub: 'answered 401' });
  // And that worker only by encrypted ways, this machine excepted: its server's policy says so.
  const script = page
    .workers()
    .find((each) => /hub-worker/.test(each.url()))!
    .url();
  const policy = (await page.request.get(script)).headers()['content-security-policy'];
  expect(policy).toBe(
    "default-src 'none'; script-src 'self'; connect-src https: http://127.0.0.1:* http://localhost:*",
  );
});

test('on a server that sends no policy, page and engine are held by the page’s own', async ({ page }) => {
  const server = await bareServer();
  try {
    await page.goto(`${server.url}#/model`);
    expect(await whoMaySpeak(page)).toEqual({ page: 'TypeError', engine: 'TypeError', hub: 'answered 401' });
  } finally {
    server.close();
  }
});
