/** A teacher on the command line: thoughts become edits in a file beside the results, and the key is written nowhere. */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { takeEdits } from '../../src/cli/take-edits.ts';
import { TeacherErrands, thoughtsFile } from '../../src/cli/teacher.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { llava, named, pngHeader } from '../data/make-dataset.ts';
import { startTeacher, textOf, type TeacherServer } from '../train/teacher/teacher-server.ts';

const KEY = 'sk-of-the-environment';
const files = named({
  'images/a.png': pngHeader(200, 100),
  'train.json': ['cup', 'dog'].map((id) =>
    llava(`<image>Where is the ${id}?`, '<|box_start|>(200,200),(600,700)<|box_end|>', 1, { id }),
  ),
});
const options = { readings: [{ file: 'train.json', way: 'pairs', space: 'thousand', layout: 'xyxy' }] } as const;

let server: TeacherServer;
let out = '';
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'teacher-'));
  server = await startTeacher('vllm');
  server.key = KEY;
  process.env['GROUNDWORK_TEACHER_KEY'] = KEY;
  server.answer = (body) => ({
    thought: `I look for it and find it in the middle. Asked with ${KEY}.`,
    content: textOf(body).includes('cup') ? '<answer>[{"bbox_2d": [200, 200, 600, 700]}]</answer>' : 'I see none.',
  });
});
afterEach(async () => {
  delete process.env['GROUNDWORK_TEACHER_KEY'];
  await server.close();
});

const told = () => ({
  teacher: server.endpoint,
  'teacher-model': '',
  'teacher-samples': 2,
  'teacher-at-once': 2,
  'teacher-space': undefined,
});

async function world() {
  const notes: string[] = [];
  const errands = new TeacherErrands(told(), (line) => notes.push(line));
  const session: EngineSession = new EngineSession({
    openGpu: () => Promise.reject(new Error('there is none')),
    fetchFile: () => Promise.reject(new Error('there is none')),
    storage: storageInFiles(nodeFileStore(join(out, 'run'))),
    emit: (event) => errands.hear(event, session),
  });
  const opened = await session.handle({ type: 'open-dataset', name: 'small', files, options });
  return { notes, errands, session, opened };
}

test('kept thoughts are laid over the rows, and the run that goes on takes them from its file', async () => {
  const { notes, errands, session, opened } = await world();
  expect(await thoughtsFile(out, false)).toBeNull();
  const report = await errands.teach(session, opened, out);
  expect(report.edits).toMatchObject({ changes: 1, rows: 1 });
  expect(notes[0]).toContain(`2 training rows go to ${server.endpoint} (teacher-72b): 1 pictures, 4 to 8 requests`);
  expect(notes).toContain('1 of 2 rows have a thought of the teacher now.');
  expect(notes.join('\n')).toMatch(/2\/2 rows asked, 1 with a thought, \d+ tokens, 0 answers from before/);

  const asked = server.asked().length;
  const file = await thoughtsFile(out, true);
  const next = await world();
  const again = await takeEdits(next.session, next.opened.id, file!);
  expect(again.edits!.digest).toBe(report.edits!.digest);
  // Without the file, all answers come from the cache, and make the same edits.
  const third = await world();
  expect((await third.errands.teach(third.session, third.opened, out)).edits!.digest).toBe(report.edits!.digest);
  expect(server.asked()).toHaveLength(asked);
  // A run that begins anew forgets the thoughts of the one before.
  expect(await thoughtsFile(out, false)).toBeNull();
});

test('the key is in a header, and in no file and no line', async () => {
  const { notes, errands, session, opened } = await world();
  await errands.teach(session, opened, out);
  expect(server.seen.every(({ headers }) => headers.authorization === `Bearer ${KEY}`)).toBe(true);
  const names = await readdir(out, { recursive: true, withFileTypes: true });
  const written = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(written.some((path) => path.endsWith('replies.jsonl'))).toBe(true);
  for (const path of written) expect(await readFile(path, 'utf8'), path).not.toContain(KEY);
  expect(notes.join('\n')).not.toContain(KEY);
});

test('a wrong key, settings without a teacher, and a letter to elsewhere are refused', async () => {
  const { errands, session, opened } = await world();
  server.key = 'another';
  await expect(errands.teach(session, opened, out)).rejects.toMatchObject({ code: 'teacher-key' });
  expect(() => new TeacherErrands({ ...told(), teacher: undefined, 'teacher-model': 'x' }, () => undefined)).toThrow(
    '--teacher',
  );
  const before = server.seen.length;
  const letter = { method: 'GET', path: '/models', timeoutMs: 1000 } as const;
  errands.hear({ type: 'teacher-letter', id: 99, base: 'http://127.0.0.1:1/v1', letter }, session);
  expect(server.seen).toHaveLength(before);
});
