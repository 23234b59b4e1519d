/**
 * Finds the file a row's picture path means. Datasets are unpacked in other places than they were written in, so
 * `./MIG-Bench/images/a/b.png` also finds `images/a/b.png`: the file that shares most trailing path parts wins.
 */
export type Lookup =
  | { readonly ok: true; readonly path: string }
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

export class ImageLookup {
  #exact: ReadonlySet<string>;
  /** By lower-case file name. */
  #byName = new Map<string, string[]>();
  #found = new Map<string, Lookup>();

  constructor(paths: readonly string[]) {
    this.#exact = new Set(paths);
    for (const path of paths) {
      const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
      const list = this.#byName.get(name);
      if (list) list.push(path);
      else this.#byName.set(name, [path]);
    }
  }

  /** `reference` as a row of `dataFile` writes it. */
  find(reference: string, dataFile: string): Lookup {
    const folder = dataFile.slice(0, dataFile.lastIndexOf('/') + 1);
    const key = `${folder}\n${reference}`;
    let result = this.#found.get(key);
    if (!result) this.#found.set(key, (result = this.#search(reference, folder)));
    return result;
  }

  #search(reference: string, folder: string): Lookup {
    const parts = partsOf(reference);
    const plain = parts.join('/');
    for (const path of [folder + plain, plain]) if (this.#exact.has(path)) return { ok: true, path };
    const candidates = this.#byName.get(parts.at(-1)?.toLowerCase() ?? '') ?? [];
    for (const fold of [(s: string) => s, (s: string) => s.toLowerCase()]) {
      const wanted = parts.map(fold);
      const scored = candidates
        .map((path) => ({ path, shared: sharedTail(wanted, partsOf(path).map(fold)) }))
        .filter(({ shared }) => shared > 0);
      const most = Math.max(0, ...scored.map(({ shared }) => shared));
      const best = scored.filter(({ shared }) => shared === most).map(({ path }) => path);
      if (best.length === 1) return { ok: true, path: best[0]! };
      if (best.length > 1) return { ok: false, reason: 'ambiguous', candidates: best };
    }
    return { ok: false, reason: 'missing' };
  }
}
