import { expect, test } from 'vitest';
import { gathered } from '../../src/base/gathered.ts';
import { Random } from '../../src/base/random.ts';

const MIB = 1 << 20;

async function pieces(chunks: Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of gathered(chunks)) all.push(piece);
  return all;
}

test('a thousand small matrices are written in a few pieces, with the same bytes in the same order', async () => {
  const random = new Random(5);
  const chunks = Array.from({ length: 1000 }, (_, i) => new Uint8Array(random.below(8192)).fill(i));
  const written = await pieces(chunks);
  expect(written.length).toBeLessThan(6);
  expect(Math.max(...written.map(({ length }) => length))).toBeLessThanOrEqual(MIB);
  expect(Buffer.compare(Buffer.concat(written), Buffer.concat(chunks))).toBe(0);
});

test('large chunks go as they are, after what came before them; of nothing there is no piece', async () => {
  const [small, large] = [Uint8Array.of(1, 2, 3), new Uint8Array(MIB + 1).fill(7)];
  // By identity: comparing a mebibyte number by number takes seconds.
  const [before, same, after] = await pieces([small, large, small]);
  expect([before, after]).toEqual([small, small]);
  expect(same === large).toBe(true);
  expect(await pieces([])).toEqual([]);
  expect(await pieces([new Uint8Array(0)])).toEqual([]);
});

test('what made the chunks may use their room again, and is ended where nobody takes any more', async () => {
  const room = new Uint8Array(2);
  let ended = false;
  const reused = function* () {
    try {
      for (let i = 0; i < 3; i++) {
        room.fill(i);
        yield room;
      }
      yield new Uint8Array(MIB);
      yield room;
    } finally {
      ended = true;
    }
  };
  for await (const piece of gathered(reused())) {
    expect([...piece]).toEqual([0, 0, 1, 1, 2, 2]);
    break;
  }
  expect(ended).toBe(true);
});
