/** The race emulator against a device: the same training step gives the same numbers. */
import { afterEach, expect, test } from 'vitest';
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import { expectClose, openSession } from '../ops/harness.ts';
import { checkProgram } from './race-check.ts';
import { Inputs, trainingStep } from './training-step.ts';

let session: Session | undefined;
afterEach(() => session?.destroy());

test('the emulator computes what the device computes, in a training step through every op', async () => {
  session = await openSession();
  const inputs = new Inputs(new Recorder(session, 'step'));
  const { gradA, gradB } = trainingStep(inputs);
  const results = [inputs.rec.output(gradA), inputs.rec.output(gradB)];
  const program = inputs.rec.finish();
  for (const { tensor, data } of inputs.list) program.write(tensor, data);
  program.run();
  const device = await program.read(...results);
  const { read, findings } = checkProgram(program, inputs.list, { subgroupSize: session.gpu.subgroupSize || 8 });
  expect(findings).toEqual([]);
  results.forEach((tensor, i) => expectClose(new Float32Array(read(tensor)), device[i]!, 1e-4));
});
