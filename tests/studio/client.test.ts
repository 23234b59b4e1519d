import { describe, expect, it } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import { EngineClient, type Transport } from '../../src/engine/client.ts';
import type { EngineEvent, FromEngine, ToEngine } from '../../src/engine/protocol/index.ts';

function setUp() {
  const sent: ToEngine[] = [];
  let receive!: (message: FromEngine) => void;
  let lose!: (reason: string) => void;
  let closed = false;
  const transport: Transport = {
    open: (r, l) => void ([receive, lose] = [r, l]),
    post: (message) => void sent.push(message),
    close: () => void (closed = true),
  };
  return {
    client: new EngineClient(transport),
    sent,
    receive: (m: FromEngine) => receive(m),
    lose: (r: string) => lose(r),
    wasClosed: () => closed,
  };
}

describe('the client of the engine', () => {
  it('gives each request its own reply, in whatever order they come', async () => {
    const { client, sent, receive } = setUp();
    const first = client.request({ type: 'rows', dataset: 'd', split: 'train', offset: 0, count: 1 });
    const second = client.request({ type: 'control', action: 'pause' });
    receive({ kind: 'reply', id: sent[1]!.id, value: { state: 'paused' } });
    receive({ kind: 'reply', id: sent[0]!.id, value: { total: 7, rows: [] } });
    expect(await second).toEqual({ state: 'paused' });
    expect(await first).toEqual({ total: 7, rows: [] });
  });

  it('rejects with code, message and hint', async () => {
    const { client, sent, receive } = setUp();
    const pending = client.request({ type: 'device' });
    receive({ kind: 'error', id: sent[0]!.id, code: 'no-adapter', message: 'None.', hint: 'Buy one.' });
    const error = await pending.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GroundworkError);
    expect(error).toMatchObject({ code: 'no-adapter', message: 'None.', hint: 'Buy one.' });
  });

  it('hands events to every listener until it leaves', () => {
    const { client, receive } = setUp();
    const seen: EngineEvent[] = [];
    const leave = client.subscribe((event) => seen.push(event));
    const event: EngineEvent = { type: 'notice', message: 'hello' };
    receive({ kind: 'event', event });
    leave();
    receive({ kind: 'event', event });
    expect(seen).toEqual([event]);
  });

  it('tells whoever has work with the engine that it is lost, until they have not', () => {
    const { client, lose } = setUp();
    const told: string[] = [];
    const forget = client.onLost(({ code }) => told.push(`gone ${code}`));
    client.onLost(({ code }) => told.push(code));
    forget();
    lose('it was ended');
    expect(told).toEqual(['engine-lost']);
  });

  it('when the engine is lost, fails what waits and what comes, and says so once', async () => {
    const { client, lose, sent } = setUp();
    const events: EngineEvent[] = [];
    client.subscribe((event) => events.push(event));
    const waiting = client.request({ type: 'device' });
    lose('out of memory');
    lose('again');
    await expect(waiting).rejects.toMatchObject({ code: 'engine-lost' });
    await expect(client.request({ type: 'device' })).rejects.toMatchObject({ code: 'engine-lost' });
    expect(sent).toHaveLength(1);
    expect(events).toMatchObject([{ type: 'failure', code: 'engine-lost' }]);
  });

  it('starts another engine in the place of a lost one, but not for ever', async () => {
    const engines: { lose: (reason: string) => void; sent: ToEngine[]; receive: (message: FromEngine) => void }[] = [];
    const open = (): Transport => ({
      open: (receive, lose) => void engines.push({ lose, receive, sent: [] }),
      post: (message) => void engines.at(-1)!.sent.push(message),
      close: () => undefined,
    });
    const client = new EngineClient(open(), open);
    const events: EngineEvent[] = [];
    client.subscribe((event) => events.push(event));
    let restarts = 0;
    client.onRestart(() => restarts++);
    const waiting = client.request({ type: 'device' });
    engines[0]!.lose('its process ended');
    await expect(waiting).rejects.toMatchObject({ code: 'engine-lost' });
    const next = client.request({ type: 'control', action: 'pause' });
    // What the dead one still says is not heard.
    engines[0]!.receive({ kind: 'reply', id: engines[1]!.sent[0]!.id, value: 'stale' });
    engines[1]!.receive({ kind: 'reply', id: engines[1]!.sent[0]!.id, value: { state: 'paused' } });
    expect(await next).toEqual({ state: 'paused' });
    expect([restarts, events]).toEqual([1, []]);
    for (let i = 0; engines[i + 1]; i++) engines[i + 1]!.lose('again');
    expect(engines.length).toBeLessThan(10);
    expect(events).toMatchObject([{ type: 'failure', code: 'engine-lost' }]);
    await expect(client.request({ type: 'device' })).rejects.toMatchObject({ code: 'engine-lost' });
  });

  it('turns a message that cannot be sent into a rejection', async () => {
    const client = new EngineClient({
      open: () => undefined,
      close: () => undefined,
      post: () => {
        throw new DOMException('no clone', 'DataCloneError');
      },
    });
    await expect(client.request({ type: 'device' })).rejects.toMatchObject({ code: 'not-sent' });
  });

  it('closes its transport and rejects what waits', async () => {
    const { client, wasClosed } = setUp();
    const waiting = client.request({ type: 'device' });
    client.close();
    expect(wasClosed()).toBe(true);
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
  });

  it('ignores a reply nobody waits for', () => {
    const { receive } = setUp();
    expect(() => receive({ kind: 'reply', id: 99, value: null })).not.toThrow();
  });
});
