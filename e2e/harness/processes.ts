/** The processes of a browser that its pages run in. */
import type { Browser } from '@playwright/test';

export async function rendererPids(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

/** Stops or wakes every page of a browser, as its freezing of tabs or a sleeping machine does; or ends them. */
export async function signalPages(browser: Browser, signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void> {
  for (const pid of await rendererPids(browser)) process.kill(pid, signal);
}
