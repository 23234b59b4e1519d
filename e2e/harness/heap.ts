/** How large the heaps of a page and of its workers are, asked by the browser's debugging protocol. */
import type { CDPSession, Page } from '@playwright/test';

/** A worker's own session is reached through its page's, by letter. */
class WorkerSession {
  readonly #page: CDPSession;
  readonly #id: string;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #next = 1;

  constructor(page: CDPSession, id: string) {
    this.#page = page;
    this.#id = id;
    page.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
      if (sessionId !== id) return;
      const { id: answered, result } = JSON.parse(message) as { id?: number; result?: unknown };
      if (answered !== undefined) this.#waiting.get(answered)?.(result);
    });
  }

  async send(method: string): Promise<unknown> {
    const id = this.#next++;
    const answered = new Promise((resolve) => this.#waiting.set(id, resolve));
    await this.#page.send('Target.sendMessageToTarget', {
      sessionId: this.#id,
      message: JSON.stringify({ id, method }),
    });
    return answered;
  }
}

export interface Heaps {
  /** Bytes in use after a collection: objects, and what array buffers hold beside them. */
  readonly page: number;
  readonly workers: number;
}

const used = (usage: unknown): number => {
  const { usedSize, backingStorageSize } = usage as { usedSize: number; backingStorageSize: number };
  return usedSize + backingStorageSize;
};

export async function watchHeaps(page: Page): Promise<() => Promise<Heaps>> {
  const session = await page.context().newCDPSession(page);
  const workers: WorkerSession[] = [];
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') workers.push(new WorkerSession(session, sessionId));
  });
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  return async () => {
    await session.send('HeapProfiler.collectGarbage');
    const inPage = used(await session.send('Runtime.getHeapUsage'));
    let inWorkers = 0;
    for (const worker of workers) {
      await worker.send('HeapProfiler.collectGarbage');
      inWorkers += used(await worker.send('Runtime.getHeapUsage'));
    }
    return { page: inPage, workers: inWorkers };
  };
}

/** Every part of the list of rows comes into view once, and its last row is chosen. */
export async function scrollThroughRows(page: Page): Promise<void> {
  const list = page.getByRole('listbox', { name: 'Rows' });
  await list.focus();
  for (let i = 0; i < 60; i++) {
    await list.evaluate((element, at) => void (element.scrollTop = (element.scrollHeight * at) / 60), i);
    await page.waitForTimeout(50);
  }
  await page.keyboard.press('End');
}
