/**
 * "Nothing leaves the machine", as policies that the browser enforces. The page and the engine may speak to the server
 * they came from, and to no other; the worker that fetches models may speak to a Hub, and is told nothing else. The
 * frame that speaks to a teacher binds itself to one origin. See docs/decisions/0004, 0011 and 0033.
 */

/** Of the page; it is written into the page as well, so that it holds on any server, and the engine inherits it. */
export const PAGE = [
  "default-src 'self'",
  "connect-src 'self' blob: data:",
  "img-src 'self' blob: data:",
  "style-src 'self' 'unsafe-inline'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Any server, encrypted: a Hub sends us on to content networks whose names change. Unencrypted, this machine only. */
const HUB_WORKER = "default-src 'none'; script-src 'self'; connect-src https: http://127.0.0.1:* http://localhost:*";

/** What public/outside.html says of itself. */
const OUTSIDE =
  "default-src 'none'; script-src 'self'; worker-src blob:; connect-src http: https:; base-uri 'none'; form-action 'none'";

/**
 * What a server says with a file. Only an answer can say who may frame the page; the page itself refuses to work in a
 * frame of another origin (studio/framed.tsx).
 * @param {string} path of the request
 */
export function policyOf(path) {
  if (/\/hub-worker-[\w-]+\.js$/.test(path)) return HUB_WORKER;
  return `${path.endsWith('/outside.html') ? OUTSIDE : PAGE}; frame-ancestors 'self'`;
}

/**
 * Where a page may connect to at all, in browsers that know the header (Chromium does): its own server. It also holds
 * what a policy does not, such as WebRTC. The worker that fetches models and the frame that speaks to a teacher have
 * policies that name what they may do.
 * @param {string} path of the request
 * @returns {string | null} null: nothing is said
 */
export const reachOf = (path) => (/\/hub-worker-[\w-]+\.js$|\/outside\.html$/.test(path) ? null : '(response-origin)');
