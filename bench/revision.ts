/**
 * Another revision of this repository as a rival: checked out beside ours, bundled like ours, on a device of its own.
 * It runs its own contests, so that kernels and what calls them are those of one revision; contests meet by name.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GroundworkError } from '../src/base/error.ts';
import type { Version } from './bench.ts';

export interface Checkout {
  readonly revision: string;
  readonly folder: string;
  remove(): void;
}

/** Within the root, so that imports find our node_modules; git ignores it. */
const FOLDER = '.cache/revision';

/** @throws GroundworkError `no-revision` */
export function checkout(revision: string): Checkout {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  let commit: string;
  try {
    commit = git('rev-parse', '--short', '--verify', '--end-of-options', `${revision}^{commit}`).trim();
  } catch {
    throw new GroundworkError(
      'no-revision',
      `git knows no revision ${revision}.`,
      'Name a commit, a branch or a tag: HEAD~1.',
    );
  }
  const remove = () => {
    rmSync(FOLDER, { recursive: true, force: true });
    git('worktree', 'prune');
  };
  // What an interrupted run left.
  remove();
  git('worktree', 'add', '--detach', FOLDER, commit);
  return { revision: commit, folder: resolve(FOLDER), remove };
}

type Bundler = <Module>(entry: string, folder: string) => Promise<Module>;

export async function versionOf({ revision, folder }: Checkout, bundled: Bundler): Promise<Version> {
  const entry = `${folder}/version.ts`;
  writeFileSync(
    entry,
    `export { contests } from './bench/contests/all.ts';
     export { openGpu } from './src/gpu/device.ts';
     export { Session } from './src/gpu/recorder.ts';`,
  );
  return { name: revision, ...(await bundled<Omit<Version, 'name'>>(entry, '.cache/bench-revision')) };
}
