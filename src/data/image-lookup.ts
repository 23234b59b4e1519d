/**
 * Finds the file a row's picture path means. Datasets are unpacked in other places than they were written in, so
 * `./MIG-Bench/images/a/b.png` also finds `images/a/b.png`: the file that shares most trailing path parts wins. Paths
 * may be those of Windows, `file:` addresses, or percent-encoded as annotation tools export them.
 */
import { Lru } from '../base/lru.ts';
import { alike, type FileSet } from './file-set.ts';

export type Lookup =
  | { readonly ok: true; readonly file: number }
  | { readonly ok: false; readonly reason: 'missing' }
  | {
      readonly ok: false;
      readonly reason: 'ambiguous';
      readonly count: number;
      /** The first few of them. */
      readonly candidates: readonly string[];
    };

const CANDIDATES_NAMED = 3;

const partsOf = (path: string): string[] =>
  path
    .replaceAll('\\', '/')
    .replace(/^file:\/\//, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.');

/** Files of one name by their folders, from the innermost: found in as many steps as a path has parts. */
interface Tails {
  readonly children: Map<string, Tails>;
  count: number;
  /** The first few. */
  readonly files: number[];
}

const noTails = (): Tails => ({ children: new Map(), count: 0, files: [] });

function addTail(root: Tails, file: number, parts: readonly string[]): void {
  let node = root;
  for (let i = parts.length - 1; ; i--) {
    node.count++;
    if (node.files.length < CANDIDATES_NAMED) node.files.push(file);
    if (i < 0) return;
    let child = node.children.get(parts[i]!);
    if (!child) node.children.set(parts[i]!, (child = noTails()));
    node = child;
  }
}

/** Those that share most trailing parts, and how many parts that is. */
function bestTails(root: Tails, parts: readonly string[]): Tails & { readonly shared: number } {
  let node = root;
  let shared = 0;
  for (; shared < parts.length; shared++) {
    const child = node.children.get(parts[parts.length - 1 - shared]!);
    if (!child) break;
    node = child;
  }
  return { ...node, shared };
}

/** Of all files with a name, whatever the case of its letters: by the parts as they are, and by parts alike. */
interface SameName {
  readonly exact: Tails;
  readonly folded: Tails;
}

/** Without percent-encoding, where it is any. */
function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}

export class ImageLookup {
  readonly #files: FileSet;
  /** Whether a file may be a picture: those with rows may not. */
  readonly #isPicture: (path: string) => boolean;
  readonly #found = new Lru<string, Lookup>(4096);
  readonly #names = new Lru<string, SameName>(1024);

  constructor(files: FileSet, isPicture: (path: string) => boolean = () => true) {
    this.#files = files;
    this.#isPicture = isPicture;
  }

  /** `reference` as a row of `dataFile` writes it. */
  find(reference: string, dataFile: string): Lookup {
    const folder = dataFile.slice(0, dataFile.lastIndexOf('/') + 1);
    const key = `${folder}\n${reference}`;
    let result = this.#found.get(key);
    if (!result) {
      result = this.#search(reference, folder);
      const plain = decoded(reference);
      if (!result.ok && result.reason === 'missing' && plain !== reference) result = this.#search(plain, folder);
      this.#found.set(key, result);
    }
    return result;
  }

  #search(reference: string, folder: string): Lookup {
    const parts = partsOf(reference);
    const plain = parts.join('/');
    for (const path of [folder + plain, plain]) {
      const file = this.#files.find(path);
      if (file >= 0 && this.#isPicture(path)) return { ok: true, file };
    }
    const { exact, folded } = this.#sameName(parts.at(-1) ?? '');
    const [as, like] = [bestTails(exact, parts), bestTails(folded, parts.map(alike))];
    // A folder in other letters of case says more than a name in the same.
    const best = like.shared > as.shared ? like : as;
    if (best.shared === 0) return { ok: false, reason: 'missing' };
    return best.count === 1
      ? { ok: true, file: best.files[0]! }
      : {
          ok: false,
          reason: 'ambiguous',
          count: best.count,
          candidates: best.files.map((file) => this.#files.path(file)),
        };
  }

  /** Looked through once a name: thousands of folders may have a picture 0.png each. */
  #sameName(name: string): SameName {
    const key = alike(name);
    let same = this.#names.get(key);
    if (same) return same;
    same = { exact: noTails(), folded: noTails() };
    for (const file of this.#files.named(name)) {
      const path = this.#files.path(file);
      if (!this.#isPicture(path)) continue;
      const parts = partsOf(path);
      addTail(same.exact, file, parts);
      addTail(same.folded, file, parts.map(alike));
    }
    this.#names.set(key, same);
    return same;
  }
}
