/**
 * Patterns of tokenizer.json, judged before they are run. The platform's engine matches them, for its speed and its
 * Unicode classes; it goes back and forth, and some patterns hold it for good on a few dozen characters. Those are
 * refused: a repetition of something that can be read in several ways, and neighbours that can share what they read out
 * in several ways before something that may fail. What tokenizers publish has neither.
 */
import { GroundworkError } from '../base/error.ts';
import { parseRegex, type RegexNode } from '../base/regex-syntax.ts';

/** So many times over is as good as any number of times. */
const MANY = 8;

/** @throws GroundworkError `tokenizer-costly` */
export function checkTokenizerPatterns(tokenizerJson: object): void {
  const { normalizer, pre_tokenizer, post_processor, decoder } = tokenizerJson as Record<string, unknown>;
  for (const pattern of patternsIn([normalizer, pre_tokenizer, post_processor, decoder])) {
    const why = reasonAgainst(pattern);
    if (why !== null)
      throw new GroundworkError(
        'tokenizer-costly',
        `tokenizer.json: the pattern “${pattern.length > 60 ? `${pattern.slice(0, 57)}…` : pattern}” ${why}.`,
        'Take the tokenizer files from the model’s page again. If they are so there, Groundwork cannot run this tokenizer safely.',
      );
  }
}

function patternsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(patternsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'Regex' && typeof inner === 'string' ? [inner] : patternsIn(inner),
  );
}

/** Why a pattern may take for ever, as the end of a sentence; null where it does not. */
export function reasonAgainst(pattern: string): string | null {
  let tree: RegexNode;
  try {
    tree = parseRegex(pattern);
  } catch (cause) {
    return `cannot be read: ${(cause as Error).message}`;
  }
  return against(tree);
}

function against(node: RegexNode): string | null {
  switch (node.type) {
    case 'set':
    case 'assert':
      return null;
    case 'choice':
      return first(node.nodes.map(against));
    case 'group':
    case 'look':
      return against(node.node);
    case 'repeat':
      return many(node) && !simple(node.node)
        ? 'repeats something that can be read in several ways, and could be matched for ever'
        : against(node.node);
    case 'sequence':
      return first(node.nodes.map(against)) ?? againstNeighbours(flat(node));
  }
}

const first = (reasons: readonly (string | null)[]): string | null => reasons.find((reason) => reason !== null) ?? null;

type Repeat = Extract<RegexNode, { type: 'repeat' }>;

const many = (node: RegexNode): node is Repeat => node.type === 'repeat' && node.max > MANY && !node.possessive;

/** Whether a text is read by it in one way at most: characters one after the other. */
function simple(node: RegexNode): boolean {
  if (node.type === 'set') return true;
  if (node.type === 'sequence') return node.nodes.every(simple) && node.nodes.length > 0;
  if (node.type === 'group') return simple(node.node);
  if (node.type === 'repeat') return node.min === node.max && simple(node.node);
  return node.type === 'look' || node.type === 'assert';
}

/** A sequence with its plain groups taken apart. */
const flat = (node: RegexNode): readonly RegexNode[] => {
  if (node.type === 'sequence') return node.nodes.flatMap(flat);
  return node.type === 'group' && !node.atomic && node.node.type === 'sequence' ? flat(node.node) : [node];
};

function againstNeighbours(nodes: readonly RegexNode[]): string | null {
  const repeats = nodes.flatMap((node, at) => (many(node) ? [{ node, at }] : []));
  for (const [i, one] of repeats.entries()) {
    const rivals = repeats.slice(i + 1).filter(({ node }) => overlap(one.node, node));
    const last = rivals.at(-1);
    if (last && (rivals.length > 1 || nodes.slice(last.at + 1).some((rest) => !canBeEmpty(rest))))
      return 'has repetitions that can share the same text in many ways, and could be matched for very long';
  }
  return null;
}

function canBeEmpty(node: RegexNode): boolean {
  if (node.type === 'repeat') return node.min === 0 || canBeEmpty(node.node);
  if (node.type === 'sequence') return node.nodes.every(canBeEmpty);
  if (node.type === 'choice') return node.nodes.some(canBeEmpty);
  return node.type === 'group' && canBeEmpty(node.node);
}

/** One of each kind of character that classes tell apart. */
const SAMPLES = [...Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)), ...'éßÉЖ中ª٣½\u0301ǅ　\u00a0「€😀'];

function overlap(a: Repeat, b: Repeat): boolean {
  const [inA, inB] = [setsOf(a.node), setsOf(b.node)];
  return SAMPLES.some((c) => inA.some((test) => test(c)) && inB.some((test) => test(c)));
}

const setsOf = (node: RegexNode): ((c: string) => boolean)[] => {
  if (node.type === 'set') {
    for (const flags of ['u', ''])
      try {
        const pattern = new RegExp(`^${node.source}$`, flags);
        return [(c) => pattern.test(c)];
      } catch {
        // Not in this way of reading it.
      }
    return [() => true];
  }
  if (node.type === 'sequence' || node.type === 'choice') return node.nodes.flatMap(setsOf);
  return node.type === 'group' || node.type === 'repeat' ? setsOf(node.node) : [];
};
