/** Serves page.html, built as the product is, with rows and a model; and answers what page and worker ask of a campaign. */
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { servePage, type Served } from '../../../e2e/harness/serve.ts';
import { filesUnder } from '../../../src/cli/node-files.ts';
import { writeRows } from '../plan.ts';
import type { Shown } from './page.ts';

const house = fileURLToPath(new URL('../../../', import.meta.url));
const FIRST_PORT = 4590;

export class EngineSite {
  readonly #built: string;
  readonly #served: Served;
  readonly shown: Shown;
  /** Answers what is asked at /torture/… */
  answer: (what: string, body: unknown) => Promise<unknown> = () => Promise.resolve({});

  private constructor(built: string, served: Served, shown: Shown) {
    this.#built = built;
    this.#served = served;
    this.shown = shown;
  }

  /** @param writeModel writes another model than the starter into a folder */
  static async open(writeModel?: (folder: string) => Promise<void>): Promise<EngineSite> {
    // Below the house, as the builder wants it.
    const outDir = `.cache/torture/page-${process.pid}`;
    const built = join(house, outDir);
    let site: EngineSite | null = null;
    const served = await servePage('tools/torture/browser/page.html', {
      outDir,
      port: FIRST_PORT,
      publicDir: join(house, 'public'),
      answer: (request, response, next) => {
        const [, what] = /^\/torture\/(\w+)$/.exec(request.url ?? '') ?? [];
        if (what === undefined || !site) return next();
        void site.#asked(what, request, response);
      },
    });
    await writeRows(join(built, 'rows'));
    await writeModel?.(join(built, 'model'));
    const names = async (folder: string) => (await filesUnder(join(built, folder))).map(({ path }) => path);
    return (site = new EngineSite(built, served, {
      rows: await names('rows'),
      model: writeModel ? await names('model') : null,
    }));
  }

  get url(): string {
    return this.#served.url;
  }

  async close(): Promise<void> {
    await this.#served.close();
    await rm(this.#built, { recursive: true, force: true });
  }

  async #asked(what: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const answer = await this.answer(what, JSON.parse(text));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }
}
