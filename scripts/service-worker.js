/**
 * Keeps the studio working without a network. `VERSION`, `SHELL` (what the page itself is made of) and `LATER` (the
 * starter, fetched when the page is idle) are put in front of this by scripts/offline-plugin.ts at build time.
 *
 * A page is asked of the network first, so that a new build is seen at the next load; everything else that is listed
 * comes from the cache of the same build. Nothing is written to a cache but what is listed, and no request to another
 * origin is touched.
 *
 * A new build waits until the pages of the old one are gone, or until one of them asks for it. Pages of the old build
 * may then still be open, with a run in them: their files stay in the old build's cache, and are served from there, for
 * as long as a page holds the lock that names its build (src/studio/offline.ts).
 *
 * Requests are matched whatever their `Vary`: a server that names `Origin` there means nothing by it for files that are
 * the same for everybody, and the page's own scripts are asked for in another mode than we asked for them.
 */
/* global VERSION, SHELL, LATER */
const CACHE = `groundwork-${VERSION}`;
const listed = new Set([...SHELL, ...LATER].map((path) => new URL(path, self.registration.scope).href));
const index = new URL('./index.html', self.registration.scope).href;
const ANYHOW = { ignoreVary: true };
/** A page's lock: this, and the address of a script that only its build has. */
const IN_USE = 'groundwork-page ';
/** How long a page may keep us waiting before the cached one is shown, in milliseconds. */
const PATIENCE = 3000;

self.addEventListener('install', (event) => {
  // Past the browser's own cache: a file of the same name may be of another build.
  const fresh = SHELL.map((path) => new Request(path, { cache: 'reload' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

self.addEventListener('activate', (event) => event.waitUntil(tidy().then(() => self.clients.claim())));

self.addEventListener('message', (event) => {
  if (event.data === 'use-now') self.skipWaiting();
  if (event.data === 'fetch-later')
    event.waitUntil(
      tidy()
        .then(fetchLater)
        .catch(() => undefined),
    );
});

const otherBuilds = async () =>
  (await caches.keys()).filter((name) => name.startsWith('groundwork-') && name !== CACHE);

/** Deletes the files of older builds that no page uses any more. */
async function tidy() {
  const { installing, waiting } = self.registration;
  if ((installing ?? waiting ?? null) !== null) return; // the cache of a build that is still to come is among them
  const { held } = await self.navigator.locks.query();
  const used = held.filter(({ name }) => name.startsWith(IN_USE)).map(({ name }) => name.slice(IN_USE.length));
  for (const name of await otherBuilds()) {
    const files = (await (await caches.open(name)).keys()).map(({ url }) => url);
    if (!used.some((url) => files.includes(url))) await caches.delete(name);
  }
}

/** One after another: nobody is waiting for these. */
async function fetchLater() {
  const cache = await caches.open(CACHE);
  for (const path of LATER)
    if (!(await cache.match(path, ANYHOW))) await cache.add(new Request(path, { cache: 'reload' }));
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (url.pathname === new URL(self.registration.scope).pathname || url.href.split(/[?#]/)[0] === index)
      event.respondWith(page(request));
    // The frame that speaks to a teacher, with the policy that came with it.
    else if (listed.has(url.href)) event.respondWith(kept(request));
    return;
  }
  if (url.href.startsWith(self.registration.scope)) event.respondWith(kept(request));
});

async function page(request) {
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
  const network = fetch(request).catch(() => null);
  const first = await Promise.race([network, patience]);
  if (first?.ok) return first;
  const cached = await (await caches.open(CACHE)).match(index, ANYHOW);
  return cached ?? (await network) ?? Response.error();
}

/** From this build's files; what it does not have may belong to the build that another page still runs. */
async function kept(request) {
  const names = listed.has(request.url) ? [CACHE] : await otherBuilds();
  for (const name of names) {
    const found = await (await caches.open(name)).match(request, ANYHOW);
    if (found) return found;
  }
  return fetch(request);
}
