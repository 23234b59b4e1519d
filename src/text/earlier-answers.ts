/**
 * Where the assistant's earlier turns stand in a rendered conversation: they are learnt as the last one is, as
 * LLaMA-Factory, ms-swift and TRL (`assistant_only_loss`) do. Templates do not say where a turn begins, so each is looked
 * for behind all that is rendered of the turns before it. A template may rewrite what was said before, or leave out its
 * thinking: what is rendered is learnt, and what is not found is not.
 */
import type { ChatMessage, ChatTemplate } from './chat-template.ts';

/** Of a text, in characters. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** A header such as `<|im_start|>assistant\n` is no longer than what asks for an answer, and a little. */
const HEADER_ROOM = 24;

const wordsOf = ({ content }: ChatMessage): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** What a template may make of a turn: as it is, trimmed, without its thinking. */
function* shapes(words: string): Generator<string> {
  yield words;
  yield words.trim();
  const thought = words.lastIndexOf('</think>');
  if (thought >= 0) yield words.slice(thought + '</think>'.length).trim();
}

/** `text`: the conversation as rendered. Spans reach to the end of their turn, `endOfTurn` included. */
export function earlierAnswers(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  text: string,
  endOfTurn: string,
): { readonly spans: readonly TextSpan[]; readonly missing: number } {
  const spans: TextSpan[] = [];
  let missing = 0;
  for (const [k, message] of messages.entries()) {
    if (message.role !== 'assistant') continue;
    const span = k > 0 ? spanOf(template, messages, k, text, endOfTurn) : null;
    if (span && span.start >= (spans.at(-1)?.end ?? 0)) spans.push(span);
    else missing++;
  }
  return { spans, missing };
}

function spanOf(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  k: number,
  text: string,
  endOfTurn: string,
): TextSpan | null {
  const before = messages.slice(0, k);
  const shown = template.render(before, { addGenerationPrompt: false });
  if (!text.startsWith(shown)) return null;
  const header = template.render(before).length - shown.length;
  for (const words of shapes(wordsOf(messages[k]!))) {
    if (words === '') continue;
    const found = text.indexOf(words, shown.length);
    if (found < 0 || found - shown.length > header + HEADER_ROOM) continue;
    // A space after “Assistant:” is the answer's own: where an answer is asked for, there is none.
    const start = text[found - 1] === ' ' ? found - 1 : found;
    const end = found + words.length;
    const blank = /^\s*/.exec(text.slice(end, end + 8))![0].length;
    return { start, end: text.startsWith(endOfTurn, end + blank) ? end + blank + endOfTurn.length : end };
  }
  return null;
}
