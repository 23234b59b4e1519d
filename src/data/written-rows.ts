/**
 * Rows as JSON Lines in ms-swift 3's grounding form: `messages` with `<image>`, `<ref-object>` and `<bbox>` marks,
 * `objects` with boxes as fractions (`norm1`) and the picture of each, and what the row was made of.
 */
import { span, type RowList } from './row-list.ts';
import type { Answered, Row, Segment } from './row.ts';

/** Rows read together. */
const BATCH = 64;
/** A millionth of a picture is less than a pixel of any. */
const rounded = (n: number): number => Math.round(n * 1e6) / 1e6;

/** What is said where there is nothing to find; read as such whatever was asked. */
const NOTHING = '[]';

/** The row as a line. */
export function writtenRow({ id, task, split, images, prompt, answer, provenance, thoughtBy, ...own }: Row): string {
  const ref: string[] = [];
  const bbox: number[][] = [];
  const imageIds: number[] = [];
  const text = (segments: readonly Segment[]): string => {
    let words = '';
    for (const segment of segments) {
      if (segment.type === 'text') words += segment.text;
      else if (segment.type === 'image') words += '<image>';
      else {
        const { image, box, label } = segment.box;
        // A label stands before its box: as a mark of its own it stays that box's.
        if (label) {
          words = `${words.endsWith(label) ? words.slice(0, -label.length) : words}<ref-object>`;
          ref.push(label);
        }
        words += '<bbox>';
        bbox.push(box.map(rounded));
        imageIds.push(image);
      }
    }
    return words;
  };
  const said = (content: readonly Segment[], { think, nothing }: Answered): string => {
    const words = nothing ? NOTHING : text(content);
    return think === undefined ? words : `<think>${think}</think><answer>${words}</answer>`;
  };
  const messages = [
    ...prompt.map(({ role, content, ...answered }) => ({ role, content: said(content, answered) })),
    { role: 'assistant', content: said(answer, own) },
  ];
  const objects = bbox.length ? { objects: { ref, bbox, bbox_type: 'norm1', image_id: imageIds } } : {};
  return `${JSON.stringify({ id, task, split, images, messages, ...objects, ...(provenance && { provenance }), ...(thoughtBy && { thought_by: thoughtBy }) })}\n`;
}

export async function* writtenRows(rows: RowList): AsyncGenerator<string> {
  for (let from = 0; from < rows.length; from += BATCH)
    for (const row of await rows.read(span(rows, from, from + BATCH))) yield writtenRow(row);
}
