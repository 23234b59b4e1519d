/** Readers that do what none may do: what the fuzzer says of them. */
import { writeFileSync } from 'node:fs';
import { GroundworkError } from '../../src/base/error.ts';

const seeds = () => ['[1, 2, 3]'];
/** Of about one input in some; which, is the same each time. */
const some = (bytes: Uint8Array): boolean => bytes.length % 7 === 3;
/** Never ends and hears nothing, as an endless loop does, and leaves the processor to others. */
const hang = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const planted = (read: (bytes: Uint8Array) => unknown) => ({
  files: [],
  seeds,
  read: async (bytes: Uint8Array) => void (await read(bytes)),
});

export const READERS = {
  refuses: planted(() => {
    throw new GroundworkError('file-unreadable', 'It is none.', 'Bring another.');
  }),
  throws: planted((bytes) => {
    if (some(bytes)) throw new RangeError('planted');
  }),
  exits: planted((bytes) => {
    if (some(bytes)) process.exit(134);
  }),
  loops: planted((bytes) => {
    if (some(bytes)) hang();
  }),
  // Says in a file in which process it hangs.
  'loops and tells': planted(() => {
    writeFileSync(process.env.PLANTED_PID!, String(process.pid));
    hang();
  }),
  swells: planted((bytes) => {
    if (some(bytes)) new Uint8Array(600 * 2 ** 20).fill(1);
  }),
};
