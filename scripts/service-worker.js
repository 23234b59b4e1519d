/**
 * Keeps the studio working without a network. `VERSION`, `SHELL` (what the page itself is made of) and `LATER` (the
 * starter, fetched when the page is idle) are put in front of this by scripts/offline-plugin.ts at build time.
 *
 * A page is asked of the network first, so that a new build is seen at the next load; everything else that is listed
 * comes from the cache of the same build. Nothing is written to a cache but what is listed, and no request to another
 * origin is touched. A new build waits until the pages of the old one are gone, so that an open studio never loses the
 * parts that it has not loaded yet.
 */
/* global VERSION, SHELL, LATER */
const CACHE = `groundwork-${VERSION}`;
const listed = new Set([...SHELL, ...LATER].map((path) => new URL(path, self.registration.scope).href));
const index = new URL('./index.html', self.registration.scope).href;
/** How long a page may keep us waiting before the cached one is shown, in milliseconds. */
const PATIENCE = 3000;

self.addEventListener('install', (event) => {
  // Past the browser's own cache: a file of the same name may be of another build.
  const fresh = SHELL.map((path) => new Request(path, { cache: 'reload' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

self.addEventListener('activate', (event) => {
  const old = caches
    .keys()
    .then((names) => names.filter((name) => name.startsWith('groundwork-') && name !== CACHE))
    .then((names) => Promise.all(names.map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener('message', (event) => {
  if (event.data === 'use-now') self.skipWaiting();
  if (event.data === 'fetch-later') event.waitUntil(fetchLater().catch(() => undefined));
});

/** One after another: nobody is waiting for these. */
async function fetchLater() {
  const cache = await caches.open(CACHE);
  for (const path of LATER) if (!(await cache.match(path))) await cache.add(new Request(path, { cache: 'reload' }));
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (url.pathname === new URL(self.registration.scope).pathname || url.href.split(/[?#]/)[0] === index)
      event.respondWith(page(request));
    return;
  }
  if (listed.has(url.href)) event.respondWith(kept(request));
});

async function page(request) {
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
  const network = fetch(request).catch(() => null);
  const first = await Promise.race([network, patience]);
  if (first?.ok) return first;
  const cached = await (await caches.open(CACHE)).match(index);
  return cached ?? (await network) ?? Response.error();
}

async function kept(request) {
  return (await (await caches.open(CACHE)).match(request)) ?? fetch(request);
}
