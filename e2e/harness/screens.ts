/** Pictures of every room in every width and theme, into screenshots/ (not kept): `npx tsx e2e/harness/screens.ts [filter]`. */
import { mkdirSync } from 'node:fs';
import { chromium, type Page } from '@playwright/test';
import { chromiumPath } from '../../scripts/chromium.mjs';
import type { Harness } from './harness.ts';
import { serveHarness } from './serve.ts';

const filter = process.argv[2] ?? '';
mkdirSync('screenshots', { recursive: true });
const served = await serveHarness();
const browser = await chromium.launch({
  ...chromiumPath(),
  args: ['--no-sandbox', '--disable-background-networking', '--disable-quic', '--no-first-run'],
});

const shoot = (page: Page, name: string) =>
  page.screenshot({ path: `screenshots/${name}.png`, animations: 'disabled' });
const go = (page: Page, hash: string) => page.evaluate((to) => void (location.hash = to), hash);
const call = (page: Page, body: (harness: Harness) => unknown) => page.evaluate(`(${body.toString()})(window.harness)`);

/** A finished run of the quick plan. */
async function finish(page: Page): Promise<void> {
  await call(page, async ({ studio }) => {
    await studio.run.getState().start('fake', studio.recipe.getState().recipe);
    await new Promise<void>((done) => studio.run.subscribe(({ state }) => state === 'finished' && done()));
  });
}

interface Shot {
  readonly name: string;
  readonly query?: string;
  readonly prepare: (page: Page) => Promise<unknown>;
}

const sample = (page: Page) => call(page, ({ studio }) => studio.project.getState().startWithSample());
const opened =
  (hash: string, then: (page: Page) => Promise<unknown> = async () => undefined) =>
  async (page: Page) => {
    await sample(page);
    await go(page, hash);
    await page.waitForTimeout(400);
    await then(page);
  };
const ran = (tab: string) => async (page: Page) => {
  await sample(page);
  await go(page, '/run');
  await finish(page);
  await page.getByRole('tab', { name: tab }).click();
  await page.waitForTimeout(1200);
};

/** A project with a finished run and one that was interrupted. */
async function interrupted(page: Page, hash: string): Promise<void> {
  await sample(page);
  await go(page, hash);
  await page.waitForTimeout(600);
  await call(page, async ({ studio, transport }) => {
    const { keeping, recipe } = studio;
    const { current } = keeping.getState();
    const plan = recipe.getState().recipe;
    await transport.keep.remember(current!, plan, [], 'finished');
    await transport.keep.remember(current!, plan, [], 'running');
    await keeping.getState().duplicate(current!);
  });
}

/** A run on hold in which much goes wrong from step 31 on. */
const illRun = opened('/run', async (page) => {
  await page.getByRole('button', { name: 'Start paused' }).click();
  await call(page, async ({ transport }) => {
    const healthy = {
      loss: 1,
      entropy: 0.6,
      grad_norm: 1,
      frac_reward_zero_std: 0.1,
      'completions/mean_length': 90,
    };
    const ill = {
      loss: NaN,
      entropy: 0.001,
      grad_norm: 20,
      frac_reward_zero_std: 1,
      'completions/mean_length': 20,
    };
    for (let step = 1; step <= 36; step++)
      transport.emit({ type: 'metrics', stageIndex: 1, step, values: step > 30 ? ill : healthy });
  });
  await page.getByText('▲ Completions shrink').waitFor();
  await page.waitForTimeout(800);
});

const shots: readonly Shot[] = [
  { name: 'data-empty', prepare: async () => undefined },
  { name: 'data-rows', prepare: opened('/data') },
  { name: 'data-issues', prepare: opened('/data', (page) => page.getByRole('tab', { name: 'Issues' }).click()) },
  {
    name: 'data-thoughts-consent',
    prepare: opened('/data', async (page) => {
      await page.getByRole('tab', { name: 'Thoughts' }).click();
      await page.getByLabel('Server').fill('http://192.168.1.20:8000');
      await page.getByRole('button', { name: 'Ask the teacher…' }).click();
      await page.getByText('word for word').click();
    }),
  },
  {
    name: 'data-thoughts',
    prepare: opened('/data', async (page) => {
      await page.getByRole('tab', { name: 'Thoughts' }).click();
      await page.getByLabel('Server').fill('http://127.0.0.1:8000');
      await call(page, async ({ studio }) => {
        studio.thoughts.getState().edit({ model: 'Qwen3-VL-32B-Instruct' });
        await studio.thoughts.getState().start();
      });
      await page.getByLabel('Thoughts shown').selectOption({ index: 2 });
      await page.getByRole('listbox', { name: 'Thoughts' }).scrollIntoViewIfNeeded();
      await page.waitForTimeout(900);
    }),
  },
  {
    name: 'data-thoughts-asking',
    prepare: opened('/data', async (page) => {
      await page.getByRole('tab', { name: 'Thoughts' }).click();
      await page.getByLabel('Server').fill('http://127.0.0.1:8000');
      await call(page, ({ studio }) => void studio.thoughts.getState().start());
      await page.getByText('too many requests').waitFor();
    }),
  },
  { name: 'data-health', prepare: opened('/data', (page) => page.getByRole('tab', { name: 'Health' }).click()) },
  {
    name: 'data-coordinates',
    prepare: opened('/data', (page) => page.getByRole('tab', { name: 'Coordinates' }).click()),
  },
  {
    name: 'data-files',
    prepare: opened('/data', (page) => page.getByRole('tab', { name: 'Format and split' }).click()),
  },
  {
    name: 'data-unsettled',
    prepare: async (page) => {
      await call(page, ({ studio }) =>
        studio.project.getState().openDataset({ name: 'holiday.zip', files: [], handles: [] }),
      );
      await go(page, '/data');
    },
  },
  { name: 'model-empty', prepare: (page) => go(page, '/model') },
  { name: 'model', query: 'software', prepare: opened('/model') },
  {
    name: 'model-hub',
    prepare: opened('/model', async (page) => {
      await page.getByText('Revision, endpoint, token').click();
      await page.getByRole('button', { name: /^Delete Huggingface/i }).click();
      await page.getByLabel('Id of the model').fill('org/gated');
      await page.getByRole('button', { name: 'Download and load' }).click();
      await page.getByRole('alert').waitFor();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.waitForTimeout(900);
    }),
  },
  {
    name: 'model-quantised',
    prepare: async (page) => {
      await call(page, ({ studio }) => studio.project.getState().chooseStorage('int4'));
      await opened('/model', (p) => p.getByText('Quantising changed').click())(page);
    },
  },
  {
    name: 'recipe-memory',
    prepare: opened('/recipe', async (page) => {
      await page.getByRole('tab', { name: 'Memory' }).click();
      await page.getByText('after these changes').waitFor();
    }),
  },
  {
    name: 'recipe',
    prepare: opened('/recipe', (page) => page.getByRole('button', { name: /^Reinforcement/ }).click()),
  },
  {
    name: 'recipe-sees',
    prepare: opened('/recipe', async (page) => {
      await page.getByRole('tab', { name: 'As the model' }).click();
      await page
        .getByRole('group', { name: /^Pictures of row/ })
        .getByRole('img')
        .nth(2)
        .waitFor();
    }),
  },
  {
    name: 'recipe-prompt',
    prepare: opened('/recipe', async (page) => {
      await page.getByRole('tab', { name: 'Prompt' }).click();
      await page.getByRole('button', { name: 'A mix of both' }).click();
      await page.getByRole('button', { name: 'Add', exact: true }).click();
    }),
  },
  ...(['DPO', 'KTO', 'Synthesis of thoughts', 'Repeat'] as const).map((kind) => ({
    name: `recipe-stage-${kind.toLowerCase().replace(/ .*/, '')}`,
    prepare: opened('/recipe', async (page) => {
      if (kind === 'Repeat') await page.getByRole('button', { name: 'Own thoughts' }).click();
      else await page.getByRole('group', { name: 'Add a stage' }).getByRole('button', { name: kind }).click();
      await page.locator('.stage-main').last().click();
      for (const more of await page.locator('.stage-editor details.more summary').all()) await more.click();
    }),
  })),
  {
    name: 'recipe-own-reward',
    prepare: async (page) => {
      await sample(page);
      await go(page, '/run');
      await finish(page);
      await go(page, '/recipe');
      await page.getByRole('button', { name: /^Reinforcement/ }).click();
      await page.getByRole('button', { name: 'Write your own reward' }).click();
      await page.getByRole('button', { name: 'Try it on recorded groups' }).click();
      await page.getByText('It tells the answers apart').waitFor();
    },
  },
  { name: 'recipe-file', prepare: opened('/recipe', (page) => page.getByRole('tab', { name: 'Recipe as' }).click()) },
  {
    name: 'run-profile',
    prepare: async (page) => {
      await call(page, ({ studio }) => studio.profile.getState().ask());
      await ran('Profile')(page);
    },
  },
  { name: 'run-empty', query: 'software', prepare: (page) => go(page, '/run') },
  { name: 'run-curves', prepare: ran('Curves') },
  {
    name: 'run-held',
    prepare: async (page) => {
      await ran('Curves')(page);
      await page.getByRole('slider', { name: 'Step', exact: true }).fill('12');
      await page.getByRole('textbox', { name: 'Last step shown' }).fill('20');
      await page.waitForTimeout(900);
    },
  },
  {
    name: 'run-time',
    prepare: async (page) => {
      await ran('Curves')(page);
      await finish(page);
      await page.getByRole('radio', { name: 'Time' }).check({ force: true });
      await page.getByRole('slider', { name: 'Step', exact: true }).fill('12');
      await page.waitForTimeout(1200);
    },
  },
  {
    name: 'run-settings-compared',
    prepare: async (page) => {
      await ran('Curves')(page);
      await call(page, ({ studio: { recipe } }) => {
        const plan = recipe.getState().recipe;
        const stages = plan.stages.map((stage) =>
          stage.kind === 'sft'
            ? { ...stage, maxSteps: 18, lora: { ...stage.lora, r: 32, targetModules: ['q_proj', 'v_proj'] } }
            : stage,
        );
        recipe.setState({ recipe: { ...plan, seed: 7, stages } });
      });
      await finish(page);
      await page.getByText('between these runs').click();
      await page.waitForTimeout(900);
    },
  },
  {
    name: 'run-window',
    prepare: async (page) => {
      await ran('Curves')(page);
      // Of the supervised stage only: charts of the other have no points here.
      await page.getByRole('textbox', { name: 'Last step shown' }).fill('12');
      await page.waitForTimeout(900);
    },
  },
  { name: 'run-alarms', prepare: illRun },
  {
    name: 'run-alarm-log',
    prepare: async (page) => {
      await illRun(page);
      await page.getByRole('tab', { name: 'Alarm log' }).click();
      await page.getByRole('region', { name: 'Alarms since the run began' }).waitFor();
    },
  },
  {
    name: 'run-rehearsed',
    prepare: opened('/run', async (page) => {
      await page.getByRole('button', { name: 'Rehearse' }).click();
      await page.getByRole('region', { name: 'Rehearsal by stage' }).waitFor();
    }),
  },
  {
    name: 'run-compared',
    prepare: async (page) => {
      await ran('Curves')(page);
      await finish(page);
      await page
        .getByRole('button', { name: /^Step/ })
        .first()
        .click({ timeout: 2000 })
        .catch(() => undefined);
      await page.waitForTimeout(1200);
    },
  },
  {
    name: 'run-differences',
    prepare: async (page) => {
      await ran('Curves')(page);
      await call(page, async ({ studio: { run, project, book, rows }, writeRunFile }) => {
        const dataset = project.getState().dataset!;
        const madeOn = {
          model: { name: 'Qwen2.5-VL-3B-Instruct', digest: 'another' },
          dataset: { name: dataset.name, digest: 'another' },
        };
        const read = { ...dataset, options: { split: 'draw', seed: 7 } } as const;
        const foundation = { ...project.getState(), dataset: read, madeOn };
        const json = await writeRunFile(run.getState(), foundation, book, rows, new Date(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([json], 'run-x.groundwork.json'));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
      });
      await page.getByRole('status', { name: 'Differences from what is open' }).waitFor();
    },
  },
  { name: 'run-groups', prepare: ran('Groups') },
  {
    name: 'run-ledger',
    prepare: async (page) => {
      await ran('Ledger')(page);
      await page.getByRole('slider', { name: /^Box overlap/ }).fill('0');
      await page.waitForTimeout(300);
    },
  },
  { name: 'run-rejection', prepare: ran('Rejection') },
  { name: 'run-evaluation', prepare: ran('Evaluation') },
  {
    name: 'run-live',
    query: 'software',
    prepare: opened('/recipe', async (page) => {
      await page.getByRole('button', { name: 'Start the run' }).click();
      await page.waitForTimeout(4000);
    }),
  },
  {
    name: 'run-planned',
    query: 'software',
    prepare: opened('/run', async (page) => {
      await page.getByRole('button', { name: 'Rehearse' }).click();
      await page.getByRole('region', { name: 'Rehearsal by stage' }).waitFor();
      await page.getByRole('button', { name: 'Start the run' }).click();
      await page.getByText('planned at most').waitFor();
    }),
  },
  {
    name: 'run-preparing',
    prepare: opened('/run', async (page) => {
      await page.getByRole('button', { name: 'Start paused' }).click();
      await call(page, ({ studio, transport }) => {
        const stage = studio.recipe.getState().recipe.stages[0]!;
        transport.emit({ type: 'state', state: 'running' });
        transport.emit({ type: 'stage', index: 0, stage, status: 'started', seconds: 0 });
        const kernels = { done: 9, total: 23, unit: 'kernels compiled', preparing: true, etaSeconds: null } as const;
        transport.emit({ type: 'progress', stageIndex: 0, ...kernels });
      });
    }),
  },
  {
    name: 'inspect',
    prepare: opened('/inspect', async (page) => {
      await page.getByRole('button', { name: 'Answer all' }).click();
      await page.waitForTimeout(1800);
    }),
  },
  {
    name: 'inspect-heat',
    prepare: opened('/inspect', async (page) => {
      await page.getByRole('button', { name: /^Coordinate heat/ }).click();
      await page.getByRole('table').first().waitFor();
    }),
  },
  {
    name: 'inspect-swapped',
    prepare: opened('/inspect', async (page) => {
      await page.getByRole('button', { name: 'Answer all' }).click();
      await page.getByRole('button', { name: 'All are answered' }).waitFor();
      await page.getByRole('button', { name: /^Swap the pictures of/ }).click();
      await page.getByRole('status').filter({ hasText: 'It stays with the number' }).waitFor();
      await page.getByRole('button', { name: 'Swap the pictures and ask again' }).click();
      await page.waitForTimeout(600);
    }),
  },
  {
    name: 'scores',
    prepare: opened('/scores', async (page) => {
      await page.getByRole('button', { name: 'Evaluate base and tuned' }).click();
      await page.getByRole('list', { name: 'Differences' }).waitFor();
    }),
  },
  {
    name: 'scores-answers',
    prepare: opened('/scores', async (page) => {
      await page.getByRole('button', { name: 'Evaluate base and tuned' }).click();
      await page.getByRole('list', { name: 'Differences' }).waitFor();
      await page.getByRole('tab', { name: 'Answers' }).click();
      await page.locator('input[data-pick="predictions"]').setInputFiles({
        name: 'another.jsonl',
        mimeType: 'application/json',
        buffer: Buffer.from('{"id": "heldout-0001", "text": "(100,100),(200,200)"}'),
      });
      await page.getByLabel('Name of the model').waitFor();
    }),
  },
  {
    name: 'scores-failures',
    prepare: opened('/scores', async (page) => {
      await page.getByRole('button', { name: 'Evaluate base and tuned' }).click();
      await page.getByRole('list', { name: 'Differences' }).waitFor();
      await page.getByRole('tab', { name: 'Failures' }).click();
      await page.getByText('As a table').waitFor();
    }),
  },
  {
    name: 'inspect-selection',
    prepare: opened('/scores', async (page) => {
      await page.getByRole('button', { name: 'Evaluate base and tuned' }).click();
      await page.getByRole('list', { name: 'Differences' }).waitFor();
      await page.getByRole('tab', { name: 'Failures' }).click();
      await page
        .getByRole('button', { name: /^diff, (?:loose|missed)/ })
        .first()
        .click();
      await page.getByRole('button', { name: 'Show all rows' }).waitFor();
      await page.waitForTimeout(600);
    }),
  },
  {
    name: 'try',
    prepare: opened('/try', async (page) => {
      await call(page, async ({ studio }) => {
        const { rows } = await studio.client.request({
          type: 'rows',
          dataset: 'fake',
          split: 'train',
          offset: 0,
          count: 1,
        });
        const files = await Promise.all(
          rows[0]!.images.map(async (path) => ({
            path,
            file: await studio.client.request({ type: 'image', dataset: 'fake', path }),
          })),
        );
        studio.chat.getState().add(files);
        await studio.chat.getState().ask('Which picture has a red disc? Give its box.');
        studio.chat.getState().add(files.slice(0, 1));
      });
      await page.waitForTimeout(400);
    }),
  },
  {
    name: 'adapters',
    prepare: opened('/model', async (page) => {
      await call(page, async ({ studio }) => {
        const shelf = studio.adapters.getState();
        await shelf.keep('demo-quick');
        await shelf.importFiles('grounding-lora', []);
        await shelf.importFiles('style', []);
        await shelf.stack(['adapter-2', 'adapter-1'], true);
        const parts = ['adapter-1', 'adapter-2'].map((id, i) => ({ id, weight: 0.7 - 0.4 * i }));
        await shelf.merge({ name: 'both', parts, kind: 'ties_svd', density: 0.5, rank: null });
      });
      await page.getByText('Merge adapters').click();
      await page.getByLabel('Method').selectOption('ties_svd');
      await page.getByText('Compare with its parts').click();
      await page.getByRole('region', { name: 'Adapters' }).scrollIntoViewIfNeeded();
    }),
  },
  {
    name: 'export',
    query: 'fast',
    prepare: async (page) => {
      await sample(page);
      await finish(page);
      await page.evaluate('delete window.showSaveFilePicker; window.showSaveFilePicker = undefined');
      await go(page, '/export');
      await page.getByRole('button', { name: 'Write the adapter' }).click();
      await page.waitForTimeout(700);
    },
  },
  {
    name: 'export-under-way',
    query: 'fast',
    prepare: async (page) => {
      await sample(page);
      await finish(page);
      await page.evaluate('window.showSaveFilePicker = undefined');
      // One piece, and no end.
      await page.evaluate(`
        const stream = new ReadableStream({ start: (to) => to.enqueue(new Uint8Array(2 ** 24)) });
        harness.studio.client.request = async () => ({ fileName: 'adapter.zip', stream });
      `);
      await go(page, '/export');
      await page.getByRole('button', { name: 'Write the adapter' }).click();
      await page.getByRole('button', { name: 'Cancel' }).waitFor();
    },
  },
  {
    name: 'export-folder-under-way',
    query: 'fast',
    prepare: async (page) => {
      await sample(page);
      await finish(page);
      await page.evaluate(`
        window.showDirectoryPicker = async () => ({ kind: 'directory', name: 'merged' });
        harness.studio.client.request = () => new Promise(() =>
          setTimeout(() => harness.transport.emit({ type: 'exporting', bytes: 3.1e9, weightBytes: 7.5e9 }), 200),
        );
      `);
      await go(page, '/export');
      await page.getByRole('button', { name: 'Write into a folder' }).click();
      await page.getByRole('button', { name: 'Cancel' }).waitFor();
    },
  },
  {
    name: 'problems',
    prepare: opened('/data', (page) => call(page, ({ transport }) => transport.die())),
  },
  {
    name: 'device',
    prepare: async (page) => {
      await page.getByRole('button', { name: /Apple M4 Max/ }).click();
      await page.getByRole('radio', { name: 'Registers' }).check({ force: true });
      await page.getByRole('button', { name: 'Reload now' }).waitFor();
    },
  },
  {
    name: 'proof',
    prepare: async (page) => {
      await page.getByRole('button', { name: /Apple M4 Max/ }).click();
      await page.getByRole('button', { name: 'Prove the kernels' }).click();
      await page.getByText('All 6 agree').waitFor();
    },
  },
  {
    name: 'dataset-copies',
    prepare: async (page) => {
      await call(page, ({ transport }) => {
        const copiedAt = Date.UTC(2026, 9, 4, 9, 30);
        transport.keep.copies = [
          { location: 'datasets/street-scenes-2024-mh2k9x', files: 12_402, bytes: 9.6e9, copiedAt },
          { location: 'datasets/a-very-long-name-of-a-dataset-that-goes-on-mh2k9y', files: 1, bytes: 48e6, copiedAt },
        ];
      });
      await interrupted(page, '/projects');
      const copies = page.getByRole('region', { name: 'Copies of datasets' });
      await copies
        .getByRole('button', { name: /^Delete the copy/ })
        .first()
        .click();
      await copies.scrollIntoViewIfNeeded();
    },
  },
  { name: 'projects', prepare: (page) => interrupted(page, '/projects') },
  { name: 'interrupted', prepare: (page) => interrupted(page, '/run') },
  { name: 'no-webgpu', query: 'no-adapter', prepare: async () => undefined },
];

const only = process.argv[3]?.split(',');
for (const [width, height] of [
  [1280, 800],
  [1920, 1080],
  [900, 700],
  [3840, 2160],
] as const) {
  for (const theme of ['light', 'dark'] as const) {
    if (only && !only.includes(`${width}${theme[0]}`)) continue;
    for (const shot of shots) {
      if (!shot.name.match(filter)) continue;
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme });
      page.on('console', (message) => message.type() === 'error' && console.log(`${shot.name}: ${message.text()}`));
      page.on('pageerror', (error) => console.log(`${shot.name}: ${error.stack}`));
      // Pictures of two builds can be compared: no hour of the day, no animation half-way.
      await page.clock.setFixedTime(Date.UTC(2026, 9, 5, 12));
      try {
        await page.goto(`${served.url}?${shot.query ?? 'fast'}`);
        await page.waitForFunction('window.harness !== undefined');
        await shot.prepare(page);
        await page.waitForTimeout(400);
        await shoot(page, `${shot.name}-${width}-${theme}`);
      } catch (error) {
        console.log(`${shot.name}: ${String(error)}`);
        await shoot(page, `${shot.name}-${width}-${theme}`);
      }
      await page.close();
    }
  }
}
await browser.close();
await served.close();
