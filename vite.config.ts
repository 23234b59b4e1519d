import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { offline } from './scripts/offline-plugin.ts';
import { wgsl } from './scripts/wgsl-plugin.ts';

/** "Nothing leaves the machine", enforced by the browser: the page may speak to the server it came from, and to no other. */
const policy = [
  "default-src 'self'",
  "connect-src 'self' blob: data:",
  "img-src 'self' blob: data:",
  "style-src 'self' 'unsafe-inline'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const contentSecurityPolicy = (): Plugin => ({
  name: 'content-security-policy',
  apply: 'build', // in development Vite's own inline scripts and socket must pass
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
  ],
});

export default defineConfig({
  base: './',
  appType: 'mpa', // rooms are hash routes: a file that is missing is an error, not the page again
  plugins: [wgsl(), react(), contentSecurityPolicy(), offline()],
  worker: { format: 'es', plugins: () => [wgsl()] },
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1' },
  build: {
    // What runs the engine (Chrome 134 brought subgroups) understands all of this.
    target: 'es2023',
    cssTarget: ['chrome134', 'firefox141', 'safari26'], // the first with WebGPU, for us
    rolldownOptions: { checks: { pluginTimings: false } },
    manifest: true,
    sourcemap: true,
    assetsInlineLimit: 0,
  },
});
