/** The studio with a pretended engine, for looking at it and for tests. The address says how: ?fast&software#/run. */
import { EngineClient } from '../../src/engine/client.ts';
import { mountStudio } from '../../src/studio/mount.tsx';
import { writeRunFile } from '../../src/studio/state/run-file.ts';
import type { Studio } from '../../src/studio/state/studio.ts';
import { FakeTransport } from '../../tests/studio/fake/transport.ts';

export interface Harness {
  readonly studio: Studio;
  readonly transport: FakeTransport;
  readonly writeRunFile: typeof writeRunFile;
}

const query = new URLSearchParams(location.search);
const transport = new FakeTransport({
  software: query.has('software'),
  noAdapter: query.has('no-adapter'),
  loadMs: Number(query.get('load') ?? 80),
  ...(query.has('fast') && { perTick: 400, tickMs: 1 }),
});
const studio = mountStudio(document.getElementById('root')!, new EngineClient(transport));
(window as unknown as { harness: Harness }).harness = { studio, transport, writeRunFile };
