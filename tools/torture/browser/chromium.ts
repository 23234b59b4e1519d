/** A Chromium with a profile of its own on disk, which outlives `kill -9`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chromium, type Browser, type BrowserContext } from '@playwright/test';
import config from '../../../playwright.config.ts';

export interface Chromium {
  readonly browser: Browser;
  readonly context: BrowserContext;
  /** `kill -9` of all its processes. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** As Playwright starts it: without sounds, updates and questions, and not slowed in the background. */
const QUIET = [
  '--headless',
  '--remote-debugging-port=0',
  '--no-default-browser-check',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-extensions',
  '--password-store=basic',
  '--use-mock-keychain',
  '--mute-audio',
  '--hide-scrollbars',
];

export async function launchChromium(profile: string): Promise<Chromium> {
  const { executablePath, args = [] } = config.projects![0]!.use!.launchOptions!;
  const child = spawn(executablePath ?? chromium.executablePath(), [...QUIET, ...args, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that it can be ended with all that it started.
    detached: true,
  });
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  // It must not outlive us.
  const end = () => void (isGone() || process.kill(-child.pid!, 'SIGKILL'));
  process.once('exit', end);
  const kill = async () => {
    process.off('exit', end);
    if (isGone()) return;
    const gone = new Promise((resolve) => child.once('close', resolve));
    end();
    await gone;
  };
  const browser = await chromium.connectOverCDP(await endpoint(child));
  return {
    browser,
    context: browser.contexts()[0]!,
    kill,
    close: async () => {
      await browser.close().catch(() => undefined);
      await kill();
    },
  };
}

/** It says where it listens when it does. */
function endpoint(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.once('close', () => reject(new Error(`Chromium ended: ${said.slice(-600)}`)));
  });
}
