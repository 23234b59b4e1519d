/** Text of a dataset or a model: always text nodes, with pictures and boxes as small chips. */
import type { Message, Segment } from '../../engine/protocol/index.ts';
import type { GroundedBox } from '../../grounding/box.ts';

export const boxWords = ({ image, box, label }: GroundedBox, numbers?: readonly number[]): string =>
  `${label ? `${label}: ` : ''}image ${image + 1}, ${(numbers ?? box.map((v) => v.toFixed(3))).join(' ')}`;

/** @param numbers instead of the box's fractions */
export function BoxChip({
  box,
  numbers,
}: {
  readonly box: GroundedBox;
  readonly numbers?: readonly number[] | undefined;
}) {
  return <span className="chip chip-box num">{boxWords(box, numbers)}</span>;
}

/** The boxes of an answer; nothing where there are none. */
export function BoxChips({ boxes }: { readonly boxes: readonly GroundedBox[] }) {
  if (boxes.length === 0) return null;
  return (
    <ul className="chips">
      {boxes.map((box, i) => (
        <li key={i}>
          <BoxChip box={box} />
        </li>
      ))}
    </ul>
  );
}

/** Templates put every image token on a line of its own: as chips they read better side by side. */
const betweenImages = (segments: readonly Segment[], i: number): boolean => {
  const segment = segments[i]!;
  return (
    segment.type === 'text' &&
    segment.text.trim() === '' &&
    segments[i - 1]?.type === 'image' &&
    segments[i + 1]?.type === 'image'
  );
};

export function Segments({ segments }: { readonly segments: readonly Segment[] }) {
  return (
    <>
      {segments.map((segment, i) =>
        segment.type === 'text' ? (
          <span key={i}>{betweenImages(segments, i) ? ' ' : segment.text}</span>
        ) : segment.type === 'image' ? (
          <span key={i} className="chip">
            Image {segment.image + 1}
          </span>
        ) : (
          <BoxChip key={i} box={segment.box} />
        ),
      )}
    </>
  );
}

export function Messages({ messages }: { readonly messages: readonly Message[] }) {
  return (
    <>
      {messages.map((message, i) => (
        <p key={i} className="words">
          {messages.length > 1 && <b className="words-role">{message.role} </b>}
          <Segments segments={message.content} />
        </p>
      ))}
    </>
  );
}

/** The prompt in one line, for lists. */
export function promptLine(messages: readonly Message[]): string {
  const last = messages.findLast((message) => message.role === 'user') ?? messages.at(-1);
  const text = last?.content.map((segment) => (segment.type === 'text' ? segment.text : '')).join(' ') ?? '';
  return text.replace(/\s+/g, ' ').trim();
}
