/** Where a model is on a Hub, as a person gives it: an id (or a link to the model), a revision, an endpoint. */
import { GroundworkError } from '../base/error.ts';

export const DEFAULT_ENDPOINT = 'https://huggingface.co';
export const DEFAULT_REVISION = 'main';

export interface HubAddress {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly id: string;
  /** A branch, a tag, a commit, or `refs/pr/N`. */
  readonly revision: string;
}

/** Throws `hub-id`, `hub-revision-name` or `hub-endpoint`. */
export function hubAddress(given: {
  readonly id: string;
  readonly revision?: string;
  readonly endpoint?: string;
}): HubAddress {
  const endpoint = (given.endpoint?.trim() || DEFAULT_ENDPOINT).replace(/\/+$/, '');
  requireEndpoint(endpoint);
  const id = given.id.trim().replace(/^https?:\/\/[^/]+\/|\/+$/g, '');
  if (!/^(?:[\w.-]+\/)?[\w.-]+$/.test(id) || /(^|\/)\.{1,2}(\/|$)/.test(id))
    throw new GroundworkError(
      'hub-id',
      `“${given.id}” is not a model id.`,
      'An id is an owner and a name, such as Qwen/Qwen3-VL-2B-Instruct.',
    );
  const revision = given.revision?.trim() || DEFAULT_REVISION;
  if (/\s|\.\.|[?#\\]/.test(revision))
    throw new GroundworkError(
      'hub-revision-name',
      `“${revision}” is not a valid revision.`,
      'Give a branch (main), a tag or a commit.',
    );
  return { endpoint, id, revision };
}

/** The worker that fetches models may speak to https and to this machine; anything else its policy would stop. */
function requireEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  const here = url !== null && ['localhost', '127.0.0.1'].includes(url.hostname);
  const plain = url !== null && url.username === '' && url.search === '' && url.hash === '';
  if (plain && (url.protocol === 'https:' || (url.protocol === 'http:' && here))) return;
  throw new GroundworkError(
    'hub-endpoint',
    `“${endpoint}” cannot be used as an endpoint.`,
    `It must begin with https:// (or http:// for a server on this machine), such as ${DEFAULT_ENDPOINT}.`,
  );
}
