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
  | { readonly ok: false; readonly reason: 'ambiguous'; readonly candidates: readonly string[] };

const partsOf = (path: string): string[] =>
  path
    .replaceAll('\\', '/')
    .replace(/^file:\/\//, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.');

const sharedTail = (a: readonly string[], b: readonly string[]): number => {
  let n = 0;
  while (n < a.length && n < b.length && a[a.length - 1 - n] === b[b.length - 1 - n]) n++;
  return n;
};

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
    // Whoever shares the folder as well beats all that share the name alone: of those there may be very many.
    for (const candidates of [this.#files.namedInFolder(plain), this.#files.named(plain)]) {
      const found = this.#best(parts, candidates);
      if (found) return found;
    }
    return { ok: false, reason: 'missing' };
  }

  #best(parts: readonly string[], candidates: readonly number[]): Lookup | null {
    const paths = candidates
      .map((file) => ({ file, path: this.#files.path(file) }))
      .filter(({ path }) => this.#isPicture(path));
    for (const fold of [(s: string) => s, alike]) {
      const wanted = parts.map(fold);
      const scored = paths
        .map((candidate) => ({ ...candidate, shared: sharedTail(wanted, partsOf(candidate.path).map(fold)) }))
        .filter(({ shared }) => shared > 0);
      const most = scored.reduce((max, { shared }) => Math.max(max, shared), 0);
      const best = scored.filter(({ shared }) => shared === most);
      if (best.length === 1) return { ok: true, file: best[0]!.file };
      if (best.length > 1) return { ok: false, reason: 'ambiguous', candidates: best.map(({ path }) => path) };
    }
    return null;
  }
}
