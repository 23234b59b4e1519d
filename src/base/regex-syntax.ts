/**
 * Regular expressions as trees, for what must be known of a pattern from outside before it is run: what may repeat in
 * what. The syntax is JavaScript's, with what tokenizer files write besides (atomic groups, possessive quantifiers).
 */

/** One character. `source` is a pattern for it alone. */
interface CharacterSet {
  readonly type: 'set';
  readonly source: string;
}

export type RegexNode =
  | CharacterSet
  | { readonly type: 'sequence' | 'choice'; readonly nodes: readonly RegexNode[] }
  | {
      readonly type: 'repeat';
      readonly node: RegexNode;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
      /** Never gives back what it took. */
      readonly possessive: boolean;
    }
  | { readonly type: 'group'; readonly node: RegexNode; readonly name: string | null; readonly atomic: boolean }
  | { readonly type: 'look'; readonly node: RegexNode; readonly behind: boolean; readonly negative: boolean }
  | { readonly type: 'assert'; readonly at: 'start' | 'end' | 'border' | 'no-border' };

/** Groups inside each other. */
const MOST_LEVELS = 200;

/** Throws `SyntaxError` for what is no pattern, or is nested too deeply. */
export function parseRegex(source: string): RegexNode {
  const parser = new Parser(source);
  const node = parser.choice(0);
  if (!parser.ended) throw new SyntaxError(`a closing bracket without its opening one at position ${parser.at}`);
  return node;
}

class Parser {
  readonly #source: string;
  at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get ended(): boolean {
    return this.at >= this.#source.length;
  }

  get #rest(): string {
    return this.#source.slice(this.at, this.at + 80);
  }

  choice(level: number): RegexNode {
    if (level > MOST_LEVELS) throw new SyntaxError(`groups are nested more than ${MOST_LEVELS} deep`);
    const nodes = [this.#sequence(level)];
    while (this.#source[this.at] === '|') {
      this.at++;
      nodes.push(this.#sequence(level));
    }
    return nodes.length === 1 ? nodes[0]! : { type: 'choice', nodes };
  }

  #sequence(level: number): RegexNode {
    const nodes: RegexNode[] = [];
    while (!this.ended && this.#source[this.at] !== '|' && this.#source[this.at] !== ')') {
      const node = this.#atom(level);
      if (node) nodes.push(this.#quantified(node));
    }
    return { type: 'sequence', nodes };
  }

  #quantified(node: RegexNode): RegexNode {
    const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})([?+]?)/.exec(this.#rest);
    if (!found) return node;
    this.at += found[0].length;
    const [, sign, low, comma, high, suffix] = found;
    const min = sign ? (sign === '+' ? 1 : 0) : Number(low);
    const max = sign ? (sign === '?' ? 1 : Infinity) : comma ? (high === '' ? Infinity : Number(high)) : Number(low);
    return this.#quantified({ type: 'repeat', node, min, max, lazy: suffix === '?', possessive: suffix === '+' });
  }

  /** null for a comment. */
  #atom(level: number): RegexNode | null {
    const c = this.#source[this.at]!;
    if (c === '(') return this.#group(level);
    if (c === '[') return this.#set(this.#endOfSet());
    if (c === '^' || c === '$') return this.#assert(1, c === '^' ? 'start' : 'end');
    if (c !== '\\') return this.#set(this.at + (this.#source.codePointAt(this.at)! > 0xffff ? 2 : 1));
    const next = this.#source[this.at + 1];
    if (next === undefined) throw new SyntaxError('a backslash at the end');
    if (next === 'b' || next === 'B') return this.#assert(2, next === 'b' ? 'border' : 'no-border');
    const long = /^\\(?:[pP]\{[^}]*\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[^}]*\}|c[A-Za-z])/.exec(this.#rest);
    return this.#set(this.at + (long?.[0].length ?? 2));
  }

  #group(level: number): RegexNode | null {
    const found = /^\((?:\?(?:#[^)]*\)|<?[=!]|:|>|P?<([A-Za-z_]\w*)>|[a-zA-Z-]+[:)]))?/.exec(this.#rest)!;
    const [opening, name = null] = found;
    this.at += opening.length;
    // A comment, or flags for what follows.
    if (opening.endsWith(')')) return null;
    const node = this.choice(level + 1);
    if (this.#source[this.at] !== ')') throw new SyntaxError('a group without its end');
    this.at++;
    if (/[=!]$/.test(opening))
      return { type: 'look', node, behind: opening.startsWith('(?<'), negative: opening.endsWith('!') };
    return { type: 'group', node, name, atomic: opening === '(?>' };
  }

  #endOfSet(): number {
    let depth = 0;
    for (let at = this.at; at < this.#source.length; at++) {
      const c = this.#source[at];
      if (c === '\\') at++;
      else if (c === '[') depth++;
      else if (c === ']' && --depth === 0) return at + 1;
    }
    throw new SyntaxError('a set without its end');
  }

  #set(end: number): RegexNode {
    const source = this.#source.slice(this.at, end);
    this.at = end;
    return { type: 'set', source };
  }

  #assert(length: number, at: 'start' | 'end' | 'border' | 'no-border'): RegexNode {
    this.at += length;
    return { type: 'assert', at };
  }
}
