/**
 * The whole method from the command line: base → SFT → merge → rejection sampling → GRPO → evaluation → export, on the
 * starter model and the sample dataset. Prints progress and one table; writes report.json, adapter/ and merged/.
 *
 *   npm run demo -- --out DIR [--quick | --recipe RECIPE] [--seed N] [--model DIR|ID] [--data PATH]… [--resume]
 *     [--save-every N] [--storage auto|f32|f16|int8|int4|nf4] [--coordinates FILE=SPACE] [--unsaid-picture FILE=WHICH]
 *     [--report FILE [--gallery KIND…] [--gallery-rows N]]
 *     [--answers boxes|words] [--turns all|last] [--skip-unusable] [--edits FILE] [--allow-code]
 *     [--min-pixels N] [--max-pixels N] [--longest-edge N] [--tiles on|off]
 *     [--reward NAME=WEIGHT]… [--gguf f16|bf16|q8_0|q4_0]…
 *     [--teacher URL [--teacher-model NAME] [--teacher-samples N] [--teacher-at-once N] [--teacher-space SPACE]]
 *
 * Several --data are one dataset: the files of the first keep their paths, those of the others come under their folder's
 * name, as the studio adds them. --reward gives a reward another weight in the GRPO stages of the recipe: two runs of a seed with and without it say
 * what it adds. RECIPE is a preset by its name (src/train/presets.ts), or a file with a plan as the studio's Recipe room writes it. ID
 * is a model on a Hub (find-model.ts). The run is kept in DIR/run, with a checkpoint every 20 steps and every two
 * minutes, or every N steps: --resume goes on with one that was interrupted there, from its last checkpoint, with the recipe it was
 * started with.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { count } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import { EngineSession } from '../engine/session.ts';
import { heldAs } from '../engine/model/weight-storage.ts';
import { exportWitness } from '../engine/run/witness.ts';
import type { RunRecord } from '../engine/protocol/records.ts';
import { storageInFiles, type Storage } from '../store/storage.ts';
import { buildReport, printReport, writeReport } from '../evaluate/report.ts';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { nodeShrink } from './node-shrink.ts';
import { registerShrinker } from '../image/shrink.ts';
import { presetRecipe } from '../train/presets.ts';
import type { Recipe } from '../train/recipe.ts';
import { advise, codeOf } from '../train/recipe-check.ts';
import { damageNotice, type Damage } from '../store/records.ts';
import {
  existingOnes,
  flag,
  ggufPrecisions,
  outFile,
  outFolder,
  plan,
  readArguments,
  rewardWeights,
  text,
  UsageError,
  whole,
  withWeights,
} from './arguments.ts';
import { findModel } from './find-model.ts';
import { lockFolder } from './folder-lock.ts';
import { INTAKE_FLAGS, settleByFlags } from './intake.ts';
import { takeEdits } from './take-edits.ts';
import { nodeFileStore } from './node-file-store.ts';
import { filesOfDatasets, writeFiles } from './node-files.ts';
import { runCommand } from './run-command.ts';
import { GALLERY_FLAGS, galleryKinds } from './report-flags.ts';
import { PICTURE_FLAGS, withPictures } from './picture-flags.ts';
import { RunEnd } from './run-end.ts';
import { storage as heldHow } from './storage-option.ts';
import { TEACHER_FLAGS, TeacherErrands, thoughtsFile } from './teacher.ts';
import { openTunedGpu } from './tuned-gpu.ts';
import { Progress } from './progress.ts';

/** Of the results. */
const LAST_FILE = 'witness.safetensors';

const home = fileURLToPath(new URL('../../', import.meta.url));

const USAGE =
  'usage: npm run demo -- --out DIR [--quick | --recipe NAME|FILE] [--seed N] [--model DIR|ID] [--data PATH] [--resume] [--storage HOW]';

async function main(): Promise<void> {
  const { values } = await readArguments(USAGE, {
    quick: flag,
    recipe: plan,
    resume: flag,
    'save-every': whole(1),
    reward: rewardWeights,
    gguf: ggufPrecisions,
    'allow-code': flag,
    seed: whole(0),
    model: text(join(home, 'public/starter/model')),
    data: existingOnes(join(home, 'public/starter/sample.zip')),
    storage: heldHow,
    out: outFolder('out'),
    report: outFile,
    ...GALLERY_FLAGS,
    ...INTAKE_FLAGS,
    ...PICTURE_FLAGS,
    ...TEACHER_FLAGS,
  });
  const galleries = galleryKinds(values.gallery);
  const given = values.recipe ?? presetRecipe(values.quick ? 'demo-quick' : 'demo');
  const planned = withPictures(withWeights(given, values.reward), values);
  if (!values.resume) requireCodeAllowed(planned, values['allow-code']);
  const folder = join(values.out, 'run');
  await lockFolder(folder);
  const storage = storageInFiles(nodeFileStore(folder));
  const damages: Damage[] = [];
  storage.records.onDamage((damage) => damages.push(damage));
  const kept = await interrupted(storage, values.out);
  if (values.resume && !kept)
    throw new GroundworkError(
      'run-missing',
      [`There is no interrupted run in ${values.out}.`, ...damages.map(damageNotice)].join(' '),
      'Leave out --resume to start a new run.',
    );
  const seeded = values.seed === undefined ? planned : { ...planned, seed: values.seed };
  const recipe = values.resume ? kept!.recipe : seeded;
  // A folder with a run may be from elsewhere, too.
  const code = requireCodeAllowed(recipe, values['allow-code']);
  registerDecoder(nodeDecode);
  registerShrinker(nodeShrink);
  const progress = new Progress(recipe);
  const end = new RunEnd(storage.records, values.out);
  const errands = new TeacherErrands(values, (line) => progress.note(line));
  const session: EngineSession = new EngineSession({
    openGpu: () => openTunedGpu({ onError: (message) => progress.note(`GPU error: ${message}`) }),
    storage,
    fetchFile: () => Promise.reject(new Error('the command line reads files from disk')),
    emit: (event) => {
      errands.hear(event, session);
      end.hear(event);
      progress.show(event);
    },
  });
  const device = await session.handle({ type: 'device' });
  const { name, files } = await findModel(values.model, (line) => progress.note(line));
  // A run goes on with weights held as they were.
  const held = (values.resume && kept!.weights) || values.storage;
  const model = await session.handle({ type: 'load-model', files, name, storage: held });
  const opened = await session.handle({
    type: 'open-dataset',
    name: 'demo',
    files: await filesOfDatasets(values.data),
  });
  progress.note(
    `${device.name}\n${count(model.parameters)} parameters, ${heldAs(model)}; ${opened.train} training rows, ${opened.heldout} held out, ${opened.issueCount.errors + opened.issueCount.warnings} problems`,
  );
  for (const note of model.notes) progress.note(note);
  if (values.gguf.length > 0) await requireServed(session, model.name);
  // A run goes on with the thoughts that it began with, which lie among the edits.
  const thoughts = await thoughtsFile(values.out, values.resume);
  const settled = await settleByFlags(
    opened,
    { ...values, ...(thoughts !== null && { edits: thoughts }) },
    {
      reread: (options) => session.handle({ type: 'reread-dataset', dataset: opened.id, options }),
      skipped: (id) => session.handle({ type: 'skipped', dataset: id }),
      unfit: (id) => session.handle({ type: 'unfit-rows', dataset: id }),
      edit: (id, file) => takeEdits(session, id, file),
      note: (line) => progress.note(line),
    },
  );
  const dataset = thoughts === null ? await errands.teach(session, settled, values.out) : settled;
  for (const { stage, text: words, hint } of advise(recipe, dataset)) {
    const where = stage === null ? '' : `Stage ${stage + 1}, “${recipe.stages[stage]!.name}”: `;
    progress.note(`${where}${words} ${hint}`.trim());
  }
  if (values.resume) {
    progress.note(`Resuming the run of ${new Date(kept!.startedAt).toISOString()}, after step ${kept!.step}`);
  }
  const { runId } = values.resume
    ? await session.handle({ type: 'continue-run', runId: kept!.id, dataset: dataset.id, go: true, allowCode: code })
    : await session.handle({
        type: 'start',
        dataset: dataset.id,
        recipe,
        allowCode: code,
        ...(values['save-every'] !== undefined && { keep: { everySteps: values['save-every'] } }),
      });
  process.once('SIGINT', () => void session.handle({ type: 'control', action: 'stop' }));
  await end.of(runId, session.running);
  progress.end();

  const bench = session.bench!;
  const report = buildReport({
    adapter: device.name,
    seed: recipe.seed,
    stages: bench.evaluations,
    ...(bench.rejection && { rejection: bench.rejection }),
  });
  // The last file that is written: while it is not there, the run can be resumed to write them all again.
  await rm(join(values.out, LAST_FILE), { force: true });
  await writeFiles(values.out, [{ path: 'report.json', data: writeReport(report) }]);
  if (values.report !== undefined) {
    const { stream } = await session.handle({
      type: 'report-file',
      dataset: dataset.id,
      project: null,
      runId,
      sets: [],
      galleries,
      rows: values['gallery-rows'],
    });
    const path = resolve(values.report);
    await writeFiles(dirname(path), [{ path: basename(path), data: await new Response(stream).text() }]);
    console.log(`written: ${values.report}`);
  }
  for (const what of ['adapter', 'merged'] as const)
    await writeFiles(join(values.out, what), await session.exportFiles({ what, runId }));
  for (const precision of values.gguf)
    await writeFiles(join(values.out, 'gguf'), await session.exportFiles({ what: 'gguf', precision, runId }));
  if (values.gguf.length > 0) {
    const { 'gguf-adapter': against } = await session.handle({ type: 'export-obstacles' });
    if (against.length === 0)
      await writeFiles(join(values.out, 'gguf'), await session.exportFiles({ what: 'gguf-adapter', runId }));
    else progress.note(`No adapter for llama.cpp was written. ${against.join(' ')}`);
  }
  await writeFiles(values.out, [{ path: LAST_FILE, data: await exportWitness(bench) }]);
  console.log(
    `\n${printReport(report)}\nWritten to ${values.out}: report.json, adapter/, merged/, ${values.gguf.length > 0 ? 'gguf/, ' : ''}witness.safetensors`,
  );
  await session.destroy();
}

/** Hours of training are not begun for files that cannot be written. @throws GroundworkError `gguf-unsupported` */
async function requireServed(session: EngineSession, name: string): Promise<void> {
  const { gguf } = await session.handle({ type: 'export-obstacles' });
  if (gguf.length > 0)
    throw new GroundworkError(
      'gguf-unsupported',
      `llama.cpp cannot serve “${name}”. ${gguf.join(' ')}`,
      'Leave out --gguf: transformers and vLLM load the merged weights.',
    );
}

/** The code of a recipe. Throws UsageError where it is not allowed to run. */
function requireCodeAllowed(recipe: Recipe, allowed: boolean): readonly string[] {
  const code = codeOf(recipe);
  if (code.length === 0 || allowed) return code;
  console.error(code.join('\n\n'));
  throw new UsageError(
    'The recipe carries code of its own, which stands above. It was not run.',
    'Read it. To let it score answers, without network, files or clock, add --allow-code.',
  );
}

/** The newest run, if it has not ended, or not all of its results were written. */
async function interrupted({ records }: Storage, out: string): Promise<RunRecord | undefined> {
  const runs = (await records.all<RunRecord>('runs')).toSorted((a, b) => b.changedAt - a.changedAt);
  return runs.find(({ state }, i) => state !== 'finished' || (i === 0 && !existsSync(join(out, LAST_FILE))));
}

runCommand(main);
