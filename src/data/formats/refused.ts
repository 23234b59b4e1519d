/** Rows that are known and not taught: one line each, with the way round. They are looked at before any format. */
import { rowIssue, type Source } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Refused {
  /** What the row has that is not taught, in words; null if it has none. */
  found(value: Fields): string | null;
  readonly fix: string;
}

const MEDIA = ['video', 'videos', 'audio', 'audios'];
/** Other names: of rows with pictures, they say where those were taken from. */
const MEDIA_LIKE = /^(?:video|audio|sound|clip)s?(?:[_-]?(?:path|url|file)s?)?$/i;
const MEDIA_FILE = /\.(?:mp4|avi|mov|mkv|webm|m4v|mpe?g|wav|mp3|flac|m4a|ogg|opus)$/i;
const isMediaFile = (value: unknown): boolean => typeof value === 'string' && MEDIA_FILE.test(value);
const isGiven = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);

/** Texts and parts of a row's turns, whatever they are called. */
function* parts(value: Fields): Generator<string | Fields> {
  for (const key of [
    'messages',
    'conversations',
    'conversation',
    'prompt',
    'completion',
    'query',
    'question',
    'problem',
    'instruction',
  ]) {
    const turns = value[key];
    if (typeof turns === 'string') yield turns;
    if (!Array.isArray(turns)) continue;
    for (const turn of turns as unknown[]) {
      if (typeof turn !== 'object' || turn === null) continue;
      const content = (turn as Fields).content ?? (turn as Fields).value;
      if (typeof content === 'string') yield content;
      else if (Array.isArray(content))
        for (const part of content as unknown[]) if (typeof part === 'object' && part !== null) yield part as Fields;
    }
  }
}

const shown = (value: unknown): string => {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first.length < 80 ? ` (${first})` : '';
};

function mediaOf(value: Fields): string | null {
  const pictures = [value.images, value.image].some(isGiven);
  const key =
    MEDIA.find((each) => isGiven(value[each])) ??
    ['images', 'image'].find((each) => [value[each]].flat().some(isMediaFile)) ??
    Object.keys(value).find((each) => !pictures && MEDIA_LIKE.test(each) && isGiven(value[each]));
  if (key) return `${/^(?:audio|sound)/i.test(key) ? 'a sound' : 'a video'}${shown(value[key])}`;
  for (const part of parts(value)) {
    const type = typeof part === 'string' ? /<(video|audio)>/.exec(part)?.[1] : part.type;
    if (typeof type !== 'string') continue;
    if (/video/.test(type)) return 'a video';
    if (/audio|sound/.test(type)) return 'a sound';
  }
  return null;
}

/** OpenAI's, and those of LLaMA-Factory's ShareGPT. */
const TOOL_ROLES = new Set<unknown>(['tool', 'function', 'function_call', 'observation', 'tool_call', 'tool_response']);

function toolsOf(value: Fields): string | null {
  if (isGiven(value.tools)) return 'tools';
  const turns = [value.messages, value.conversations].find(Array.isArray) as unknown[] | undefined;
  const uses = turns?.some(
    (turn) =>
      typeof turn === 'object' &&
      turn !== null &&
      (isGiven((turn as Fields).tool_calls) || TOOL_ROLES.has((turn as Fields).role ?? (turn as Fields).from)),
  );
  return uses ? 'calls of tools' : null;
}

const REFUSED: readonly Refused[] = [
  {
    found: mediaOf,
    fix: 'Only pictures are taught: take frames out of a video and give them as pictures, or leave the row out.',
  },
  { found: toolsOf, fix: 'Calls of tools are not taught: leave the row out, or write what was found as text.' },
  {
    found: (value) =>
      isGiven(value.chosen) && (isGiven(value.rejected) || isGiven(value.prompt)) && !isGiven(value.messages)
        ? 'a chosen and a rejected answer'
        : null,
    fix: 'Preferences are not taught: keep the chosen answer, as the last turn of messages or as completion.',
  },
];

/** null: the row may be read. */
export function refusal(value: Fields, source: Source): RowIssue | null {
  for (const { found, fix } of REFUSED) {
    const what = found(value);
    if (what !== null) return { ...rowIssue(source, '', `the row has ${what}`, fix), fault: 'not-taught' };
  }
  return null;
}
