/** Files in the form in which MIG-Bench is published, with pictures and questions of our own. */
import { zipSync } from 'fflate';
import sharp from 'sharp';

const GROUNDS = ['#c9b58c', '#6f8f9a', '#8c6f5a', '#4c5b52'];

/** A zip of `MIG_data.json` with two pictures a row; a disc on one of them is asked for. */
export async function madeMigBench(rows: number): Promise<Uint8Array<ArrayBuffer>> {
  const files: Record<string, Uint8Array> = {};
  for (const [i, ground] of GROUNDS.entries()) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="100%" height="100%" fill="${ground}"/><circle cx="${80 + 40 * i}" cy="120" r="40" fill="#b03020"/></svg>`;
    files[`pictures/${i}.jpg`] = await sharp(Buffer.from(svg)).jpeg().toBuffer();
  }
  const data = Array.from({ length: rows }, (_, i) => {
    const [a, b] = [i % GROUNDS.length, (i + 1) % GROUNDS.length];
    const x = 80 + 40 * b;
    return {
      task: ['region', 'diff'][i % 2],
      question: `Image-1 and Image-2 show discs. Where is the disc in Image-2, question ${i + 1}?`,
      images: [`pictures/${a}.jpg`, `pictures/${b}.jpg`],
      answer: [(x - 40) / 320, 80 / 240, (x + 40) / 320, 160 / 240],
      need_format: true,
    };
  });
  files['MIG_data.json'] = new TextEncoder().encode(JSON.stringify(data));
  return zipSync(files) as Uint8Array<ArrayBuffer>;
}
