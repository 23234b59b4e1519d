/** Python, where there is one: on PATH, or where PYTHON says. */
import { spawnSync } from 'node:child_process';

export const python: string | null =
  [process.env['PYTHON'], 'python3', 'python'].find(
    (name) =>
      name &&
      spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' }).status === 0,
  ) ?? null;

/** What a script printed, as JSON. Throws with what it said of its failure. */
export function runPython(script: string, folder: string): unknown {
  const { status, stdout, stderr } = spawnSync(python!, ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Scores every case of cases.json by rewards.py; warnings are errors. */
export const SCORE_CASES = `
import json, warnings
warnings.simplefilter("error")
import rewards
cases = json.load(open("cases.json", encoding="utf-8"))
print(json.dumps([rewards.score(c["text"], c["ids"], c["truth"], "stage") for c in cases]))
`;
