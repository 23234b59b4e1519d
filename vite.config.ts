import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { contentSecurityPolicy } from './scripts/content-security-policy.ts';
import { manifestBeside } from './scripts/manifest-plugin.ts';
import { offline } from './scripts/offline-plugin.ts';
import { wgsl } from './scripts/wgsl-plugin.ts';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };

export default defineConfig({
  define: { 'import.meta.env.VERSION': JSON.stringify(version) },
  base: './',
  appType: 'mpa', // rooms are hash routes: a file that is missing is an error, not the page again
  plugins: [wgsl(), react(), contentSecurityPolicy(), manifestBeside(), offline()],
  worker: { format: 'es', plugins: () => [wgsl()], rolldownOptions: { checks: { pluginTimings: false } } },
  // The interpreter of rewards asks for Node's module where it finds itself under Node, and nowhere else.
  resolve: { alias: { module: fileURLToPath(new URL('scripts/no-module.ts', import.meta.url)) } },
  server: { host: '127.0.0.1' },
  build: {
    // What runs the engine (Chrome 134 brought subgroups) understands all of this.
    target: 'es2023',
    cssTarget: ['chrome134', 'firefox141', 'safari26'], // the first with WebGPU, for us
    rolldownOptions: { checks: { pluginTimings: false } },
    manifest: true,
    sourcemap: true,
    // The engine is one file for its worker, and later than the page; what the page waits for is held small by check-size.
    chunkSizeWarningLimit: 2048,
    assetsInlineLimit: 0,
  },
});
