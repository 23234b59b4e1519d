/** Paths for what is added to files that are there: a folder comes under its name, files under theirs, and none of them twice. */

interface Placed {
  readonly path: string;
}

const ARCHIVE = /\.(?:zip|tar|tgz|tar\.gz|gz)$/i;

const topOf = (path: string): string => path.split('/', 1)[0]!;

/**
 * @param name what was given is called
 * @param folder the paths are those inside a folder of this name
 * @param there paths that are taken
 */
export function beside<T extends Placed>(
  name: string,
  given: readonly T[],
  folder: boolean,
  there: Iterable<string>,
): T[] {
  const taken = new Set([...there].map(topOf));
  const loose = !folder && given.every(({ path }) => path !== '' && !taken.has(topOf(path)));
  if (loose) return [...given];
  const base = name.replace(ARCHIVE, '');
  let mount = base;
  for (let n = 2; taken.has(mount); n++) mount = `${base} ${n}`;
  return given.map((each) => ({ ...each, path: each.path === '' ? mount : `${mount}/${each.path}` }));
}
