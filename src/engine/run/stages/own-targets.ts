/** Judged answers for a rehearsal, before any were sampled: each row's own target stands on both sides. */
import { span } from '../../../data/row-list.ts';
import type { JudgedAnswers } from '../../../train/preferences/judged-answers.ts';
import type { RunContext } from './handler.ts';

export async function ownTargets({ rows, samples }: RunContext, most: number): Promise<JudgedAnswers[]> {
  const encoded = await samples.encode(await rows.read(span(rows, 0, rows.length)));
  return encoded.map(({ row, completion }) => {
    const answer = completion.length ? [...completion.subarray(0, most)] : [0];
    return { rowId: row.id, right: [answer], wrong: [answer] };
  });
}
