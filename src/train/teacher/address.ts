/** Where a teacher is: the base of its OpenAI-compatible interface, and what kind of place that is. */
import { GroundworkError } from '../../base/error.ts';

/** `loopback`: this machine. `local`: the network around it. `public`: anywhere else. */
export type Place = 'loopback' | 'local' | 'public';

export interface TeacherAddress {
  /** Ends in `/v1`, or in whatever path the user named; no slash after it. */
  readonly base: string;
  /** The only origin that is ever spoken to. */
  readonly origin: string;
  readonly place: Place;
  /** Nobody on the way can read along. True on this machine, where nothing is on the way. */
  readonly private: boolean;
}

const refused = (message: string, hint: string) => new GroundworkError('teacher-address', message, hint);

const EXAMPLE = 'Give an address such as http://127.0.0.1:8000/v1.';

/** @throws GroundworkError `teacher-address`, whose message never repeats a password. */
export function teacherAddress(given: string): TeacherAddress {
  const text = given.trim();
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw refused('The teacher’s address cannot be read.', EXAMPLE);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(`A teacher cannot be reached by ${url.protocol}//.`, EXAMPLE);
  // An address is shown, kept and written to logs. A key in it would be, too.
  if (url.username || url.password || url.search || url.hash)
    throw refused(
      'The teacher’s address holds more than a host and a path.',
      'Leave out user, password and whatever follows “?” or “#”. A key is given apart from the address.',
    );
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(?:chat\/completions|models)$/, '');
  const place = placeOf(url.hostname);
  return {
    base: `${url.origin}${path === '' ? '/v1' : path}`,
    origin: url.origin,
    place,
    private: url.protocol === 'https:' || place === 'loopback',
  };
}

/** @param host as `URL.hostname` gives it: addresses in canonical form, IPv6 in brackets */
function placeOf(host: string): Place {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return 'loopback';
  // A name without a domain is one of this network.
  if (name.endsWith('.local') || /^[a-z0-9-]+$/.test(name)) return 'local';
  const four = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(name);
  if (four) {
    const [a, b] = [Number(four[1]), Number(four[2])];
    if (a === 127) return 'loopback';
    const local =
      a === 10 ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128);
    return local ? 'local' : 'public';
  }
  // Unique local (fc00::/7) and link-local (fe80::/10) addresses.
  return /^\[(?:f[cd]|fe[89ab])/.test(name) ? 'local' : 'public';
}
