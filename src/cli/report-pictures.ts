/** The pictures of a row as a report of one file holds them. */
import type { Row } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';
import type { ReportPicture } from '../evaluate/benchmark-html.ts';
import { readImageHeader } from '../image/size.ts';

/** Larger files would make the report too large to open. */
const MOST_BYTES = 2 * 2 ** 20;
const NOTHING = 'data:,';

export async function reportPictures(session: EngineSession, dataset: string, row: Row): Promise<ReportPicture[]> {
  const pictures: ReportPicture[] = [];
  for (const path of row.images) {
    const blob = await session.handle({ type: 'image', dataset, path });
    const header = await readImageHeader(blob);
    const bytes = blob.size <= MOST_BYTES ? Buffer.from(await blob.arrayBuffer()).toString('base64') : null;
    const { width, height } = header?.size ?? { width: 1, height: 1 };
    pictures.push({ data: bytes && header ? `data:image/${header.format};base64,${bytes}` : NOTHING, width, height });
  }
  return pictures;
}
