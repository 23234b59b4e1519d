/** Vite plugin: writes the page's own policy into the page of a build. What the policies are: scripts/policies.mjs. */
import type { Plugin } from 'vite';
import { PAGE } from './policies.mjs';

export const contentSecurityPolicy = (): Plugin => ({
  name: 'content-security-policy',
  apply: 'build', // Vite's own inline scripts and socket must pass in development
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: PAGE }, injectTo: 'head-prepend' },
  ],
});
