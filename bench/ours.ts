/** Our side of a contest: a recorded program on tensors of its own. */
import type { Program } from '../src/gpu/program.ts';
import type { Session } from '../src/gpu/recorder.ts';
import { Tensor, type DType } from '../src/gpu/tensor.ts';
import type { Side } from './contest.ts';
import { joined } from './numbers.ts';

export type Resident = (label: string, shape: readonly number[], data?: ArrayBufferView, dtype?: DType) => Tensor;

export interface Recorded {
  readonly program: Program;
  readonly results: readonly Tensor[];
  /** Before every run. */
  readonly prepare?: () => void;
}

export async function recorded(session: Session, record: (resident: Resident) => Recorded): Promise<Side> {
  const owned: Tensor[] = [];
  const { program, results, prepare } = record((label, shape, data, dtype = 'f32') => {
    const tensor = session.resident(label, shape, dtype, data);
    owned.push(tensor);
    return tensor;
  });
  await session.kernels.ready();
  const last = results[0]!;
  const word = new Tensor('first word', 'f32', [1], last.storage, last.offset);
  return {
    async once() {
      prepare?.();
      program.run();
      await program.readBytes(word);
    },
    async result() {
      return joined(await program.read(...results));
    },
    dispose() {
      program.destroy();
      session.release(...owned);
    },
  };
}
