/** Every kernel that training is made of, against f64, on this adapter. */
import type { Session } from '../../gpu/recorder.ts';
import { PROOF_CASES, relativeError } from '../../ops/proof.ts';
import type { SelfProof } from '../protocol/device.ts';

export async function selfProof(session: Session): Promise<SelfProof> {
  const rows: SelfProof['rows'][number][] = [];
  for (const { op, what, tolerance, run } of PROOF_CASES) {
    const found = await run(session);
    const error = Math.max(...found.map(([got, want]) => relativeError(got, want)));
    rows.push({ op, what, tolerance, error, passed: error <= tolerance });
  }
  return { adapter: session.gpu.name, rows };
}
