/**
 * The one part of Groundwork that may speak to another server: it brings models from a Hub into the browser's private
 * file system, where the engine reads them. It is asked for models and gets no data, no pictures and no results. Its
 * own security policy, given by the server of its script, says the same (docs/decisions/0011).
 */
import { describeError } from '../../base/error.ts';
import { opfsFiles } from '../../store/opfs-files.ts';
import type { HubRequest } from '../protocol/hub.ts';
import type { FromEngine } from '../protocol/messages.ts';
import { HubSession } from './session.ts';

const post = (message: FromEngine): void => self.postMessage(message);

const session = new HubSession({
  files: opfsFiles('models'),
  emit: (event) => post({ kind: 'event', event }),
});

self.addEventListener('message', (message: MessageEvent<{ readonly id: number; readonly request: HubRequest }>) => {
  const { id, request } = message.data;
  session.handle(request).then(
    (value) => post({ kind: 'reply', id, value }),
    (error: unknown) => post({ kind: 'error', id, ...describeError(error) }),
  );
});
