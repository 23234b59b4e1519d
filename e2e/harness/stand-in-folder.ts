/**
 * No test can click a system's picker: a folder of the private storage stands in for the chosen one, and the browser's
 * question for its permission, once a visit, is asked here.
 */
import type { Page } from '@playwright/test';

/** From now on the picker gives this folder. Its permission is there in the first visit, and asked for in later ones. */
export const standInForPicker = (page: Page, folder: string): Promise<void> =>
  page.addInitScript((name) => {
    let permission: PermissionState = sessionStorage.getItem('visited') ? 'prompt' : 'granted';
    sessionStorage.setItem('visited', 'yes');
    Object.assign(window, {
      showDirectoryPicker: async () => (await navigator.storage.getDirectory()).getDirectoryHandle(name),
    });
    Object.assign(FileSystemHandle.prototype, {
      queryPermission: async () => permission,
      requestPermission: async () => {
        if (!navigator.userActivation.isActive) throw new DOMException('Not in a click.', 'SecurityError');
        return (permission = 'granted');
      },
    });
  }, folder) as unknown as Promise<void>;

/** Writes files, by path, into the folder. */
export async function fill(
  page: Page,
  folder: string,
  files: readonly (readonly [string, Uint8Array])[],
): Promise<void> {
  for (const [path, bytes] of files)
    await page.evaluate(
      async ({ folder, path, base64 }) => {
        const parts = path.split('/');
        let at = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
        for (const part of parts.slice(0, -1)) at = await at.getDirectoryHandle(part, { create: true });
        const file = await (await at.getFileHandle(parts.at(-1)!, { create: true })).createWritable();
        await file.write(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
        await file.close();
      },
      { folder, path, base64: Buffer.from(bytes).toString('base64') },
    );
}

/** From now on the picker of files gives this file of the folder. */
export const standInForFilePicker = (page: Page, folder: string, file: string): Promise<void> =>
  page.addInitScript(
    ({ folder: from, file: name }) =>
      void Object.assign(window, {
        showOpenFilePicker: async () => [
          await (await (await navigator.storage.getDirectory()).getDirectoryHandle(from)).getFileHandle(name),
        ],
      }),
    { folder, file },
  ) as unknown as Promise<void>;
