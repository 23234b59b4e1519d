/**
 * A Hub on this machine, with the answers of the real one: the API, `resolve` with its redirects (small files to its own
 * cache, large ones to a content network on another origin, by a signed address), hashes, tags, errors, and headers for
 * pages of other origins. The content network, like the real one, does not answer preflight requests.
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly at: 'hub' | 'cdn';
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** What goes wrong with a request: an answer instead of the right one, or a connection that breaks. */
export type Trouble =
  | { readonly status: number; readonly headers?: Record<string, string> }
  | { readonly cutAfter: number }
  | { readonly stall: true }
  | null;

interface Model {
  commit: string;
  readonly revisions: Set<string>;
  readonly files: Map<string, Buffer>;
  readonly listed: Map<string, Buffer>;
  readonly access: 'public' | 'gated' | 'private';
}

export interface HubServer {
  readonly endpoint: string;
  readonly cdn: string;
  readonly seen: Seen[];
  /** Bytes of file contents sent. */
  sent(): number;
  add(id: string, files: Readonly<Record<string, Uint8Array>>, options?: { access?: Model['access'] }): Model;
  /** A new commit under the same branch. */
  commit(id: string, files: Readonly<Record<string, Uint8Array>>): void;
  /** Other contents under the same commit: what must not happen, and does. */
  swap(id: string, path: string, contents: Uint8Array): void;
  /** Asked about every request for the contents of a file, and every API request. */
  trouble: (request: { at: 'hub' | 'cdn'; path: string; count: number }) => Trouble;
  /** Entries of a page of a listing. */
  pageSize: number;
  /** Bytes a second of file contents; 0: as fast as it goes. */
  bytesPerSecond: number;
  close(): Promise<void>;
}

export const TOKEN = 'hf_right';
/** What the Hub keeps outside git, as its .gitattributes say. */
const isLarge = (path: string) => /\.safetensors$|^tokenizer\.json$/.test(path);
const sha1 = (bytes: Uint8Array | string) => createHash('sha1').update(bytes).digest('hex');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitBlob = (bytes: Uint8Array) => sha1(Buffer.concat([Buffer.from(`blob ${bytes.byteLength}\0`), bytes]));
const EXPOSED =
  'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash';

export async function startHub(): Promise<HubServer> {
  const models = new Map<string, Model>();
  const seen: Seen[] = [];
  let sent = 0;
  let count = 0;
  const secret = 'signed by the hub';
  const sign = (path: string) => createHmac('sha256', secret).update(path).digest('hex');

  const fail = (res: ServerResponse, status: number, code: string | null, message: string) => {
    if (code) res.setHeader('x-error-code', code);
    res.setHeader('x-error-message', message);
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
  };
  const misbehave = (at: 'hub' | 'cdn', path: string, res: ServerResponse): Trouble => {
    const trouble = server.trouble({ at, path, count: count++ });
    if (trouble && 'status' in trouble) res.writeHead(trouble.status, trouble.headers).end();
    return trouble;
  };

  async function send(req: IncomingMessage, res: ServerResponse, bytes: Buffer, tag: string, trouble: Trouble) {
    const range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    const first = range ? Number(range[1]) : 0;
    const last = Math.min(range?.[2] ? Number(range[2]) : Infinity, bytes.length - 1);
    if (range && first > last) {
      res.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const body = bytes.subarray(first, last + 1);
    res.writeHead(range ? 206 : 200, {
      etag: `"${tag}"`,
      'accept-ranges': 'bytes',
      'content-length': body.length,
      'content-type': 'application/octet-stream',
      ...(range && { 'content-range': `bytes ${first}-${last}/${bytes.length}` }),
    });
    if (trouble && 'stall' in trouble) return void res.flushHeaders();
    const whole = trouble && 'cutAfter' in trouble ? body.subarray(0, trouble.cutAfter) : body;
    const step = server.bytesPerSecond > 0 ? Math.max(1, Math.round(server.bytesPerSecond / 20)) : 64 * 1024;
    for (let at = 0; at < whole.length && !res.destroyed; at += step) {
      const piece = whole.subarray(at, at + step);
      await new Promise<void>((resolve) => res.write(piece, () => resolve()));
      sent += piece.length;
      if (server.bytesPerSecond > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (whole === body) res.end();
    else res.destroy();
  }

  /** The model, if the caller may see it; else the error is sent. */
  function admit(req: IncomingMessage, res: ServerResponse, id: string, contents: boolean): Model | null {
    const model = models.get(id);
    const { authorization } = req.headers;
    if (authorization !== undefined && authorization !== `Bearer ${TOKEN}`) {
      fail(res, 401, null, 'Invalid credentials in Authorization header');
      return null;
    }
    if (!model || (model.access === 'private' && authorization === undefined)) {
      if (authorization === undefined) fail(res, 401, 'RepoNotFound', 'Invalid username or password.');
      else fail(res, 404, 'RepoNotFound', 'Repository not found');
      return null;
    }
    if (model.access === 'gated' && contents) {
      const message = `Access to model ${id} is restricted.`;
      fail(res, authorization === undefined ? 401 : 403, 'GatedRepo', message);
      return null;
    }
    return model;
  }

  async function hub(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url!, endpoint);
    res.setHeader('access-control-allow-origin', req.headers.origin ?? 'https://huggingface.co');
    res.setHeader('vary', 'Origin');
    res.setHeader('access-control-expose-headers', EXPOSED);
    res.setHeader('access-control-max-age', '86400');
    if (req.method === 'OPTIONS') {
      const asked = req.headers['access-control-request-headers'];
      res.writeHead(204, {
        'access-control-allow-methods': 'GET,HEAD',
        ...(asked && { 'access-control-allow-headers': asked }),
      });
      res.end();
      return;
    }
    const trouble = misbehave('hub', url.pathname, res);
    if (trouble && 'status' in trouble) return;
    const json = (value: unknown, headers: Record<string, string> = {}) =>
      res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(value));

    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    if (api) {
      const [, id, what, encoded] = api as unknown as [string, string, string, string];
      const model = admit(req, res, id, false);
      if (!model) return;
      const revision = decodeURIComponent(encoded);
      if (revision !== model.commit && !model.revisions.has(revision))
        return fail(res, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
      if (what === 'revision') return void json({ id, sha: model.commit, gated: model.access === 'gated' });
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const entries = [...model.listed].map(([path, bytes]) => ({
        type: 'file',
        oid: isLarge(path) ? sha1(path) : gitBlob(bytes),
        size: bytes.length,
        path,
        ...(isLarge(path) && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
      }));
      const page = [{ type: 'directory', oid: sha1('onnx'), size: 0, path: 'onnx' }, ...entries].slice(
        from,
        from + server.pageSize,
      );
      const next = from + server.pageSize <= entries.length;
      return void json(page, {
        ...(next && {
          link: `<${endpoint}${url.pathname}?recursive=true&cursor=${from + server.pageSize}>; rel="next"`,
        }),
      });
    }
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, id, commit, path] = (resolve ?? cached ?? []) as string[];
    if (!id || !path) return fail(res, 404, null, 'Not found');
    const model = admit(req, res, id, true);
    if (!model) return;
    const bytes = model.files.get(decodeURIComponent(path));
    if (commit !== model.commit) return fail(res, 404, 'RevisionNotFound', 'Invalid rev id');
    if (!bytes) return fail(res, 404, 'EntryNotFound', 'Entry not found');
    res.setHeader('x-repo-commit', model.commit);
    if (cached) return send(req, res, bytes, gitBlob(bytes), trouble);
    if (!isLarge(path)) {
      res.setHeader('x-linked-etag', `"${gitBlob(bytes)}"`);
      res.writeHead(307, { location: `/api/resolve-cache/models/${id}/${commit}/${path}?etag=x` }).end();
      return;
    }
    res.setHeader('x-linked-etag', `"${sha256(bytes)}"`);
    res.setHeader('x-linked-size', String(bytes.length));
    const place = `/repos/${id}/${path}`;
    res.writeHead(302, { location: `${cdn}${place}?Expires=1&Signature=${sign(place)}&Key-Pair-Id=K` }).end();
  }

  async function network(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url!, cdn);
    if (req.method === 'OPTIONS') return void res.writeHead(403).end();
    res.setHeader('access-control-allow-origin', '*');
    res.setHeader('access-control-expose-headers', 'ETag, Content-Range, Accept-Ranges');
    const trouble = misbehave('cdn', url.pathname, res);
    if (trouble && 'status' in trouble) return;
    const [, id, path] = /^\/repos\/([^/]+\/[^/]+)\/(.+)$/.exec(url.pathname) as unknown as [string, string, string];
    if (url.searchParams.get('Signature') !== sign(url.pathname)) return void res.writeHead(403).end();
    const bytes = models.get(id)!.files.get(path)!;
    await send(req, res, bytes, `s3-${sha1(bytes)}-7`, trouble);
  }

  const listen = async (at: 'hub' | 'cdn', answer: typeof hub): Promise<[Server, string]> => {
    const made = createServer((req, res) => {
      seen.push({ at, method: req.method!, path: req.url!, headers: req.headers });
      answer(req, res).catch((error: unknown) => res.destroy(error as Error));
    });
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return [made, `http://127.0.0.1:${(made.address() as AddressInfo).port}`];
  };
  const [hubServer, endpoint] = await listen('hub', hub);
  const [cdnServer, cdn] = await listen('cdn', network);

  const contents = (files: Readonly<Record<string, Uint8Array>>) =>
    new Map(Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes)]));
  const commitOf = (files: ReadonlyMap<string, Buffer>) => sha1([...files].map(([path, b]) => path + sha1(b)).join());
  const server: HubServer = {
    endpoint,
    cdn,
    seen,
    sent: () => sent,
    add(id, given, { access = 'public' } = {}) {
      const files = contents(given);
      const model = {
        commit: commitOf(files),
        revisions: new Set(['main', 'v1.0', 'refs/pr/3']),
        files,
        listed: new Map(files),
        access,
      };
      models.set(id, model);
      return model;
    },
    commit(id, given) {
      models.set(id, { ...this.add(id, given), revisions: models.get(id)!.revisions });
    },
    swap: (id, path, bytes) => void models.get(id)!.files.set(path, Buffer.from(bytes)),
    trouble: () => null,
    pageSize: 1000,
    bytesPerSecond: 0,
    async close() {
      for (const each of [hubServer, cdnServer]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
    },
  };
  return server;
}
