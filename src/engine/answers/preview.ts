/** One row as the model will see it, for the page. */
import type { Row } from '../../data/row.ts';
import type { AskOptions } from '../../train/samples.ts';
import type { EncodedPreview } from '../protocol/answers.ts';
import type { Workbench } from '../model/workbench.ts';

/** Pictures are opened no further than their header. Throws what `SampleStore.encode` throws. */
export async function previewRow(
  { loaded, samples }: Workbench,
  row: Row,
  options: AskOptions,
): Promise<EncodedPreview> {
  const [sample] = await samples.encode([row], options);
  const { form, sizes, natural, promptText, targetText, prompt, completion, learnt } = sample!;
  const { tokenizer, gridOf } = loaded.processor;
  const text = (id: number) => tokenizer.decode([id]);
  return {
    sizes: sizes.map((model, i) => ({
      natural: natural[i]!,
      model,
      tokens: loaded.model.featureCount(gridOf(model)),
    })),
    form,
    promptText,
    targetText,
    tokens: [
      ...Array.from(prompt.tokens, (id, i) => ({ text: text(id), inLoss: learnt[i] === 1 })),
      ...Array.from(completion, (id) => ({ text: text(id), inLoss: true })),
    ],
  };
}
