/**
 * Matches a pattern from outside in bounded time. The platform's own engine tries every way to match again and again,
 * and `(.*\.?)*z` keeps it busy for the age of the universe. Here a place in the pattern is tried at a place in the text
 * once: what failed there would fail again (the bit-state matcher of RE2, with look-around, which RE2 has not).
 */
import { GroundworkError } from './error.ts';
import { parseRegex, type RegexNode } from './regex-syntax.ts';

type Instruction =
  | { readonly op: 'one'; readonly test: (c: string) => boolean }
  /** Tries `to` in their order. */
  | { readonly op: 'split'; to: readonly number[] }
  | { readonly op: 'save'; readonly name: string; readonly end: boolean }
  | { readonly op: 'assert'; readonly at: 'start' | 'end' | 'border' | 'no-border' }
  | { readonly op: 'look'; readonly start: number; readonly behind: boolean; readonly negative: boolean; next: number }
  | { readonly op: 'match' };

/** Instructions of a pattern: `{1,1000}` of something is a thousand times that. */
const MOST_INSTRUCTIONS = 20_000;
/** Steps of one match; names of modules need some thousands. */
const MOST_STEPS = 2_000_000;

export class BoundedRegex {
  readonly source: string;
  readonly #flags: string;
  readonly #program: Instruction[] = [];

  /** @param flags only `i` @throws SyntaxError for what is no pattern; GroundworkError `regex-costly` for one too long */
  constructor(source: string, flags = '') {
    this.source = source;
    this.#flags = flags;
    new RegExp(source, flags); // for its messages; it is never run
    this.#emit(parseRegex(source));
    this.#program.push({ op: 'match' });
  }

  /** Whether the text matches from its beginning. @throws GroundworkError `regex-costly` */
  test(text: string): boolean {
    return this.match(text) !== null;
  }

  /** Named groups of the match from the text's beginning; null where it does not match. @throws GroundworkError `regex-costly` */
  match(text: string): Readonly<Record<string, string>> | null {
    const budget = { steps: MOST_STEPS };
    const saved = new Map<string, { start: number; end: number }>();
    if (this.#run(text, 0, 0, null, saved, budget) === null) return null;
    return Object.fromEntries([...saved].map(([name, { start, end }]) => [name, text.slice(start, end)]));
  }

  /** Where the match that starts at `pc` and `start` ends, which is `mustEnd` if that is given; null without one. */
  #run(
    text: string,
    pc0: number,
    start: number,
    mustEnd: number | null,
    saved: Map<string, { start: number; end: number }>,
    budget: { steps: number },
  ): number | null {
    const program = this.#program;
    const seen = new Set<number>();
    const stack: { readonly pc: number; readonly at: number; readonly undo?: () => void }[] = [{ pc: pc0, at: start }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (top.undo) {
        top.undo();
        continue;
      }
      let { pc, at } = top;
      for (;;) {
        if (--budget.steps < 0) throw costly(this.source);
        const key = pc * (text.length + 1) + at;
        if (seen.has(key)) break;
        seen.add(key);
        const step = program[pc]!;
        if (step.op === 'match') {
          if (mustEnd === null || at === mustEnd) return at;
          break;
        }
        if (step.op === 'one') {
          if (at >= text.length || !step.test(text[at]!)) break;
          at++;
          pc++;
        } else if (step.op === 'split') {
          for (const to of step.to.slice(1).reverse()) stack.push({ pc: to, at });
          pc = step.to[0]!;
        } else if (step.op === 'save') {
          const before = saved.get(step.name);
          saved.set(step.name, step.end ? { start: before?.start ?? at, end: at } : { start: at, end: at });
          stack.push({ pc: 0, at: 0, undo: () => (before ? saved.set(step.name, before) : saved.delete(step.name)) });
          pc++;
        } else if (step.op === 'assert') {
          if (!holds(step.at, text, at)) break;
          pc++;
        } else {
          const starts = step.behind ? Array.from({ length: at + 1 }, (_, i) => at - i) : [at];
          const found = starts.some(
            (from) => this.#run(text, step.start, from, step.behind ? at : null, new Map(), budget) !== null,
          );
          if (found === step.negative) break;
          pc = step.next;
        }
      }
    }
    return null;
  }

  #emit(node: RegexNode): void {
    const program = this.#program;
    if (program.length > MOST_INSTRUCTIONS) throw costly(this.source);
    switch (node.type) {
      case 'set': {
        const pattern = new RegExp(`^(?:${node.source})$`, this.#flags);
        program.push({ op: 'one', test: (c) => pattern.test(c) });
        return;
      }
      case 'sequence':
        for (const each of node.nodes) this.#emit(each);
        return;
      case 'choice':
        return this.#choice(node.nodes);
      case 'repeat':
        return this.#repeat(node);
      case 'group':
        if (node.name !== null) program.push({ op: 'save', name: node.name, end: false });
        this.#emit(node.node);
        if (node.name !== null) program.push({ op: 'save', name: node.name, end: true });
        return;
      case 'assert':
        program.push({ op: 'assert', at: node.at });
        return;
      case 'look': {
        const look = {
          op: 'look' as const,
          start: program.length + 1,
          behind: node.behind,
          negative: node.negative,
          next: 0,
        };
        program.push(look);
        this.#emit(node.node);
        program.push({ op: 'match' });
        look.next = program.length;
      }
    }
  }

  #choice(nodes: readonly RegexNode[]): void {
    const program = this.#program;
    const split: Extract<Instruction, { op: 'split' }> = { op: 'split', to: [] };
    program.push(split);
    const starts: number[] = [];
    const ends: Extract<Instruction, { op: 'split' }>[] = [];
    for (const node of nodes) {
      starts.push(program.length);
      this.#emit(node);
      const end: Extract<Instruction, { op: 'split' }> = { op: 'split', to: [] };
      program.push(end);
      ends.push(end);
    }
    split.to = starts;
    for (const end of ends) end.to = [program.length];
  }

  #repeat({ node, min, max, lazy }: Extract<RegexNode, { type: 'repeat' }>): void {
    const program = this.#program;
    if (min > MOST_INSTRUCTIONS || (max > MOST_INSTRUCTIONS && max !== Infinity)) throw costly(this.source);
    for (let i = 0; i < min; i++) this.#emit(node);
    const order = (inside: number, after: number) => (lazy ? [after, inside] : [inside, after]);
    if (max === Infinity) {
      const split: Extract<Instruction, { op: 'split' }> = { op: 'split', to: [] };
      const at = program.length;
      program.push(split);
      this.#emit(node);
      program.push({ op: 'split', to: [at] });
      split.to = order(at + 1, program.length);
      return;
    }
    const splits: (readonly [Extract<Instruction, { op: 'split' }>, number])[] = [];
    for (let i = min; i < max; i++) {
      const split: Extract<Instruction, { op: 'split' }> = { op: 'split', to: [] };
      splits.push([split, program.length + 1]);
      program.push(split);
      this.#emit(node);
    }
    for (const [split, inside] of splits) split.to = order(inside, program.length);
  }
}

function holds(what: 'start' | 'end' | 'border' | 'no-border', text: string, at: number): boolean {
  if (what === 'start') return at === 0;
  if (what === 'end') return at === text.length;
  const word = (i: number) => /^\w$/.test(text[i] ?? '');
  return (word(at - 1) !== word(at)) === (what === 'border');
}

const costly = (source: string): GroundworkError =>
  new GroundworkError(
    'regex-costly',
    `The pattern “${source.length > 80 ? `${source.slice(0, 77)}…` : source}” takes too long to match.`,
    'Write it more simply, or list the names.',
  );
