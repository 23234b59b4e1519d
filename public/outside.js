/**
 * The one way out of the studio to a teacher: a frame that first binds itself to the origin that the user has agreed to,
 * by a policy that cannot be taken back, and then starts a worker from a blob, which inherits that policy. So it holds on
 * servers that send no policy as well. It is asked for letters to that place alone. It stores nothing.
 */
'use strict';

/** Runs in the worker, which is made of its text: it may use nothing from outside of itself. */
function worker() {
  /** Longer answers are no chat completions. */
  const LONGEST = 16 * 2 ** 20;
  const PATHS = ['/models', '/chat/completions'];
  const under = new Map();
  let base = '';
  let key = '';
  let space;
  /** An answer was read before: who is let in once is let in. */
  let letIn = false;

  const textOf = async (response) => {
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    let bytes = 0;
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > LONGEST) {
        await reader.cancel();
        throw new Error('too long');
      }
      text += decoder.decode(value, { stream: true });
    }
  };

  /** Something answers there, whether or not it lets a page read what. It sends no key, and the policy holds for redirects. */
  const isThere = () =>
    fetch(`${base}/models`, { mode: 'no-cors', credentials: 'omit', ...space }).then(
      () => true,
      () => false,
    );

  const carry = async ({ method, path, body, timeoutMs }, stop) => {
    if (!PATHS.includes(path)) return { undelivered: 'broken' };
    const late = AbortSignal.timeout(timeoutMs);
    let response = null;
    try {
      response = await fetch(base + path, {
        method,
        // Pictures and key are for the address that was named, and for none that it names.
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(key !== '' && { authorization: `Bearer ${key}` }),
        },
        body,
        signal: AbortSignal.any([stop, late]),
        ...space,
      });
      const text = await textOf(response);
      letIn = true;
      // A server may repeat the key that it refuses.
      return {
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        text: key === '' ? text : text.replaceAll(key, '•••'),
      };
    } catch {
      if (stop.aborted) return { undelivered: 'broken' };
      if (late.aborted) return { undelivered: 'slow' };
      if (response !== null || letIn) return { undelivered: 'broken' };
      return { undelivered: (await isThere()) ? 'refused' : 'broken' };
    }
  };

  addEventListener('message', ({ data, ports }) => {
    ({ base, key, space } = data);
    const [port] = ports;
    port.onmessage = async ({ data: message }) => {
      if (message.recall !== undefined) return under.get(message.recall)?.abort();
      const stop = new AbortController();
      under.set(message.id, stop);
      const carried = await carry(message.letter, stop.signal);
      under.delete(message.id);
      port.postMessage({ id: message.id, carried });
    };
    port.postMessage({ ready: true });
  });
}

let bound = false;
addEventListener('message', async ({ source, origin, data, ports }) => {
  // Only the studio that this file belongs to, and only once.
  if (bound || source !== parent || origin !== location.origin || typeof data?.base !== 'string') return;
  bound = true;
  const { base, key } = data;
  const policy = document.createElement('meta');
  policy.httpEquiv = 'Content-Security-Policy';
  policy.content = `default-src 'none'; worker-src blob:; connect-src ${new URL(base).origin}`;
  document.head.append(policy);
  // A name in this network, asked by an encrypted page: the browser must be told that it is near.
  const space = data.near && location.protocol === 'https:' ? { targetAddressSpace: 'local' } : {};
  // A worker cannot ask for a permission: where one is needed, this asks for it. (no-cors must follow redirects.)
  await fetch(`${base}/models`, { mode: 'no-cors', credentials: 'omit', ...space }).catch(() => undefined);
  const script = URL.createObjectURL(new Blob([`'use strict';(${worker})();`], { type: 'text/javascript' }));
  new Worker(script, { name: 'groundwork-teacher' }).postMessage({ base, key, space }, ports);
});
