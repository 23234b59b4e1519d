/**
 * What a dataset's answer consists of: thinking and answer, in whatever tags the field writes them. Rows are taught in
 * `<think>` and `<answer>`; what is moved there, or lost on the way, is told. A model's own answers are read by
 * grounding/parse.ts, which knows no other tags than those that it asks for.
 */
import type { LedgerKey } from './ledger.ts';

export interface AnswerParts {
  readonly think: string | null;
  readonly answer: string;
  readonly done: readonly LedgerKey[];
}

/** LLaVA-CoT's stages before its conclusion count as thinking where there is reasoning beside them. */
const STAGES = ['summary', 'caption'];
const THOUGHTS = [
  'think',
  'thinking',
  'thought',
  'thoughts',
  'reason',
  'reasoning',
  'rationale',
  'cot',
  'seed:think',
  ...STAGES,
];
const ANSWERS = ['answer', 'conclusion', 'final_answer', 'final', 'output', 'response'];

const TAG = new RegExp(
  [
    String.raw`<(\/?)(${[...THOUGHTS, ...ANSWERS].toSorted((a, b) => b.length - a.length).join('|')})>`,
    String.raw`<\|(begin|end)_of_(thought|solution)\|>`,
    String.raw`◁(\/?)(think)▷`,
    String.raw`\[(\/?)(THINK)\]`,
  ].join('|'),
  'gi',
);

interface Tag {
  readonly kind: 'thought' | 'answer' | 'stage';
  readonly opens: boolean;
  readonly start: number;
  readonly end: number;
  /** Written `<think>` or `<answer>`. */
  readonly usual: boolean;
}

function tagsOf(text: string): Tag[] {
  const tags = Array.from(text.matchAll(TAG), (match): Tag => {
    const [whole, slash, name, edge, what, kimiSlash, , mistralSlash] = match;
    const plain = (name ?? what ?? 'think').toLowerCase();
    return {
      kind: plain === 'solution' || ANSWERS.includes(plain) ? 'answer' : STAGES.includes(plain) ? 'stage' : 'thought',
      opens: edge === undefined ? (slash ?? kimiSlash ?? mistralSlash) === '' : edge.toLowerCase() === 'begin',
      start: match.index,
      end: match.index + whole.length,
      usual: /^<\/?(?:think|answer)>$/.test(whole),
    };
  });
  // A table's <caption> is no thought of its own.
  return tags.some(({ kind }) => kind === 'thought') ? tags : tags.filter(({ kind }) => kind !== 'stage');
}

const WRAPPED = /^<([a-z][\w-]{1,40})>([^<]*)<\/\1>$/i;

const joined = (parts: readonly string[]): string =>
  parts
    .map((part) => part.trim())
    .filter(Boolean)
    .join('\n');

/** Takes an answer apart. Never throws. */
export function answerParts(text: string): AnswerParts {
  const tags = tagsOf(text);
  if (tags.length === 0) return { think: null, answer: text.trim(), done: [] };
  const done = new Set<LedgerKey>();
  if (tags.some(({ usual }) => !usual)) done.add('other-tags');
  const lastThought = tags.findLastIndex(({ kind, opens }) => kind !== 'answer' && !opens);
  const opening = tags.findIndex(({ kind, opens }, i) => kind === 'answer' && opens && i > lastThought);
  const thoughts = tags.slice(0, opening < 0 ? undefined : opening).filter(({ kind }) => kind !== 'answer');
  // Where the thinking ends: at the answer, at its last tag, or, unclosed, with the text.
  const unclosed = opening < 0 && lastThought < 0 && thoughts.length > 0;
  const until =
    opening >= 0 ? tags[opening]!.start : unclosed ? text.length : lastThought >= 0 ? tags[lastThought]!.end : 0;
  const { inside, beside } = insideTags(text.slice(0, until), thoughts);
  let [think, lost] = [joined(inside), joined(beside)];
  if (thoughts.length === 0 && lost !== '') {
    // In a pair of tags of its own, whatever they are called, it is a thought without a doubt.
    const wrapped = WRAPPED.exec(lost);
    [think, lost] = [wrapped?.[2]?.trim() ?? lost, ''];
    done.add(wrapped ? 'other-tags' : 'words-as-thought');
  }
  let answer = text.slice(until);
  if (opening >= 0) {
    const from = tags[opening]!.end;
    const closing = tags.find(({ kind, opens, start }) => kind === 'answer' && !opens && start >= from);
    answer = text.slice(from, closing?.start);
    if (closing) lost += text.slice(closing.end).trim();
  }
  if (lost !== '') done.add('words-outside-answer');
  return { think: think === '' && thoughts.length === 0 ? null : think, answer: answer.trim(), done: [...done] };
}

/** Of a text before the answer, what stands inside tags of thinking and what beside them. A closing tag alone closes all before it. */
function insideTags(text: string, tags: readonly Tag[]): { inside: string[]; beside: string[] } {
  const inside: string[] = [];
  const beside: string[] = [];
  let at = 0;
  let open = tags[0] !== undefined && !tags[0].opens;
  for (const { opens, start, end } of tags) {
    (open ? inside : beside).push(text.slice(at, start));
    [open, at] = [opens, end];
  }
  (open ? inside : beside).push(text.slice(at));
  return { inside, beside };
}

const NOTHING =
  /^(?:none|null|nil|n\/a|\[\s?\]|\{\s?\}|no (?:object|objects|box|boxes|target|match|such object|bounding box)|not (?:found|present|visible|there)|无|没有)[.。!]?$/i;
/** Sentences that say it of one thing. */
const NOTHING_SAID =
  /^(?:there (?:is|are|was|were) (?:no|not any|none of)\b[^.,;:\d]{1,60}|no [^.,;:\d]{1,40}|none of the (?:images|pictures|photos)\b[^.,;:\d]{0,40}|(?:the|this|that|it|such) ?[^.,;:\d]{0,40} (?:(?:is|are) not (?:present|visible|there|shown|in)|(?:does|do) not (?:exist|appear|occur))\b[^.,;:\d]{0,40}|nothing(?: (?:found|there|detected))?|\(none\)|na|无目标|没有目标|不存在)[.。!]?$/i;
const FENCE = /^```(?:json)?\s{0,4}|\s{0,4}```$/g;
const ASKS_FOR_BOX =
  /\b(?:bounding|bbox|box|boxes|coordinate|coordinates|locate|localize|localise|detect|ground|grounding|where|find|region)\b|框|坐标|定位|检测/i;

/** Lists and objects in which nothing stands but null: `[]`, `{"bbox_2d": null}`, `{"objects": []}`. */
function isEmptyJson(text: string): boolean {
  const isEmpty = (value: unknown): boolean =>
    value === null || (typeof value === 'object' && Object.values(value).every(isEmpty));
  try {
    return isEmpty(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Whether a question asks for a place. */
export const asksForBox = (question: string): boolean => ASKS_FOR_BOX.test(question);

/** Whether an answer says that there is no box: an empty list; words only where the question asks for one. */
export const saysNothing = (answer: string, question: string): boolean => {
  const text = answer.trim().replace(FENCE, '');
  if (text === '') return ASKS_FOR_BOX.test(question);
  if (/^[[{]/.test(text) && text.length < 400 && isEmptyJson(text))
    return text.startsWith('[') || /\w/.test(text) || ASKS_FOR_BOX.test(question);
  return (
    (text.length <= 90 && NOTHING_SAID.test(text) && ASKS_FOR_BOX.test(question)) ||
    (text.length <= 30 && NOTHING.test(text) && ASKS_FOR_BOX.test(question))
  );
};
