/** A prompt through the processors of all families: what the model reads, and what stays as it was. */
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Row } from '../../src/data/row.ts';
import { box01 } from '../../src/grounding/box.ts';
import { PROMPT, Prompting } from '../../src/train/prompt.ts';
import { SampleStore, TAUGHT } from '../../src/train/samples.ts';
import { useSession } from '../ops/harness.ts';
import { withTiny, type Tiny } from './tiny-model.ts';

const session = useSession();

const FAMILIES = ['qwen2_vl/policy-dapo', 'qwen2_5_vl/policy-grpo', 'qwen3_vl/policy-dapo', 'smolvlm/policy-dapo'];

const ROW: Row = {
  id: 'cup',
  task: 'find',
  split: 'train',
  images: ['a.png', 'b.png'],
  prompt: [
    {
      role: 'user',
      content: [
        { type: 'image', image: 0 },
        { type: 'image', image: 1 },
        { type: 'text', text: 'Where is the cup?' },
      ],
    },
  ],
  think: 'On the right.',
  answer: [{ type: 'box', box: { image: 1, box: box01(0.1, 0.2, 0.5, 0.6) } }],
  solution: [{ image: 1, box: box01(0.1, 0.2, 0.5, 0.6) }],
  source: { file: 'rows.jsonl', line: 1 },
};

function storeOf({ loaded }: Tiny) {
  const dataset = { naturalSize: async () => ({ width: 56, height: 56 }) } as unknown as Dataset;
  const store = new SampleStore(dataset, loaded.model, loaded.processor);
  const read = (ids: ArrayLike<number>) => loaded.processor.tokenizer.decode(ids);
  return { store, read };
}

describe.each(FAMILIES)('%s', (family) => {
  test('reads the usual prompt as no prompt, to the token', async () => {
    await withTiny(
      session(),
      async (tiny) => {
        const { store } = storeOf(tiny);
        const plain = await store.encode([ROW], TAUGHT);
        store.prompting = new Prompting(PROMPT, 5);
        expect(await store.encode([ROW], TAUGHT)).toEqual(plain);
        store.destroy();
      },
      family,
    );
  });

  test('reads system text, names and words where they belong, and is taught the form it is asked for', async () => {
    await withTiny(
      session(),
      async (tiny) => {
        const { store, read } = storeOf(tiny);
        const [plain] = await store.encode([ROW]);
        const settings = {
          ...PROMPT,
          system: 'Look at all pictures.',
          pictureName: 'Image-{n}: ',
          thinkWords: 'Think first.',
          answerWords: 'Answer at once, as {boxes}.',
        };
        store.prompting = new Prompting({ ...settings, answerForm: 'think' }, 5);
        const [think] = await store.encode([ROW], TAUGHT);
        store.prompting = new Prompting({ ...settings, answerForm: 'answer' }, 5);
        const [answer] = await store.encode([ROW], TAUGHT);
        for (const { promptText, prompt } of [think!, answer!]) {
          const at = ['Look at all pictures.', 'Image-1: ', 'Image-2: ', 'Where is the cup?'].map((words) =>
            promptText.indexOf(words),
          );
          expect(at).toEqual([...at].sort((a, b) => a - b));
          expect(at).not.toContain(-1);
          expect(prompt.featureRows).toBe(plain!.prompt.featureRows);
          expect(read(prompt.tokens)).toContain('Image-2: ');
        }
        expect(think!.promptText).toContain('Where is the cup? Think first.');
        expect(answer!.promptText).toContain(
          `Where is the cup? Answer at once, as ${tiny.loaded.processor.convention.syntax.example(2)}.`,
        );
        expect(think!.targetText).toBe(plain!.targetText);
        expect(answer!.targetText).toBe(plain!.targetText.replace('<think>On the right.</think>', ''));
        expect(read(answer!.completion)).toContain(answer!.targetText);
        // What is scored is the row, and the form is judged as it was asked for.
        expect(answer!.row).toBe(ROW);
        expect(store.parse(answer!, answer!.targetText)).toMatchObject({ tagsOk: true, formatOk: true });
        expect(store.parse(answer!, think!.targetText)).toMatchObject({ tagsOk: false, formatOk: false });
        expect(store.parse(think!, think!.targetText)).toMatchObject({ tagsOk: true, formatOk: true });
        expect(store.parse(think!, answer!.targetText)).toMatchObject({ tagsOk: false, formatOk: false });
        store.destroy();
      },
      family,
    );
  });
});
