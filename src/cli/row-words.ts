/** A row as text, as it was understood: boxes as fractions of their picture, wherever they stand. */
import type { Row, Segment } from '../engine/protocol/index.ts';

const box = ({ image, box: corners, label }: Extract<Segment, { type: 'box' }>['box']): string =>
  `⟨${label ? `${label}: ` : ''}picture ${image + 1}, ${corners.map((n) => n.toFixed(3)).join(' ')}⟩`;

const words = (segments: readonly Segment[]): string =>
  segments
    .map((segment) =>
      segment.type === 'text'
        ? segment.text
        : segment.type === 'image'
          ? `⟨picture ${segment.image + 1}⟩`
          : segment.spelling === undefined
            ? box(segment.box)
            : `${segment.spelling.replace(/\$\w+/g, '·')}${box(segment.box)}`,
    )
    .join('');

const indented = (text: string): string => text.replaceAll('\n', '\n    ');

/** Several lines: id, task and pictures; each turn; thinking and answer. */
export function rowWords({ id, task, images, prompt, think, nothing, answer }: Row): string {
  const thought = (text: string | undefined) => (text === undefined ? '' : `(thinks: ${text}) `);
  const said = (empty: true | undefined, content: readonly Segment[]) => (empty ? '(nothing to find)' : words(content));
  return [
    `  ${id}${task ? ` · ${task}` : ''} · ${images.join(', ') || 'no picture'}`,
    ...prompt.map(
      ({ role, content, think: own, nothing: none }) =>
        `    ${role}: ${indented(thought(own) + said(role === 'assistant' ? none : undefined, content))}`,
    ),
    `    answer: ${indented(thought(think) + said(nothing, answer))}`,
  ].join('\n');
}
