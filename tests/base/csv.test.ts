import { expect, test } from 'vitest';
import { parseTable } from '../../src/base/csv.ts';
import { indexCsv } from '../../src/formats/csv.ts';

test('a quote inside an unquoted cell is a character; one at its start opens a quoted cell', () => {
  const text = 'id,answer,size\n1,a 5" screw,x\n2,"a ""big"", red\none",y\r\n3,12" and 13",z\n';
  expect(parseTable(text)).toEqual([
    { id: '1', answer: 'a 5" screw', size: 'x' },
    { id: '2', answer: 'a "big", red\none', size: 'y' },
    { id: '3', answer: '12" and 13"', size: 'z' },
  ]);
});

test('records are found at the same places in a file as in a text', async () => {
  const text = '\ufeff"a;b"\tc\n5" x\t1\n"two\n""lines"""\t2\n\n7\t"3"\n';
  const index = await indexCsv(new Blob([text]));
  expect(Array.from({ length: index.length }, (_, i) => index.line(i))).toEqual([1, 2, 3, 6]);
  expect(parseTable(text)).toEqual([
    { 'a;b': '5" x', c: '1' },
    { 'a;b': 'two\n"lines"', c: '2' },
    { 'a;b': '7', c: '3' },
  ]);
});
