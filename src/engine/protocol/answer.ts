/** Takes a request to its handler. */
import type { Replies, Request, RequestOf } from './messages.ts';

/** A request whose type is known to be T. */
export type Typed<T extends Request['type']> = RequestOf<T> & { readonly type: T };

export const answer = <T extends Request['type']>(
  handlers: { readonly [K in T]: (request: RequestOf<K>) => Promise<Replies[K]> },
  type: T,
  request: RequestOf<T>,
): Promise<Replies[T]> => handlers[type](request);
