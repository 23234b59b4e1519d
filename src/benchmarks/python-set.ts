/**
 * The order in which CPython goes through a set of small whole numbers. A published script keeps what it did for the
 * last element of a set, so which one is last decides its figure.
 *
 * Source: CPython 3.7 and later, `Objects/setobject.c`: open addressing with up to nine neighbours, then a perturbed jump;
 * the table grows fourfold when three fifths are full.
 */
const NEIGHBOURS = 9;
const PERTURB_SHIFT = 5;

function place(table: (number | null)[], value: number): boolean {
  const mask = table.length - 1;
  let perturb = value;
  let at = value & mask;
  for (;;) {
    const last = at + NEIGHBOURS <= mask ? at + NEIGHBOURS : at;
    for (let i = at; i <= last; i++) {
      if (table[i] === value) return false;
      if (table[i] === null) {
        table[i] = value;
        return true;
      }
    }
    perturb = Math.floor(perturb / 2 ** PERTURB_SHIFT);
    at = (at * 5 + 1 + perturb) % (mask + 1);
  }
}

const emptyTable = (size: number): (number | null)[] => Array.from({ length: size }, () => null);

/** Different values in the order of `for x in set(values)`. Values: whole, from 0, below 2^31. */
export function pythonSetOrder(values: readonly number[]): number[] {
  let table = emptyTable(8);
  let used = 0;
  for (const value of values) {
    if (!place(table, value)) continue;
    used++;
    if (used * 5 < (table.length - 1) * 3) continue;
    const wanted = used > 50_000 ? used * 2 : used * 4;
    let size = 8;
    while (size <= wanted) size *= 2;
    const larger = emptyTable(size);
    for (const each of table) if (each !== null) place(larger, each);
    table = larger;
  }
  return table.filter((each) => each !== null);
}
