/**
 * "Nothing leaves the machine", enforced by the browser. The page and the engine may speak to the server they came
 * from, and to no other; the worker that fetches models may speak to a Hub, and is told nothing else. The page's policy
 * is in the page, so that it holds on any server, and its engine inherits it; the servers of `npm start` also say it in
 * their answers, and give the hub worker a policy of its own. Only an answer can say who may frame the page; the page
 * itself refuses to work in a frame of another origin (studio/framed.tsx). The frame that speaks
 * to a teacher has a policy of its own as well, and binds itself to one origin. See docs/decisions/0004, 0011 and 0033.
 */
import type { Plugin } from 'vite';

const page = [
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
const hubWorker = "default-src 'none'; script-src 'self'; connect-src https: http://127.0.0.1:* http://localhost:*";

/** What public/outside.html says of itself. */
const outside =
  "default-src 'none'; script-src 'self'; worker-src blob:; connect-src http: https:; base-uri 'none'; form-action 'none'";

export const contentSecurityPolicy = (): Plugin => ({
  name: 'content-security-policy',
  apply: (_, { command, isPreview }) => command === 'build' || isPreview === true, // Vite's own inline scripts and socket must pass in development
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: page }, injectTo: 'head-prepend' },
  ],
  configurePreviewServer({ middlewares }) {
    middlewares.use((request, response, next) => {
      const isHubWorker = /\/hub-worker-[\w-]+\.js(?:\?|$)/.test(request.url ?? '');
      const isOutside = /\/outside\.html(?:\?|$)/.test(request.url ?? '');
      const document = `${isOutside ? outside : page}; frame-ancestors 'self'`;
      response.setHeader('content-security-policy', isHubWorker ? hubWorker : document);
      next();
    });
  },
});
