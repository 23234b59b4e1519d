/**
 * A disk in memory that fails as real ones do. What a program wrote is seen by it at once, but outlives a power cut only
 * as far as it was flushed: of what was not, any part may be there, in any order, torn at sectors; names that were made,
 * moved or removed in a folder that was not flushed may be there or not, each for itself.
 */
import { dirname } from 'node:path';
import type { Random } from '../../src/base/random.ts';
import type { Disk, DiskFile } from '../../src/cli/disk.ts';

const SECTOR = 512;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a name stands for: a folder has no contents. */
interface Node {
  readonly folder: boolean;
  now: Bytes;
  /** As it is on disk. */
  kept: Bytes;
  pending: ({ readonly at: number; readonly bytes: Uint8Array } | { readonly size: number })[];
}

/** A change of names: what stood for nothing before, or stands for nothing after, is null. */
interface NameChange {
  readonly folder: string;
  readonly set: readonly (readonly [path: string, node: Node | null])[];
}

export class Killed extends Error {}

const sized = (bytes: Bytes, size: number): Bytes => {
  const next = new Uint8Array(size);
  next.set(bytes.subarray(0, size));
  return next;
};

const written = (bytes: Bytes, at: number, more: Uint8Array): Bytes => {
  const next = sized(bytes, Math.max(bytes.length, at + more.length));
  next.set(more, at);
  return next;
};

const absent = (path: string) => Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

export class FaultyDisk implements Disk {
  #names = new Map<string, Node>();
  #kept = new Map<string, Node>();
  #changes: NameChange[] = [];
  /** Changes that were made so far. */
  operations = 0;
  /** Nothing reaches it any more. */
  dead = false;
  /** Nothing more can be written, though names can be removed. */
  full = false;
  onOperation: ((operation: number) => 'kill' | 'full' | null) | null = null;

  /** A disk with files on it, by full paths. */
  static of(files: Iterable<readonly [path: string, bytes: Bytes]>): FaultyDisk {
    const disk = new FaultyDisk();
    for (const [path, bytes] of files) {
      for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
        disk.#names.set(folder, disk.#names.get(folder) ?? node(true));
      disk.#names.set(path, { folder: false, now: bytes, kept: bytes, pending: [] });
    }
    disk.#kept = new Map(disk.#names);
    return disk;
  }

  /** What a program sees. */
  files(): [path: string, bytes: Bytes][] {
    return [...this.#names].filter(([, { folder }]) => !folder).map(([path, { now }]) => [path, now]);
  }

  /** The machine is on again after its power was cut. */
  cut(random: Random): void {
    for (const { set } of this.#changes) if (random.below(2) === 0) apply(this.#kept, set);
    this.#names = new Map([...this.#kept].filter(([path]) => this.#reached(path)));
    for (const each of new Set(this.#names.values())) {
      let bytes = each.kept;
      for (const change of random.shuffle([...each.pending])) {
        if (random.below(3) === 0) continue;
        if ('size' in change) bytes = sized(bytes, change.size);
        else {
          const sectors = random.below(Math.ceil(change.bytes.length / SECTOR) + 1);
          const torn = random.below(2) === 0 ? change.bytes : change.bytes.subarray(0, sectors * SECTOR);
          bytes = written(bytes, change.at, torn);
        }
      }
      each.now = each.kept = bytes;
      each.pending = [];
    }
    this.#kept = new Map(this.#names);
    this.#changes = [];
  }

  /** The process is gone and the system is not: it writes what it was given. */
  settle(): void {
    for (const each of this.#names.values()) {
      each.kept = each.now;
      each.pending = [];
    }
    this.#kept = new Map(this.#names);
    this.#changes = [];
  }

  async makeFolder(path: string): Promise<string | undefined> {
    const missing: string[] = [];
    for (let folder = path; !this.#names.has(folder) && folder !== dirname(folder); folder = dirname(folder))
      missing.unshift(folder);
    if (missing.length > 0) this.#step(false);
    for (const folder of missing) this.#change(dirname(folder), [[folder, node(true)]]);
    return missing[0];
  }

  async open(path: string, how: 'empty' | 'keep'): Promise<DiskFile> {
    const found = this.#names.get(path);
    if (!found) {
      this.#step(true);
      this.#require(dirname(path));
      this.#change(dirname(path), [[path, node(false)]]);
    }
    const file = this.#names.get(path)!;
    const change = (entry: Node['pending'][number]) => {
      file.now = 'size' in entry ? sized(file.now, entry.size) : written(file.now, entry.at, entry.bytes);
      file.pending.push(entry);
    };
    if (how === 'empty' && file.now.length > 0) change({ size: 0 });
    return {
      write: async (bytes, offset) => {
        const half = (end: number) => change({ at: offset, bytes: bytes.slice(0, end) });
        this.#step(true, () => half(bytes.length >> 1));
        half(bytes.length);
      },
      truncate: async (size) => {
        this.#step(true);
        change({ size });
      },
      flush: async () => {
        this.#step(false);
        file.kept = file.now;
        file.pending = [];
      },
      close: () => Promise.resolve(),
    };
  }

  async flushFolder(path: string): Promise<void> {
    this.#step(false);
    for (const { folder, set } of this.#changes) if (folder === path) apply(this.#kept, set);
    this.#changes = this.#changes.filter(({ folder }) => folder !== path);
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#require(from);
    this.#require(dirname(to));
    this.#step(false);
    this.#change(dirname(to), [
      [from, null],
      [to, file],
    ]);
  }

  async remove(path: string): Promise<void> {
    const all = [...this.#names.keys()].filter((name) => name === path || name.startsWith(`${path}/`));
    if (all.length === 0) return;
    this.#step(false);
    // What lies deepest goes first.
    for (const name of all.toSorted((a, b) => b.length - a.length)) this.#change(dirname(name), [[name, null]]);
  }

  filesBelow(root: string) {
    const below = this.files().filter(([path]) => path.startsWith(`${root}/`));
    return Promise.resolve(below.map(([path, { length: size }]) => ({ path, size })));
  }

  blob(path: string): Promise<Blob | null> {
    const found = this.#names.get(path);
    return Promise.resolve(found && !found.folder ? new Blob([found.now]) : null);
  }

  space() {
    const used = this.files().reduce((sum, [, { length }]) => sum + length, 0);
    return Promise.resolve({ used, quota: this.full ? used : 1e9 });
  }

  /** @param torn does the half of it that a kill or a full disk leaves behind */
  #step(needsRoom: boolean, torn: () => void = () => undefined): void {
    if (this.dead) throw new Killed('the process is gone');
    const fate = this.onOperation?.(this.operations++);
    if (fate === 'full') this.full = true;
    if (fate === 'kill' || (this.full && needsRoom)) torn();
    if (fate === 'kill') {
      this.dead = true;
      throw new Killed('the process was killed');
    }
    if (this.full && needsRoom) throw full();
  }

  #change(folder: string, set: NameChange['set']): void {
    apply(this.#names, set);
    this.#changes.push({ folder, set });
  }

  #require(path: string): Node {
    const found = this.#names.get(path);
    if (!found && path !== dirname(path)) throw absent(path);
    return found!;
  }

  /** Whether all folders above a name are there. */
  #reached(path: string): boolean {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
      if (!this.#kept.has(folder)) return false;
    return true;
  }
}

const node = (folder: boolean): Node => ({ folder, now: new Uint8Array(), kept: new Uint8Array(), pending: [] });

function apply(names: Map<string, Node>, set: NameChange['set']): void {
  for (const [path, each] of set) {
    if (each) names.set(path, each);
    else names.delete(path);
  }
}
