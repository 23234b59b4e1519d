/** Coordinate heat: how surprised a policy is by every digit of the boxes it should have given. */
import { coordinateSpans, type NumberSpan } from '../../grounding/digits.ts';
import type { Row } from '../../data/row.ts';
import { pack } from '../../train/pack.ts';
import type { Scorer } from '../../train/scorer.ts';
import type { CoordinateHeat, DigitHeat } from '../protocol/answers.ts';
import type { PolicyName } from '../protocol/words.ts';
import type { Workbench } from '../model/workbench.ts';

/** One forward pass over the row's target. `scorer` belongs to the policy. */
export async function heatRow(
  { loaded, samples }: Workbench,
  row: Row,
  policy: PolicyName,
  scorer: Scorer,
): Promise<CoordinateHeat> {
  if (row.solution.length === 0) return { policy, boxes: [] };
  const [sample] = await samples.prepare([row]);
  const { completion, sizes, prompt } = sample!;
  const { logps } = await scorer.run(pack([{ prompt, completions: [completion] }]), samples.features([sample!]), {
    mode: { kind: 'score' },
    temperature: 1,
    adapter: policy === 'tuned',
    checkpoint: false,
  });
  const { tokenizer, convention } = loaded.processor;
  const tokens = tokenSpans(completion, (ids) => tokenizer.decode(ids));
  const text = tokenizer.decode([...completion]);
  // The thinking may name a box, too; the answer comes last.
  const answer = text.lastIndexOf(convention.formatAnswer(row.solution, sizes));
  const written = row.solution.map(({ image, box }) => convention.write(box, sizes[image]!));
  const spans = coordinateSpans(text, written, Math.max(0, answer));
  return {
    policy,
    boxes: row.solution.map(({ image, box }, b) => ({
      image,
      box,
      edges: (spans[b] ?? []).map((span) => digitsOf(span, tokens, logps, text)),
    })),
  };
}

/** Characters that each token adds to the text. A character of several tokens belongs to the last of them. */
function tokenSpans(tokens: Uint32Array, decode: (ids: number[]) => string): NumberSpan[] {
  const ids: number[] = [];
  let end = 0;
  return Array.from(tokens, (id) => {
    ids.push(id);
    const start = end;
    end = decode(ids).length;
    return { start, end };
  });
}

function digitsOf({ start, end }: NumberSpan, tokens: readonly NumberSpan[], logps: Float32Array, text: string) {
  return tokens.flatMap((token, i): DigitHeat[] =>
    token.start < end && token.end > start
      ? [{ text: text.slice(Math.max(start, token.start), Math.min(end, token.end)), loss: -logps[i]! }]
      : [],
  );
}
