/** The prompt of a plan: which form a row is asked in, what is put around it, and what speaks against it. */
import { describe, expect, test } from 'vitest';
import type { Row, Segment } from '../../src/data/row.ts';
import { box01 } from '../../src/grounding/box.ts';
import { PROMPT, Prompting, PROMPT_TEMPLATES, promptFaults, type PromptSettings } from '../../src/train/prompt.ts';
import { promptSnippet } from '../../src/train/prompt-snippet.ts';
import { advise, checkRecipe } from '../../src/train/recipe-check.ts';
import { readRecipe, sayFault } from '../../src/train/recipe-schema.ts';
import { grpoStage, mergeStage, sftStage, synthesiseStage } from '../../src/train/stages/index.ts';

const text = (words: string): Segment => ({ type: 'text', text: words });
const picture = (image: number): Segment => ({ type: 'image', image });

const row = (part: Partial<Row> = {}): Row => ({
  id: 'a',
  task: 'find',
  split: 'train',
  images: ['1.png', '2.png'],
  prompt: [{ role: 'user', content: [picture(0), picture(1), text('Where is the cup?')] }],
  think: 'It is in the second one.',
  answer: [{ type: 'box', box: { image: 1, box: box01(0.1, 0.2, 0.3, 0.4) } }],
  solution: [{ image: 1, box: box01(0.1, 0.2, 0.3, 0.4) }],
  source: { file: 'rows.jsonl', line: 1 },
  ...part,
});

const asking = (part: Partial<PromptSettings>, seed = 3) => new Prompting({ ...PROMPT, ...part }, seed);
const example = (pictures: number) => `box of ${pictures}`;
const ids = Array.from({ length: 2000 }, (_, i) => `row ${i}`);

describe('the form of a row', () => {
  test('of a mix depends on seed and id alone, and has the share that was asked for', () => {
    const forms = ids.map((id) => asking({ answerForm: 'mix', thinkShare: 0.3 }).formOf(row({ id }), false));
    const share = forms.filter((form) => form === 'think').length / forms.length;
    expect(Math.abs(share - 0.3)).toBeLessThan(0.04);
    const again = [...ids]
      .reverse()
      .map((id) => asking({ answerForm: 'mix', thinkShare: 0.3 }).formOf(row({ id }), false));
    expect(again.reverse()).toEqual(forms);
    const other = ids.map((id) => asking({ answerForm: 'mix', thinkShare: 0.3 }, 4).formOf(row({ id }), false));
    expect(other).not.toEqual(forms);
  });

  test.each([
    ['all rows think at share 1', 1, 'think'],
    ['none thinks at share 0', 0, 'answer'],
  ])('%s', (_, thinkShare, form) => {
    expect(new Set(ids.map((id) => asking({ answerForm: 'mix', thinkShare }).formOf(row({ id }), false)))).toEqual(
      new Set([form]),
    );
  });

  test('a row without a thought cannot teach to think, and may still be asked to', () => {
    const { think: _, ...thoughtless } = row();
    const prompting = asking({ answerForm: 'think' });
    expect(prompting.formOf(thoughtless, true)).toBe('answer');
    expect(prompting.formOf(thoughtless, false)).toBe('think');
    expect(prompting.formOf(row(), true)).toBe('think');
  });

  test('may be another one for a task', () => {
    const prompting = asking({ answerForm: 'think', tasks: { count: { answerForm: 'answer' } } });
    expect(prompting.formOf(row({ task: 'count' }), false)).toBe('answer');
    expect(prompting.formOf(row(), false)).toBe('think');
  });

  test('of a published question is the published one, and nothing is put around it', () => {
    const asked = row({ published: true });
    const prompting = asking({ answerForm: 'think', system: 'Look well.', pictureName: 'Image-{n}: ' });
    expect(prompting.formOf(asked, false)).toBe('as-written');
    expect(prompting.ask(asked, 'think', example)).toBe(asked);
  });
});

describe('what is put around a row', () => {
  test('nothing, by the usual settings', () => {
    expect(asking({}).ask(row(), 'as-written', example)).toEqual(row());
  });

  test('words for the form after the last question, with the model’s own boxes', () => {
    const asked = row({
      prompt: [
        { role: 'user', content: [picture(0), text('What is this?')] },
        { role: 'assistant', content: [text('A cup.')] },
        { role: 'user', content: [picture(1), text('And where? ')] },
      ],
    });
    const { prompt, think } = asking({ thinkWords: 'Think: {boxes}.' }).ask(asked, 'think', example);
    expect(prompt[0]).toEqual(asked.prompt[0]);
    expect(prompt[1]).toEqual(asked.prompt[1]);
    expect(prompt[2]!.content.slice(1)).toEqual([text('And where? '), text('Think: box of 2.')]);
    expect(think).toBe(asked.think);
    const answered = asking({ answerWords: 'Answer.' }).ask(row(), 'answer', example);
    expect(answered.prompt[0]!.content.at(-1)).toEqual(text(' Answer.'));
    expect(answered).not.toHaveProperty('think');
  });

  test('no example of boxes where the row asks for none', () => {
    const asked = row({ solution: [], answer: [text('B')] });
    expect(asking({ thinkWords: 'As {boxes}.' }).ask(asked, 'think', example).prompt[0]!.content.at(-1)).toEqual(
      text(' As ….'),
    );
  });

  test('a name before each picture that has none yet', () => {
    const asked = row({
      prompt: [{ role: 'user', content: [text('Image-1: '), picture(0), picture(1), text('Where?')] }],
    });
    expect(asking({ pictureName: 'Image-{n}: ' }).ask(asked, 'as-written', example).prompt[0]!.content).toEqual([
      text('Image-1: '),
      picture(0),
      text('Image-2: '),
      picture(1),
      text('Where?'),
    ]);
  });

  test('the system text, before one of the row’s own', () => {
    const prompting = asking({ system: 'You look at pictures.' });
    expect(prompting.ask(row(), 'as-written', example).prompt[0]).toEqual({
      role: 'system',
      content: [text('You look at pictures.')],
    });
    const own = row({ prompt: [{ role: 'system', content: [text('Be brief.')] }, ...row().prompt] });
    const asked = prompting.ask(own, 'as-written', example).prompt;
    expect(asked).toHaveLength(2);
    expect(asked[0]!.content).toEqual([text('You look at pictures.\n\n'), text('Be brief.')]);
  });
});

describe('a prompt in a recipe file', () => {
  const plan = (prompt?: unknown) => ({
    name: 'p',
    seed: 1,
    stages: [sftStage()],
    ...(prompt !== undefined && { prompt }),
  });

  test('is not there in recipes from before, and they stay as they are', () => {
    expect(readRecipe(plan(), 'refused')).toEqual({ recipe: plan() });
  });

  test.each(PROMPT_TEMPLATES.flatMap(({ title, prompt }) => (prompt ? [[title, prompt] as const] : [])))(
    '“%s” comes back as it went',
    (_, prompt) => {
      const given = plan({ ...prompt, tasks: { count: { answerForm: 'answer' } } });
      expect(readRecipe(JSON.parse(JSON.stringify(given)), 'refused')).toEqual({ recipe: given });
    },
  );

  test('has the usual values where it says nothing', () => {
    expect(readRecipe(plan({ system: 'Look.' }), 'refused')).toEqual({ recipe: plan({ ...PROMPT, system: 'Look.' }) });
  });

  test.each([
    [3, 'prompt is 3; allowed is an object with its settings.'],
    [{ sistem: '' }, 'prompt.sistem is the text “”; allowed is nothing of that name in a prompt.'],
    [{ answerForm: 'shout' }, 'prompt.answerForm is the text “shout”; allowed is as-written, think, answer or mix.'],
    [{ thinkShare: 2 }, 'prompt.thinkShare is 2; allowed is a number from 0 to 1.'],
    [{ tasks: [] }, 'prompt.tasks is an empty list; allowed is an object with settings by task.'],
    [
      { tasks: { count: { thinkShare: 'half' } } },
      'prompt.tasks.count.thinkShare is the text “half”; allowed is a number from 0 to 1.',
    ],
    [
      { tasks: { count: { tasks: {} } } },
      'prompt.tasks.count.tasks is an object; allowed is nothing of that name in a prompt.',
    ],
  ])('%j is refused with its place, what was found and what is allowed', (prompt, sentence) => {
    const read = readRecipe(plan(prompt), 'refused');
    expect('faults' in read && read.faults.map(sayFault)).toEqual([sentence]);
  });

  test('with a control token, or one name for all pictures, is not run', () => {
    expect(promptFaults({ ...PROMPT, system: 'x <|im_end|>' })).toHaveLength(1);
    expect(promptFaults({ ...PROMPT, tasks: { count: { pictureName: 'Picture: ' } } })).toHaveLength(1);
    expect(promptFaults({ ...PROMPT, pictureName: 'Picture {n}: ' })).toEqual([]);
    const recipe = { name: '', seed: 0, stages: [sftStage()], prompt: { ...PROMPT, thinkWords: '<|image_pad|>' } };
    expect(advise(recipe).map(({ stage, severity }) => [stage, severity])).toEqual([[null, 'error']]);
    expect(() => checkRecipe(recipe)).toThrow(/control token/);
  });
});

describe('rewards that ask for a form which nothing teaches', () => {
  const stages = [sftStage({ name: 'Cold start' }), mergeStage(), grpoStage()];
  const warned = (recipe: Parameters<typeof advise>[0], thoughts: number | null) =>
    advise(recipe, thoughts === null ? null : { thoughts }).map(({ stage, text: words }) => `${stage}: ${words}`);
  const base = { name: '', seed: 0, stages };

  test('are told where no row has a thought', () => {
    expect(warned(base, 0)).toEqual([
      '2: “Format” asks for a thought before the answer, and “Cold start” does not teach that: no training row has a thought.',
    ]);
    expect(warned({ ...base, prompt: { ...PROMPT, answerForm: 'mix' } }, 0)).toHaveLength(1);
  });

  test('are in order where rows have thoughts, where a stage writes them, and where none are asked for', () => {
    expect(warned(base, 12)).toEqual([]);
    expect(warned(base, null)).toEqual([]);
    expect(warned({ ...base, stages: [synthesiseStage(), ...stages] }, 0)).toEqual([]);
    expect(warned({ ...base, prompt: { ...PROMPT, answerForm: 'answer' } }, 0)).toEqual([]);
  });

  test('are told where they judge thoughts, and the prompt has none written', () => {
    const judged = [sftStage(), mergeStage(), grpoStage({ rewardWeights: { iou: 1, agreement: 0.5 } })];
    expect(warned({ name: '', seed: 0, stages: judged, prompt: { ...PROMPT, answerForm: 'answer' } }, 12)).toEqual([
      '2: The prompt asks for answers without a thought, so “Thought agrees” has nothing to judge.',
    ]);
  });
});

describe('the snippet for Python', () => {
  test('asks as the recipe does, once for each form and task', () => {
    const prompt: PromptSettings = {
      ...PROMPT,
      answerForm: 'mix',
      system: 'Look "well".',
      pictureName: 'Image-{n}: ',
      tasks: { count: { answerForm: 'answer', answerWords: 'Only {boxes}.' } },
    };
    const snippet = promptSnippet(prompt, example);
    expect(snippet.match(/^messages = \[/gm)).toHaveLength(3);
    expect(snippet).toContain('{"role": "system", "content": [\n        {"type": "text", "text": "Look \\"well\\"."},');
    expect(snippet).toContain(
      '{"type": "text", "text": "Image-2: "},\n        {"type": "image", "path": "second.png"},',
    );
    expect(snippet).toContain('# for the answer alone, task "count"');
    expect(snippet).toContain('" Only box of 2."');
  });

  test('without a prompt asks the question alone', () => {
    expect(promptSnippet(null, example)).not.toContain('<think>');
    expect(promptSnippet(null, example)).toContain('{"type": "text", "text": question},');
  });
});
