/**
 * A copy of the sources in which something new is planted, and what the compiler says of it. A part that is left out is a
 * variant: the same file again beside the first, without that part. So one run of the compiler tries them all.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export class Planted {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'groundwork-planted-')));
  readonly #files = new Set<string>();

  constructor() {
    const filter = (path: string) => path !== join('tests', 'golden');
    for (const name of ['src', 'shaders', 'tests', 'scripts', 'package.json'])
      cpSync(name, join(this.root, name), { recursive: true, filter });
    symlinkSync(resolve('node_modules'), join(this.root, 'node_modules'));
  }

  /** Writes a file, which the compiler then looks at with all that it imports. */
  write(path: string, text: string): void {
    writeFileSync(join(this.root, path), text);
    this.#files.add(path);
  }

  /** Has the compiler look at a file as it is. */
  look(path: string): void {
    this.#files.add(path);
  }

  /** Puts `added` after what stands there; throws where nothing like it stands. */
  insert(path: string, after: string, added: string): void {
    this.write(path, replaced(this.read(path), after, after + added));
  }

  /** The file once more under another name, without a part; returns that name. */
  without(path: string, part: string | RegExp, instead = ''): string {
    const name = path.replace(/(\.\w+)$/, `.variant-${this.#files.size}$1`);
    this.write(name, replaced(this.read(path), part, instead));
    return name;
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** What the compiler says, by file. */
  compile(): ReadonlyMap<string, string> {
    const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as { compilerOptions: object };
    // A variant leaves imports unused; that is not what is tried.
    const options = { ...compilerOptions, noUnusedLocals: false, noUnusedParameters: false };
    const files = [...this.#files, 'src/wgsl.d.ts'];
    writeFileSync(join(this.root, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
    const { stdout } = spawnSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '--pretty', 'false'], {
      cwd: this.root,
      encoding: 'utf8',
    });
    const said = new Map<string, string>();
    for (const line of stdout.split('\n')) {
      const [, file, message] = /^(\S+?)\(\d+,\d+\): (.*)$/.exec(line) ?? [];
      if (file) said.set(file, `${said.get(file) ?? ''}${message}\n`);
    }
    return said;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A text with a part changed, which must have been there; `$1` in `by` stands for a group of an expression. */
function replaced(text: string, part: string | RegExp, by: string): string {
  const left = typeof part === 'string' ? text.replace(part, () => by) : text.replace(part, by);
  if (left === text) throw new Error(`There is no ${part} to change.`);
  return left;
}
