import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { contentSecurityPolicy } from './scripts/content-security-policy.ts';
import { manifestBeside } from './scripts/manifest-plugin.ts';
import { offline } from './scripts/offline-plugin.ts';
import { wgsl } from './scripts/wgsl-plugin.ts';

export default defineConfig({
  base: './',
  appType: 'mpa', // rooms are hash routes: a file that is missing is an error, not the page again
  plugins: [wgsl(), react(), contentSecurityPolicy(), manifestBeside(), offline()],
  worker: { format: 'es', plugins: () => [wgsl()] },
  server: { host: '127.0.0.1' },
  // No header for other origins, which would also name `Origin` in `Vary`.
  preview: { host: '127.0.0.1', cors: false },
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
