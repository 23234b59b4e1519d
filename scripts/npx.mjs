#!/usr/bin/env node
/**
 * The packed app: `npx ./groundwork-VERSION.tgz` serves the studio that was built when it was packed, on this machine
 * only, and opens the browser.
 *
 *     --port N      instead of the first free one from 4173
 *     --no-open     do not open a browser
 *     --version     say the version and end
 */
import { readFileSync } from 'node:fs';
import { readFlags, runStudio } from './studio.mjs';

const flags = readFlags({ version: { type: 'boolean' } });
if (flags.version) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  console.log(version);
} else await runStudio(flags);
