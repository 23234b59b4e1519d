// `node --import ./scripts/register.mjs FILE.ts`: TypeScript by tsx, *.wgsl as text.
import { register } from 'node:module';
import 'tsx/esm';
register('./wgsl-hook.mjs', import.meta.url);
