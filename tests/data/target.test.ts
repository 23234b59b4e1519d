import { describe, expect, test } from 'vitest';
import { answerInstruction, promptMessages, targetText } from '../../src/data/target.ts';
import { CONVENTIONS, type BoxFamily } from '../../src/grounding/convention.ts';
import { parseAnswer } from '../../src/grounding/parse.ts';
import { llava, only, open } from './make-dataset.ts';

const sizes = [
  { width: 280, height: 140 },
  { width: 560, height: 280 },
  { width: 56, height: 56 },
];
const families = Object.keys(CONVENTIONS) as BoxFamily[];
const row = async (answer: string, pictures = 3) =>
  only(
    await open({
      'a.json': [
        llava(
          `${'<image>'.repeat(pictures)}Find <|box_start|>(100,200),(300,400)<|box_end|> of Image-1.`,
          answer,
          pictures,
        ),
      ],
    }),
  );

describe('targets', () => {
  const answer =
    "<think>Look.</think><answer>It's in the second image. <|box_start|>(100,200),(500,1000)<|box_end|></answer>";

  test('in the family’s own space and form', async () => {
    const r = await row(answer);
    expect(families.map((family) => targetText(r, CONVENTIONS[family], sizes))).toEqual([
      '<think>Look.</think><answer>{"image": 2, "bbox_2d": [56, 56, 280, 279]}</answer>',
      '<think>Look.</think><answer>Image-2: <|box_start|>(100,200),(500,1000)<|box_end|></answer>',
      '<think>Look.</think><answer>{"image": 2, "bbox_2d": [100, 200, 500, 1000]}</answer>',
      '<think>Look.</think><answer>{"image": 2, "bbox_2d": [100, 200, 500, 1000]}</answer>',
    ]);
  });

  test.each(families)('%s: what is taught is what the strict parser rewards', async (family) => {
    const r = await row(answer);
    const parsed = parseAnswer(targetText(r, CONVENTIONS[family], sizes), { convention: CONVENTIONS[family], sizes });
    expect(parsed).toMatchObject({ formatOk: true, think: 'Look.', boxes: [{ image: 1 }] });
    for (const [i, v] of parsed.boxes[0]!.box.entries())
      expect(Math.abs(v - r.solution[0]!.box[i]!)).toBeLessThanOrEqual(1 / 280);
  });

  test('a single picture is answered in native detection form', async () => {
    expect(
      targetText(
        await row('<|object_ref_start|>cup<|object_ref_end|><|box_start|>(100,200),(500,600)<|box_end|>', 1),
        CONVENTIONS.qwen2_5_vl,
        sizes.slice(0, 1),
      ),
    ).toBe('<answer>[{"bbox_2d": [28, 28, 140, 84], "label": "cup"}]</answer>');
  });

  test('a row without boxes is said as written', async () => {
    expect(targetText(await row('A cat.'), CONVENTIONS.qwen2_5_vl, sizes)).toBe('A cat.');
    expect(targetText(await row('<think>Hm.</think><answer>B</answer>'), CONVENTIONS.qwen2_5_vl, sizes)).toBe(
      '<think>Hm.</think><answer>B</answer>',
    );
  });
});

test('the prompt has its boxes in the model’s pixels and its pictures in place', async () => {
  const [message] = promptMessages(await row('x'), CONVENTIONS.qwen2_5_vl, sizes);
  expect(message).toEqual({
    role: 'user',
    content: [
      { type: 'image', image: 0 },
      { type: 'image', image: 1 },
      { type: 'image', image: 2 },
      { type: 'text', text: 'Find [28, 28, 84, 56] of Image-1.' },
    ],
  });
  const [asked] = promptMessages(await row('x'), CONVENTIONS.qwen2_vl, sizes, {
    instruction: answerInstruction(CONVENTIONS.qwen2_vl, 3),
    numberImages: true,
  });
  expect(asked!.content[0]).toEqual({ type: 'text', text: 'Image-1: ' });
  expect(asked!.content.at(-1)).toEqual({
    type: 'text',
    text: expect.stringContaining('<answer>Image-n: <|box_start|>') as string,
  });
});
